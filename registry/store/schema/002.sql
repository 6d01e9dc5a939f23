-- Epochs are recorded as they end, before their trial does.

ALTER TABLE epoch ADD COLUMN ended_at TEXT;  -- NULL where the epoch came with the result only
