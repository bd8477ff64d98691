-- +goose Up
CREATE TABLE live_recordings (
  id UUID PRIMARY KEY,                 -- of the session that was recorded, or a clip's own; objects are below it
  channel_id UUID,                     -- NULL: the stream had none (WEIR_PUBLISH=open)
  session_id UUID,                     -- what it shows; NULL: nothing was kept of that
  name TEXT NOT NULL,                  -- of the stream
  store TEXT NOT NULL,                 -- which store has the objects: processes that have another leave it alone
  kind TEXT NOT NULL,                  -- recording, clip
  state TEXT NOT NULL,                 -- recording, ready, failed, deleting
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  started_at TIMESTAMPTZ NOT NULL,     -- the first picture
  duration_ms BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  renditions JSONB NOT NULL,
  lost BIGINT NOT NULL,                -- segments that are missing
  source_id UUID,                      -- of a clip: the session on the air or the recording that it is cut from
  source_start_ms BIGINT NOT NULL,
  source_length_ms BIGINT NOT NULL,
  created_by UUID,                     -- who made a clip
  node TEXT NOT NULL,                  -- who has to make it; empty: anybody who has the store
  claimed_at TIMESTAMPTZ,              -- of a clip: when somebody began to make it
  reason TEXT NOT NULL,                -- why it failed, or is deleted
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  closed_at TIMESTAMPTZ                -- nothing more is stored
);
CREATE INDEX live_recordings_of_channel ON live_recordings (channel_id, id);
CREATE INDEX live_recordings_undone ON live_recordings (state) WHERE state <> 'ready';
ALTER TABLE live_channels ADD COLUMN keep_days BIGINT NOT NULL DEFAULT 0;
ALTER TABLE live_channels ADD COLUMN keep_bytes BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE live_channels DROP COLUMN keep_bytes;
ALTER TABLE live_channels DROP COLUMN keep_days;
DROP TABLE live_recordings;
