-- +goose Up
CREATE TABLE owners (
  id    UUID PRIMARY KEY,
  email TEXT NOT NULL
);
CREATE UNIQUE INDEX owners_email_folded ON owners (lower(email));
CREATE TABLE things (
  id         UUID PRIMARY KEY,
  owner_id   UUID NOT NULL,
  title      TEXT NOT NULL,
  meta       JSONB NOT NULL,
  views      BIGINT NOT NULL DEFAULT 0 CHECK (views >= 0),
  score      DOUBLE PRECISION NOT NULL DEFAULT 0,
  public     BOOLEAN NOT NULL DEFAULT FALSE,
  hash       BYTEA,
  note       TEXT,
  parent_id  UUID REFERENCES things (id) ON DELETE CASCADE,
  extra      JSONB,
  seen       BOOLEAN,
  count      BIGINT,
  created_at TIMESTAMPTZ NOT NULL,
  deleted_at TIMESTAMPTZ,
  UNIQUE (owner_id, title)
);
CREATE TABLE jobs (
  id           UUID PRIMARY KEY,
  locked_until TIMESTAMPTZ,
  claims       BIGINT NOT NULL DEFAULT 0
);
-- +goose Down
DROP TABLE jobs;
DROP TABLE things;
DROP TABLE owners;
