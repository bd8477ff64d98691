-- +goose Up
CREATE TABLE live_pass_keys (
  number BIGINT PRIMARY KEY,           -- grows by one with each key
  secret TEXT NOT NULL,                -- sealed
  created_at TIMESTAMPTZ NOT NULL      -- it signs from then on
);

-- What passes are taken back: those issued until then. Rows are dropped when no pass that
-- they speak of can be left.
CREATE TABLE live_revocations (
  channel_id UUID NOT NULL,            -- the nil UUID: in all channels
  kind BIGINT NOT NULL,                -- 0 all passes, 1 of a user, 2 of a share link, 3 of a viewer
  holder_id UUID NOT NULL,             -- the nil UUID for all; a viewer's number in its last 8 bytes
  until TIMESTAMPTZ NOT NULL,
  visibility TEXT NOT NULL,            -- of the channel since then; only with kind 0
  PRIMARY KEY (channel_id, kind, holder_id)
);
CREATE INDEX live_revocations_until ON live_revocations (until);

CREATE TABLE live_links (
  id UUID PRIMARY KEY,
  channel_id UUID NOT NULL,
  label TEXT NOT NULL,
  link_hash TEXT NOT NULL,             -- SHA-256 of the link's secret, which has 192 random bits
  network TEXT NOT NULL,               -- where it holds, such as 192.0.2.0/24; empty: everywhere
  created_by UUID,                     -- NULL: the account is gone
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ,
  used_at TIMESTAMPTZ,                 -- to the minute
  revoked_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX live_links_hash ON live_links (link_hash);
CREATE INDEX live_links_of_channel ON live_links (channel_id, id);

CREATE TABLE live_guests (
  channel_id UUID NOT NULL,
  user_id UUID NOT NULL,
  added_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX live_guests_of_user ON live_guests (user_id, channel_id);

-- +goose Down
DROP TABLE live_guests;
DROP TABLE live_links;
DROP TABLE live_revocations;
DROP TABLE live_pass_keys;
