-- What is told of videos with one label each: NULL where it was not measured. Of earlier trials with
-- such labels Hit@1 is the accuracy; nobody has looked at the five best.

ALTER TABLE result ADD COLUMN accuracy REAL;
ALTER TABLE result ADD COLUMN top_5 REAL;
ALTER TABLE epoch ADD COLUMN accuracy REAL;
ALTER TABLE epoch ADD COLUMN top_5 REAL;

UPDATE result SET accuracy = hit_at_1
WHERE trial IN (SELECT id FROM trial WHERE json_extract(spec, '$.data.multi_class'));
UPDATE epoch SET accuracy = hit_at_1
WHERE trial IN (SELECT id FROM trial WHERE json_extract(spec, '$.data.multi_class'));
