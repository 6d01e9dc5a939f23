-- A failure of the machine (disk full, folder not writable) is an outcome of its own and costs the trial no try.
-- SQLite changes a CHECK by copying the table.

PRAGMA legacy_alter_table = ON;  -- the views that read `attempt` are not looked at while it is away

CREATE TABLE attempt_new (
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

INSERT INTO attempt_new SELECT * FROM attempt;
DROP TABLE attempt;
ALTER TABLE attempt_new RENAME TO attempt;
CREATE INDEX attempt_running ON attempt (trial, number) WHERE outcome = 'running';

PRAGMA legacy_alter_table = OFF;

DROP VIEW trial_record;

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
