-- +goose Up
-- The names of the pictures in the profile; empty: none.
ALTER TABLE users ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN banner TEXT NOT NULL DEFAULT '';

-- Objects in blob that have to be removed, and when. A row is there before its object
-- is, so that a crash leaves no object that nobody knows of.
CREATE TABLE user_objects_due (
  object_key TEXT PRIMARY KEY,
  due_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX user_objects_due_at ON user_objects_due (due_at);

-- Exports of a person's data: one zip each.
CREATE TABLE user_exports (
  id UUID PRIMARY KEY,
  user_id UUID NOT NULL,
  state TEXT NOT NULL,                 -- pending, ready, failed
  attempt BIGINT NOT NULL,             -- counts from 1 when it is made; 0: not begun
  claimed_until TIMESTAMPTZ,           -- somebody makes it; after that it is made anew
  object_key TEXT NOT NULL,            -- empty: not ready
  size_bytes BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  ready_at TIMESTAMPTZ,
  expires_at TIMESTAMPTZ
);
CREATE INDEX user_exports_of_user ON user_exports (user_id, created_at, id);
CREATE INDEX user_exports_pending ON user_exports (created_at) WHERE state = 'pending';
CREATE INDEX user_exports_at ON user_exports (created_at);

-- +goose Down
DROP TABLE user_exports;
DROP TABLE user_objects_due;
ALTER TABLE users DROP COLUMN banner;
ALTER TABLE users DROP COLUMN avatar;
