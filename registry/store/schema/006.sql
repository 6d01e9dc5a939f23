-- Files that the record has given up.

ALTER TABLE artifact ADD COLUMN pruned_at TEXT;  -- when `prune` deleted the file; NULL: it is kept

-- What is to be deleted: noted in the transaction that gives it up, forgotten once it is gone. Whoever
-- is killed in between leaves the rest to the next command that tidies up.
CREATE TABLE trash (
  path TEXT PRIMARY KEY                  -- an attempt's folder, named as there, or a file in one
) STRICT, WITHOUT ROWID;
