-- +goose Up
CREATE TABLE live_cameras (
  channel_id UUID PRIMARY KEY,
  url TEXT NOT NULL,                   -- without credentials
  credentials TEXT NOT NULL,           -- user:password, sealed; empty: none
  mode TEXT NOT NULL,                  -- always or watched
  enabled BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  holder TEXT NOT NULL DEFAULT '',     -- the node that pulls it
  held_until TIMESTAMPTZ               -- when that is over, unless it says so again
);

-- +goose Down
DROP TABLE live_cameras;
