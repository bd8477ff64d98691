-- +goose Up
-- LIKE 'abc%' needs an index in byte order, whatever the collation of the database is.
CREATE INDEX users_username_prefix ON users (username text_pattern_ops);
CREATE INDEX users_email_prefix ON users (email_key text_pattern_ops);

-- +goose Down
DROP INDEX users_email_prefix;
DROP INDEX users_username_prefix;
