-- +goose Up
ALTER TABLE live_keys ADD COLUMN digest TEXT NOT NULL DEFAULT ''; -- what its digests are made of, sealed; empty: they cannot be checked

-- +goose Down
ALTER TABLE live_keys DROP COLUMN digest;
