-- The best checkpoint of a complete trial doubled its model and was read by nobody: it is no artifact
-- any more. `prune` deletes the files that older versions left.
DELETE FROM artifact WHERE name = 'checkpoint';
