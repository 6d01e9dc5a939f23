-- A study counts one trial for each of its models (by name) and seed: the one of the content as it
-- is now. Others stay, and count again when their content comes back.

ALTER TABLE study_trial ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;  -- the trial's
ALTER TABLE study_trial ADD COLUMN not_counted TEXT;  -- NULL: it counts; else why it does not

UPDATE study_trial SET seed = (SELECT trial.seed FROM trial WHERE trial.id = study_trial.trial);

-- Of a study that was run on several data, those data count that most complete trials are of, of
-- equal ones the latest.
CREATE TEMP TABLE of_data AS
SELECT study_trial.study, study_trial.trial, study_trial.position, trial.state = 'complete' AS done,
  CASE WHEN json_valid(trial.canonical) THEN json_extract(trial.canonical, '$.data') END AS data
FROM study_trial JOIN trial ON trial.id = study_trial.trial;

UPDATE study_trial SET not_counted = 'it was trained on other data'
WHERE (study, trial) IN (
  SELECT of_data.study, of_data.trial FROM of_data
  JOIN (SELECT study, data, row_number() OVER (
          PARTITION BY study ORDER BY sum(done) DESC, max(position) DESC) AS place
        FROM of_data GROUP BY study, data) AS chosen
    ON chosen.study = of_data.study AND chosen.place = 1
  WHERE of_data.data IS NOT chosen.data);

DROP TABLE of_data;

UPDATE study_trial SET not_counted = 'another trial of this model and seed took its place'
WHERE not_counted IS NULL AND EXISTS (
  SELECT 1 FROM study_trial AS later
  WHERE later.study = study_trial.study AND later.name = study_trial.name
    AND later.seed = study_trial.seed AND later.not_counted IS NULL
    AND later.position > study_trial.position);

CREATE UNIQUE INDEX study_trial_counted ON study_trial (study, name, seed)
  WHERE not_counted IS NULL;

-- The data files as an attempt found them when it began (hash of their stamps); empty: unknown.
ALTER TABLE attempt ADD COLUMN data_stamp TEXT NOT NULL DEFAULT '';
