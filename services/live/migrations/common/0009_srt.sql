-- +goose Up
ALTER TABLE live_channels ADD COLUMN srt_passphrase TEXT NOT NULL DEFAULT ''; -- sealed; empty: that of the server counts

-- +goose Down
ALTER TABLE live_channels DROP COLUMN srt_passphrase;
