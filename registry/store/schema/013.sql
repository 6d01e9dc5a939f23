-- How many groups of a study's validation videos training videos are of, too: a column of its own, where the number stood among
-- the videos, under an empty id.

ALTER TABLE video_groups ADD COLUMN in_training INTEGER NOT NULL DEFAULT 0;

UPDATE video_groups SET
  in_training = CAST(json_extract(videos, '$.""') AS INTEGER),
  videos = (SELECT json_group_object(key, value) FROM json_each(videos) WHERE key <> '')
WHERE json_extract(videos, '$.""') IS NOT NULL;
