-- +goose Up
CREATE TABLE live_channels (
  id UUID PRIMARY KEY,
  owner_id UUID,                       -- NULL: the operator's
  name TEXT NOT NULL,                  -- what it is published and watched as; never given twice
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  category TEXT NOT NULL,
  tags JSONB NOT NULL,
  language TEXT NOT NULL,
  mature BOOLEAN NOT NULL,
  visibility TEXT NOT NULL,            -- public, unlisted
  record BOOLEAN NOT NULL,
  takeover BOOLEAN NOT NULL,           -- a second publisher replaces the first
  scheduled_at TIMESTAMPTZ,
  limits JSONB NOT NULL,
  banned_at TIMESTAMPTZ,
  ban_reason TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  deleted_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX live_channels_name ON live_channels (name);
CREATE INDEX live_channels_of_owner ON live_channels (owner_id, id);

CREATE TABLE live_members (
  channel_id UUID NOT NULL,
  user_id UUID NOT NULL,
  role TEXT NOT NULL,                  -- manager, moderator
  added_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX live_members_of_user ON live_members (user_id, channel_id);

CREATE TABLE live_keys (
  id UUID PRIMARY KEY,
  channel_id UUID NOT NULL,
  label TEXT NOT NULL,
  key_hash TEXT NOT NULL,              -- SHA-256 of the key, which has 192 random bits
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ,
  used_at TIMESTAMPTZ,                 -- to the minute
  revoked_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX live_keys_hash ON live_keys (key_hash);
CREATE INDEX live_keys_of_channel ON live_keys (channel_id, id);

-- What the user-service told of owners that may not publish.
CREATE TABLE live_owners (
  user_id UUID PRIMARY KEY,
  suspended BOOLEAN NOT NULL,
  suspended_until TIMESTAMPTZ,
  deleted BOOLEAN NOT NULL
);

-- Why publishers with a right key were turned away; repeated ones are one row.
CREATE TABLE live_refusals (
  channel_id UUID NOT NULL,
  code TEXT NOT NULL,
  address TEXT NOT NULL,
  words TEXT NOT NULL,
  protocol TEXT NOT NULL,
  times BIGINT NOT NULL,
  first_at TIMESTAMPTZ NOT NULL,
  last_at TIMESTAMPTZ NOT NULL,
  told_at TIMESTAMPTZ,                 -- when an event told of it last
  PRIMARY KEY (channel_id, code, address)
);
CREATE INDEX live_refusals_at ON live_refusals (last_at);

-- +goose Down
DROP TABLE live_refusals;
DROP TABLE live_owners;
DROP TABLE live_keys;
DROP TABLE live_members;
DROP TABLE live_channels;
