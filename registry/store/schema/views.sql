-- Views. trial_record is what the program reads; the others are for people and named queries. They
-- hold no data: made anew whenever a database is made or migrated, they are no numbered step.

-- One row per trial: its last attempt, whether that waits in a cluster's queue, its last failure while it is not complete, its result.
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
  trial.folder,
  (SELECT count(*) FROM attempt WHERE attempt.trial = trial.id) AS attempts,
  (SELECT count(*) FROM attempt WHERE attempt.trial = trial.id
     AND outcome NOT IN ('running', 'complete', 'interrupted', 'start_failed',
       'environment')) AS failed_attempts,
  last.directory,
  last.device,
  trial.state = 'running' AND NOT last.begun AS queued,
  failure.outcome AS failure_kind,
  failure.message AS failure_message,
  failure.log_tail AS failure_log,
  result.attempt AS result_attempt,
  result.gap,
  result.hit_at_1,
  result.perr,
  result.map,
  result.accuracy,
  result.top_5,
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

-- One row per trial of a study, one column per criterion; `not_counted` says why where one does not
-- count. A trial whose attempt waits in a cluster's queue is a waiting one.
CREATE VIEW every_trial AS
SELECT
  study.name AS study,
  study_trial.position,
  study_trial.name,
  record.seed,
  CASE WHEN record.queued THEN 'waiting' ELSE record.state END AS state,
  json_extract(record.model, '$.multimodal.use') AS multimodal,
  json_extract(record.model, '$.temporal.use') AS temporal,
  json_extract(record.model, '$.classifier.use') AS classifier,
  (SELECT group_concat(key, '+') FROM json_each(record.model, '$.extras')) AS extras,
  json_extract(record.model, '$.label_processing.use') AS label_processing,
  json_extract(record.model, '$.loss.use') AS loss,
  CASE study.objective WHEN 'gap' THEN record.gap
                       WHEN 'hit_at_1' THEN record.hit_at_1
                       WHEN 'perr' THEN record.perr
                       WHEN 'accuracy' THEN record.accuracy
                       WHEN 'top_5' THEN record.top_5
                       WHEN 'segment_map' THEN record.segment_map
                       ELSE record.map END AS objective,
  record.gap,
  record.hit_at_1,
  record.perr,
  record.map,
  record.accuracy,
  record.top_5,
  record.segment_map,
  record.validate_loss,
  record.parameters,
  record.size_bytes,
  record.best_epoch,
  record.examples_per_second,
  record.wall_seconds,
  record.peak_memory_bytes,
  record.skipped_records,
  record.attempts,
  record.failed_attempts,
  record.device,
  record.failure_kind,
  record.failure_message,
  record.directory,
  record.fingerprint,
  record.id AS trial,
  record.model,
  study_trial.not_counted
FROM study_trial
JOIN study ON study.id = study_trial.study
JOIN trial_record AS record ON record.id = study_trial.trial;

-- Those of them that count.
CREATE VIEW trials AS SELECT * FROM every_trial WHERE not_counted IS NULL;

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
  avg(accuracy) AS accuracy,
  avg(top_5) AS top_5,
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

-- One row per epoch that has ended, of trials that are still running too: the learning curves. Of a
-- complete trial they are the result's; of one that failed, what its attempts came to.
CREATE VIEW curves AS
SELECT
  trials.study,
  trials.position,
  trials.name,
  trials.seed,
  trials.state,
  epoch.epoch,
  epoch.train_loss,
  epoch.validate_loss,
  CASE study.objective WHEN 'gap' THEN epoch.gap
                       WHEN 'hit_at_1' THEN epoch.hit_at_1
                       WHEN 'perr' THEN epoch.perr
                       WHEN 'accuracy' THEN epoch.accuracy
                       WHEN 'top_5' THEN epoch.top_5
                       WHEN 'segment_map' THEN epoch.segment_map
                       ELSE epoch.map END AS objective,
  epoch.gap,
  epoch.hit_at_1,
  epoch.perr,
  epoch.map,
  epoch.accuracy,
  epoch.top_5,
  epoch.segment_map,
  epoch.ended_at,
  trials.trial
FROM trials
JOIN study ON study.name = trials.study
JOIN epoch ON epoch.trial = trials.trial;

-- One row per trial that is being trained: how far it is. `seconds_left` counts whole epochs at the
-- pace of this attempt's; early stopping makes it less. Both are NULL before its first epoch ends.
CREATE VIEW running AS
SELECT
  study,
  position,
  name,
  seed,
  device,
  attempt,
  started_at,
  epoch,
  epochs,
  train_loss,
  validate_loss,
  objective,
  best_objective,
  (julianday(ended_at) - julianday(paced_from)) * 86400.0 / paced AS seconds_per_epoch,
  max(0, (julianday(ended_at) - julianday(paced_from)) * 86400.0 / paced * (epochs - epoch)
         - (julianday('now') - julianday(ended_at)) * 86400.0) AS seconds_left,
  trial
FROM (
  SELECT
    trials.study,
    trials.position,
    trials.name,
    trials.seed,
    trials.device,
    attempt.number AS attempt,
    attempt.started_at,
    json_extract(trials.model, '$.train.epochs') AS epochs,
    coalesce(last.epoch, 0) AS epoch,
    last.train_loss,
    last.validate_loss,
    last.objective,
    (SELECT max(objective) FROM curves
       WHERE curves.trial = trials.trial AND curves.study = trials.study) AS best_objective,
    last.ended_at,
    -- The first epoch of an attempt has the start of its worker in it: left out where there are more.
    CASE WHEN pace.epochs > 1 THEN pace.first_end ELSE attempt.started_at END AS paced_from,
    CASE WHEN pace.epochs > 1 THEN pace.epochs - 1 ELSE nullif(pace.epochs, 0) END AS paced,
    trials.trial
  FROM trials
  JOIN attempt ON attempt.trial = trials.trial AND attempt.outcome = 'running' AND attempt.begun
  JOIN (SELECT attempt.trial, count(epoch.epoch) AS epochs, min(epoch.ended_at) AS first_end
          FROM attempt LEFT JOIN epoch ON epoch.trial = attempt.trial
            AND epoch.ended_at >= attempt.started_at
          WHERE attempt.outcome = 'running' GROUP BY attempt.trial) AS pace
    ON pace.trial = trials.trial
  LEFT JOIN curves AS last ON last.trial = trials.trial AND last.study = trials.study
    AND last.epoch = (SELECT max(epoch) FROM epoch WHERE epoch.trial = trials.trial)
);
