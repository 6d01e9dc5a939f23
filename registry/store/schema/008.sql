-- What the last run of a study says of itself while it goes on, for whoever watches it from elsewhere.

CREATE TABLE study_run (
  study INTEGER PRIMARY KEY ON CONFLICT REPLACE REFERENCES study (id),
  noted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  ending TEXT,                           -- 'complete', 'interrupted', or why it stopped; NULL: none yet
  progress TEXT NOT NULL CHECK (json_valid(progress))
) STRICT;
