-- +goose Up
CREATE INDEX things_words ON things USING gin (to_tsvector('simple', title));
-- +goose Down
DROP INDEX things_words;
