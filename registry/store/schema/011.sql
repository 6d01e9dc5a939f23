-- An attempt may wait in a cluster's queue before a worker begins it. `started_at` is when the worker
-- began; before that, when the attempt was asked for.

ALTER TABLE attempt ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;  -- 0: no worker was heard to begin it
