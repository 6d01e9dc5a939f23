-- What the classes of a study's data are called, as the last run on these data found them beside the records.

CREATE TABLE class_names (
  study INTEGER NOT NULL REFERENCES study (id),
  data TEXT NOT NULL,                                -- the data's digest
  names TEXT NOT NULL CHECK (json_valid(names)),     -- a list by class; "": the class has none
  PRIMARY KEY (study, data)
) STRICT;
