-- +goose Up
ALTER TABLE live_sessions ADD COLUMN source JSONB NOT NULL DEFAULT '{}'; -- what the publisher sends: codecs, size, rates

-- +goose Down
ALTER TABLE live_sessions DROP COLUMN source;
