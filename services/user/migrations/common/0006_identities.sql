-- +goose Up
-- Accounts elsewhere that sign in here (OpenID Connect, GitHub).
CREATE TABLE user_identities (
  id UUID PRIMARY KEY,
  user_id UUID NOT NULL,
  provider TEXT NOT NULL,              -- its name in the settings when it was linked
  issuer TEXT NOT NULL,                -- who says that it is the same person,
  subject TEXT NOT NULL,               -- and by which word
  email TEXT NOT NULL,                 -- as the provider said it then
  created_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ                  -- NULL: never, since it was linked
);
CREATE UNIQUE INDEX user_identities_subject ON user_identities (issuer, subject);
CREATE INDEX user_identities_of_user ON user_identities (user_id, created_at, id);

-- +goose Down
DROP TABLE user_identities;
