-- +goose Up
CREATE TABLE inbox (
  grp      TEXT NOT NULL,
  event_id TEXT NOT NULL,
  state    TEXT NOT NULL,
  at       TIMESTAMPTZ NOT NULL,
  attempts BIGINT NOT NULL,
  error    TEXT NOT NULL,
  event    TEXT,
  PRIMARY KEY (grp, event_id)
);
CREATE INDEX inbox_at ON inbox (at);
CREATE INDEX inbox_dead ON inbox (at) WHERE event IS NOT NULL;
CREATE TABLE leases (
  name   TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  until  TIMESTAMPTZ NOT NULL
);

-- +goose Down
DROP TABLE leases;
DROP TABLE inbox;
