-- +goose Up
CREATE TABLE live_sessions (
  id UUID PRIMARY KEY,
  channel_id UUID NOT NULL,
  key_id UUID,                         -- of the publisher; NULL: none was needed, or it was lent
  node TEXT NOT NULL,                  -- the process that has the stream
  state TEXT NOT NULL,                 -- starting, live, reconnecting, ended
  title TEXT NOT NULL,                 -- of the channel at the end
  protocol TEXT NOT NULL,
  encoder TEXT NOT NULL,
  began_at TIMESTAMPTZ NOT NULL,       -- the first packet
  started_at TIMESTAMPTZ,              -- viewers could watch
  ended_at TIMESTAMPTZ,
  end_reason TEXT NOT NULL,
  order_reason TEXT NOT NULL,          -- not empty: the node is to end it
  stats JSONB NOT NULL
);
CREATE INDEX live_sessions_of_channel ON live_sessions (channel_id, id);
CREATE INDEX live_sessions_open ON live_sessions (node) WHERE ended_at IS NULL;

-- +goose Down
DROP TABLE live_sessions;
