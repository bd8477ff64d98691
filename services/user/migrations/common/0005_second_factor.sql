-- +goose Up
CREATE TABLE user_totp (
  user_id UUID PRIMARY KEY,
  secret TEXT NOT NULL,                -- base32; codes cannot be checked without it
  last_step BIGINT NOT NULL,           -- of the last code that was taken; older ones are not
  created_at TIMESTAMPTZ NOT NULL,
  confirmed_at TIMESTAMPTZ             -- NULL: the owner has not given a code yet, it is off
);

-- Used by being deleted.
CREATE TABLE user_recovery_codes (
  code_hash TEXT PRIMARY KEY,          -- SHA-256 of the user's id and the code, 80 random bits
  user_id UUID NOT NULL
);
CREATE INDEX user_recovery_codes_of_user ON user_recovery_codes (user_id);

-- Sign-ins whose password was right and whose code is missing. Used by being deleted.
CREATE TABLE user_challenges (
  token_hash TEXT PRIMARY KEY,
  user_id UUID NOT NULL,
  checked TEXT NOT NULL,               -- SHA-256 of the password hash that was checked
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX user_challenges_of_user ON user_challenges (user_id, created_at);
CREATE INDEX user_challenges_expire ON user_challenges (expires_at);

CREATE TABLE user_api_tokens (
  id UUID PRIMARY KEY,
  token_hash TEXT NOT NULL,            -- SHA-256 of the whole token
  user_id UUID NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,                -- with blanks between
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ                  -- to the minute; NULL: never
);
CREATE UNIQUE INDEX user_api_tokens_hash ON user_api_tokens (token_hash);
CREATE INDEX user_api_tokens_of_user ON user_api_tokens (user_id, created_at);
CREATE INDEX user_api_tokens_expire ON user_api_tokens (expires_at);

-- +goose Down
DROP TABLE user_api_tokens;
DROP TABLE user_challenges;
DROP TABLE user_recovery_codes;
DROP TABLE user_totp;
