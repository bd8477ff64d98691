-- +goose Up
CREATE TABLE live_targets (
  id UUID PRIMARY KEY,
  channel_id UUID NOT NULL,
  label TEXT NOT NULL,
  url TEXT NOT NULL,
  stream_key TEXT NOT NULL,            -- of the target; sealed
  enabled BOOLEAN NOT NULL,            -- the channel's streams are sent there
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX live_targets_of_channel ON live_targets (channel_id, id);

-- +goose Down
DROP TABLE live_targets;
