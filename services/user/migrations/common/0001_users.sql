-- +goose Up
CREATE TABLE users (
  id UUID PRIMARY KEY,
  username TEXT NOT NULL,
  email TEXT,                          -- NULL: deleted
  email_key TEXT,                      -- lower case, for uniqueness and sign-in
  email_verified_at TIMESTAMPTZ,
  password_hash TEXT NOT NULL,         -- PHC; empty: none (signs in by OpenID Connect)
  role TEXT NOT NULL,
  display_name TEXT NOT NULL,
  bio TEXT NOT NULL,
  links JSONB NOT NULL,
  language TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  version BIGINT NOT NULL,             -- grows with each change that others see
  suspended_at TIMESTAMPTZ,
  suspended_until TIMESTAMPTZ,         -- NULL with suspended_at set: until it is lifted
  suspension_reason TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  deleted_at TIMESTAMPTZ,
  purged_at TIMESTAMPTZ                -- the follows of a deleted account are gone too
);
CREATE UNIQUE INDEX users_username ON users (username);
CREATE UNIQUE INDEX users_email_key ON users (email_key);
CREATE INDEX users_role ON users (role, id);
CREATE INDEX users_unpurged ON users (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;

-- Every username that was ever given out, by its SHA-256: a name is never given twice.
CREATE TABLE user_names (
  name_hash TEXT PRIMARY KEY,
  user_id UUID NOT NULL,
  claimed_at TIMESTAMPTZ NOT NULL
);

-- Kept apart from users, so that a popular channel's follows do not wait for its owner.
CREATE TABLE user_counts (
  user_id UUID PRIMARY KEY,
  followers BIGINT NOT NULL,
  following BIGINT NOT NULL
);

CREATE TABLE user_follows (
  follower_id UUID NOT NULL,
  channel_id UUID NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (follower_id, channel_id)
);
CREATE INDEX user_follows_of_channel ON user_follows (channel_id, created_at, follower_id);
CREATE INDEX user_follows_of_follower ON user_follows (follower_id, created_at, channel_id);

-- +goose Down
DROP TABLE user_follows;
DROP TABLE user_counts;
DROP TABLE user_names;
DROP TABLE users;
