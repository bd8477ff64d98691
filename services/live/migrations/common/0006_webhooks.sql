-- +goose Up
CREATE TABLE live_webhooks (
  id UUID PRIMARY KEY,
  channel_id UUID,                     -- NULL: of the installation, told of everything
  url TEXT NOT NULL,
  types JSONB NOT NULL,                -- exact ones and families; empty: all
  secret TEXT NOT NULL,                -- sealed
  old_secret TEXT NOT NULL,            -- sealed; signs too until old_until; empty: none
  old_until TIMESTAMPTZ,
  enabled BOOLEAN NOT NULL,
  off_reason TEXT NOT NULL,            -- why the server turned it off
  failing_since TIMESTAMPTZ,           -- nothing was delivered since
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  gone_at TIMESTAMPTZ                  -- its channel was deleted then
);
CREATE INDEX live_webhooks_of_channel ON live_webhooks (channel_id, id);

CREATE TABLE live_webhook_deliveries (
  id UUID PRIMARY KEY,
  webhook_id UUID NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,                  -- what is sent, each time the same
  state TEXT NOT NULL,                 -- waiting, delivered, failed
  attempts BIGINT NOT NULL,            -- begun; who has the newest one may end it
  next_at TIMESTAMPTZ NOT NULL,        -- not before; while it is being sent: when it counts as lost
  until TIMESTAMPTZ NOT NULL,          -- when it is given up
  created_at TIMESTAMPTZ NOT NULL,
  tried_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ,
  status BIGINT NOT NULL,              -- of HTTP, of the last attempt; 0: no answer
  error TEXT NOT NULL,                 -- of the last attempt
  answer TEXT NOT NULL,                -- of the last attempt, its beginning
  took_ms BIGINT NOT NULL              -- the last attempt
);
CREATE INDEX live_webhook_deliveries_of_webhook ON live_webhook_deliveries (webhook_id, id);
CREATE INDEX live_webhook_deliveries_due ON live_webhook_deliveries (next_at) WHERE state='waiting';

-- +goose Down
DROP TABLE live_webhook_deliveries;
DROP TABLE live_webhooks;
