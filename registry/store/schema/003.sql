-- The record can be moved. The folders of attempts are named from the runs folder on, the runs
-- folder from the database's folder on; paths in a trial's spec are absolute, so the folder that
-- the database lay in when they were written stands beside them.

CREATE TABLE place (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  runs TEXT NOT NULL                     -- the runs folder as seen from the database's folder
) STRICT;

ALTER TABLE trial ADD COLUMN folder TEXT NOT NULL DEFAULT '';  -- empty: not known

-- Until now attempts had absolute folders, <runs>/<study>/<trial>/<attempt>. The runs folder that
-- most of them have becomes the record's; those of another keep their absolute name.
INSERT INTO place
WITH RECURSIVE above (path, level) AS (
  SELECT directory, 0 FROM attempt WHERE directory LIKE '/_%/_%/_%/_%'
  UNION ALL
  SELECT rtrim(rtrim(path, replace(path, '/', '')), '/'), level + 1 FROM above WHERE level < 3
)
SELECT 1, path FROM above WHERE level = 3 GROUP BY path ORDER BY count(*) DESC, path LIMIT 1;

UPDATE attempt SET directory = substr(directory, length((SELECT runs FROM place)) + 2)
WHERE substr(directory, 1, length((SELECT runs FROM place)) + 1) = (SELECT runs FROM place) || '/';

-- What is usual: the database beside its runs folder.
UPDATE trial SET folder = (SELECT rtrim(rtrim(runs, replace(runs, '/', '')), '/') FROM place)
WHERE EXISTS (SELECT 1 FROM place);
