-- By what a study's validation videos belong together, where its recipe says so (data.group).

CREATE TABLE video_groups (
  study INTEGER PRIMARY KEY ON CONFLICT REPLACE REFERENCES study (id),
  grouped_by TEXT NOT NULL,                           -- as the records call it
  videos TEXT NOT NULL CHECK (json_valid(videos))     -- an object: each video's group
) STRICT;
