-- +goose Up
CREATE TABLE outbox (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  grp      TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type     TEXT NOT NULL,
  event    TEXT NOT NULL
);
CREATE TABLE deliveries (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  grp      TEXT NOT NULL,
  event    TEXT NOT NULL,
  claims   BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  next_at  TIMESTAMPTZ NOT NULL,
  error    TEXT NOT NULL
);
CREATE INDEX deliveries_grp ON deliveries (grp, seq);

-- +goose Down
DROP TABLE deliveries;
DROP TABLE outbox;
