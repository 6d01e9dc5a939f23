-- A study's recipe may change: each that it has had, from the run on that brought it.

CREATE TABLE recipe_history (
  study INTEGER NOT NULL REFERENCES study (id),
  position INTEGER NOT NULL,             -- from 1
  recipe_text TEXT NOT NULL,             -- as written when it was run first
  recipe_digest TEXT NOT NULL,
  begun_at TEXT NOT NULL,
  program_version TEXT NOT NULL,         -- empty: not known
  changes TEXT NOT NULL CHECK (json_valid(changes)),  -- since the one before, in words: a list
  PRIMARY KEY (study, position)
) STRICT, WITHOUT ROWID;

INSERT INTO recipe_history
SELECT id, 1, recipe_text, recipe_digest, created_at, '', '[]' FROM study;
