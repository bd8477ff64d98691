-- +goose Up
CREATE TABLE user_sessions (
  id UUID PRIMARY KEY,
  user_id UUID NOT NULL,
  generation BIGINT NOT NULL,          -- of the present refresh token; counts from 1
  token_hash TEXT NOT NULL,            -- SHA-256 of the present refresh token's secret
  previous_hash TEXT NOT NULL,         -- of the one before; empty: none
  sealed TEXT NOT NULL,                -- the present secret, readable with the previous one only
  mac_key TEXT NOT NULL,               -- tells tokens that we made from others; opens nothing
  rotated_at TIMESTAMPTZ NOT NULL,
  cookie BOOLEAN NOT NULL,             -- a browser keeps the token in a cookie
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  seen_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,     -- when nobody refreshes before
  ended_at TIMESTAMPTZ,
  ended_why TEXT NOT NULL
);
CREATE INDEX user_sessions_of_user ON user_sessions (user_id, created_at, id);
CREATE INDEX user_sessions_expire ON user_sessions (expires_at);

-- What Redis has to know. Kept until no access token can be left that it is about.
CREATE TABLE user_revocations (
  id UUID PRIMARY KEY,
  session_id UUID,                     -- one of these two
  user_id UUID,
  revoked_at TIMESTAMPTZ NOT NULL,
  sent BOOLEAN NOT NULL
);
CREATE INDEX user_revocations_at ON user_revocations (revoked_at);
CREATE INDEX user_revocations_unsent ON user_revocations (revoked_at) WHERE NOT sent;

-- Tokens that are in mails. Used by being deleted.
CREATE TABLE user_mail_tokens (
  token_hash TEXT PRIMARY KEY,
  user_id UUID NOT NULL,
  purpose TEXT NOT NULL,
  email TEXT NOT NULL,                 -- the address that the mail goes to
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX user_mail_tokens_of_user ON user_mail_tokens (user_id, purpose);
CREATE INDEX user_mail_tokens_expire ON user_mail_tokens (expires_at);

CREATE TABLE user_signing_keys (
  kid TEXT PRIMARY KEY,
  number BIGINT NOT NULL,              -- 1, 2, ...: two processes cannot add the same one
  seed TEXT NOT NULL,                  -- Ed25519 seed, base64
  created_at TIMESTAMPTZ NOT NULL      -- it signs from then on
);
CREATE UNIQUE INDEX user_signing_keys_number ON user_signing_keys (number);

CREATE TABLE user_security_events (
  id UUID PRIMARY KEY,
  user_id UUID,                        -- NULL: a sign-in to no account
  actor_id UUID,                       -- NULL: nobody was signed in
  kind TEXT NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  detail TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX user_security_events_of_user ON user_security_events (user_id, id);
CREATE INDEX user_security_events_at ON user_security_events (created_at);

-- +goose Down
DROP TABLE user_security_events;
DROP TABLE user_signing_keys;
DROP TABLE user_mail_tokens;
DROP TABLE user_revocations;
DROP TABLE user_sessions;
