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

-- Views. trial_record is what the program reads; the others are for people and named queries.

-- One row per trial: its last attempt, its last failure while it is not complete, its result.
CREATE VIEW trial_record AS
SELECT
  trial.id,
  trial.name,
  trial.fingerprint,
  trial.seed,
  trial.state,
  trial.parameters,
  trial.size_bytes,
  json_extract(trial.spec, '$.model') AS model,
  (SELECT count(*) FROM attempt WHERE attempt.trial = trial.id) AS attempts,
  (SELECT count(*) FROM attempt WHERE attempt.trial = trial.id
     AND outcome NOT IN ('running', 'complete', 'interrupted', 'start_failed',
       'environment')) AS failed_attempts,
  last.directory,
  last.device,
  failure.outcome AS failure_kind,
  failure.message AS failure_message,
  failure.log_tail AS failure_log,
  result.attempt AS result_attempt,
  result.gap,
  result.hit_at_1,
  result.perr,
  result.map,
  result.segment_map,
  result.videos,
  result.validate_loss,
  result.best_epoch,
  result.parameters AS measured_parameters,
  result.size_bytes AS measured_size_bytes,
  result.examples,
  result.examples_per_second,
  result.wall_seconds,
  result.peak_memory_bytes,
  result.skipped_records,
  result.device AS result_device,
  result.threads,
  result.program_version,
  result.libtorch_version
FROM trial
LEFT JOIN result ON result.trial = trial.id
LEFT JOIN attempt AS last ON last.trial = trial.id
  AND last.number = coalesce(result.attempt,
                             (SELECT max(number) FROM attempt WHERE attempt.trial = trial.id))
LEFT JOIN attempt AS failure ON failure.trial = trial.id AND trial.state <> 'complete'
  AND failure.number = (SELECT max(number) FROM attempt WHERE attempt.trial = trial.id
                          AND outcome NOT IN ('running', 'complete', 'interrupted'));

-- One row per trial of a study, one column per criterion.
CREATE VIEW trials AS
SELECT
  study.name AS study,
  study_trial.position,
  study_trial.name,
  record.seed,
  record.state,
  json_extract(record.model, '$.multimodal.use') AS multimodal,
  json_extract(record.model, '$.temporal.use') AS temporal,
  json_extract(record.model, '$.classifier.use') AS classifier,
  (SELECT group_concat(key, '+') FROM json_each(record.model, '$.extras')) AS extras,
  json_extract(record.model, '$.label_processing.use') AS label_processing,
  json_extract(record.model, '$.loss.use') AS loss,
  CASE study.objective WHEN 'gap' THEN record.gap
                       WHEN 'hit_at_1' THEN record.hit_at_1
                       WHEN 'perr' THEN record.perr
                       WHEN 'segment_map' THEN record.segment_map
                       ELSE record.map END AS objective,
  record.gap,
  record.hit_at_1,
  record.perr,
  record.map,
  record.segment_map,
  record.validate_loss,
  record.parameters,
  record.size_bytes,
  record.best_epoch,
  record.examples_per_second,
  record.wall_seconds,
  record.peak_memory_bytes,
  record.attempts,
  record.failed_attempts,
  record.device,
  record.failure_kind,
  record.failure_message,
  record.directory,
  record.fingerprint,
  record.id AS trial,
  record.model
FROM study_trial
JOIN study ON study.id = study_trial.study
JOIN trial_record AS record ON record.id = study_trial.trial;

-- One row per model of a study, over its complete seeds, best first within the study.
CREATE VIEW leaderboard AS
SELECT
  study,
  rank() OVER (PARTITION BY study ORDER BY avg(objective) DESC) AS place,
  name,
  count(*) AS seeds,
  avg(objective) AS objective,
  min(objective) AS lowest,
  max(objective) AS highest,
  avg(gap) AS gap,
  avg(hit_at_1) AS hit_at_1,
  avg(perr) AS perr,
  avg(map) AS map,
  avg(segment_map) AS segment_map,
  max(parameters) AS parameters,
  max(size_bytes) AS size_bytes
FROM trials
WHERE state = 'complete'
GROUP BY study, name;

-- One row per variant of each criterion of a study, over all complete trials that have it.
CREATE VIEW ablation AS
SELECT
  trials.study,
  part.key AS criterion,
  json_extract(part.value, '$.use') AS component,
  json_remove(part.value, '$.use') AS options,
  count(*) AS trials,
  avg(trials.objective) AS objective,
  max(trials.objective) AS highest
FROM trials, json_each(trials.model) AS part
WHERE trials.state = 'complete' AND part.key NOT IN ('extras', 'train')
GROUP BY trials.study, part.key, part.value
UNION ALL
SELECT
  trials.study,
  'extras',
  extra.key,
  extra.value,
  count(*),
  avg(trials.objective),
  max(trials.objective)
FROM trials, json_each(trials.model, '$.extras') AS extra
WHERE trials.state = 'complete'
GROUP BY trials.study, extra.key, extra.value
UNION ALL
SELECT
  study,
  'extras',
  'none',
  '{}',
  count(*),
  avg(objective),
  max(objective)
FROM trials
WHERE state = 'complete' AND json_extract(model, '$.extras') = '{}'
GROUP BY study;
