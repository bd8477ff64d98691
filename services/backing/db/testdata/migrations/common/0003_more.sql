-- +goose Up
ALTER TABLE owners ADD COLUMN nick TEXT;
-- +goose Down
ALTER TABLE owners DROP COLUMN nick;
