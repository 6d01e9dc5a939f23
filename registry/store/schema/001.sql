-- Tables. A trial belongs to the database; studies refer to trials, so two studies share a result.
-- Times are ISO-8601 UTC. A number that is not finite (a diverged loss) is NULL.

CREATE TABLE study (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  objective TEXT NOT NULL,
  recipe_text TEXT NOT NULL,             -- as written, at the last run
  recipe_digest TEXT NOT NULL,           -- of what the recipe means
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE trial (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,      -- hash of `canonical`
  name TEXT NOT NULL,                    -- as the first study named it
  seed INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'complete', 'pruned', 'failed')),
  spec TEXT NOT NULL CHECK (json_valid(spec)),
  canonical TEXT NOT NULL,
  parameters INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE study_trial (
  study INTEGER NOT NULL REFERENCES study (id),
  position INTEGER NOT NULL,             -- in the order in which the study asked
  trial INTEGER NOT NULL REFERENCES trial (id),
  name TEXT NOT NULL,                    -- as this study names it
  PRIMARY KEY (study, position),
  UNIQUE (study, trial)
) STRICT, WITHOUT ROWID;

CREATE INDEX study_trial_by_trial ON study_trial (trial);

CREATE TABLE attempt (
  trial INTEGER NOT NULL REFERENCES trial (id),
  number INTEGER NOT NULL,               -- from 1
  outcome TEXT NOT NULL CHECK (outcome IN (
    'running', 'complete', 'crashed', 'out_of_memory', 'diverged', 'timed_out', 'hung', 'bad_spec',
    'bad_data', 'start_failed', 'environment', 'interrupted')),
  directory TEXT NOT NULL,
  device TEXT NOT NULL,
  threads INTEGER NOT NULL,
  pid INTEGER NOT NULL DEFAULT 0,        -- 0: never known
  started_at TEXT NOT NULL,
  finished_at TEXT,
  exit_code INTEGER NOT NULL DEFAULT 0,  -- exit status, or -signal
  message TEXT NOT NULL DEFAULT '',
  log_tail TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (trial, number),
  CHECK ((outcome = 'running') = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX attempt_running ON attempt (trial, number) WHERE outcome = 'running';

-- What a complete trial measured, and on what.
CREATE TABLE result (
  trial INTEGER PRIMARY KEY REFERENCES trial (id),
  attempt INTEGER NOT NULL,
  gap REAL,
  hit_at_1 REAL,
  perr REAL,
  map REAL,
  videos INTEGER NOT NULL,
  validate_loss REAL,
  best_epoch INTEGER NOT NULL,
  parameters INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  examples INTEGER NOT NULL,
  examples_per_second REAL,
  wall_seconds REAL,
  peak_memory_bytes INTEGER NOT NULL,
  skipped_records INTEGER NOT NULL,
  device TEXT NOT NULL,
  threads INTEGER NOT NULL,
  program_version TEXT NOT NULL,
  libtorch_version TEXT NOT NULL,
  segment_map REAL,                      -- NULL where the data have no rated segments
  FOREIGN KEY (trial, attempt) REFERENCES attempt (trial, number)
) STRICT;

CREATE TABLE epoch (
  trial INTEGER NOT NULL REFERENCES trial (id),
  epoch INTEGER NOT NULL,                -- from 1
  train_loss REAL,
  validate_loss REAL,
  gap REAL,
  hit_at_1 REAL,
  perr REAL,
  map REAL,
  videos INTEGER NOT NULL,
  segment_map REAL,
  PRIMARY KEY (trial, epoch)
) STRICT, WITHOUT ROWID;

-- Files of the attempt that completed the trial, relative to its directory.
CREATE TABLE artifact (
  trial INTEGER NOT NULL REFERENCES trial (id),
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;

-- What was decided about a trial and why, for `explain`.
CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  study INTEGER NOT NULL REFERENCES study (id),
  trial_name TEXT NOT NULL,
  seed INTEGER NOT NULL,
  text TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

CREATE INDEX note_by_trial ON note (study, trial_name, seed);

CREATE TABLE ensemble (
  id INTEGER PRIMARY KEY,
  study INTEGER NOT NULL REFERENCES study (id),
  created_at TEXT NOT NULL,
  json TEXT NOT NULL CHECK (json_valid(json))
) STRICT;

CREATE INDEX ensemble_by_study ON ensemble (study);
