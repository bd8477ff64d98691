-- +goose Up
CREATE VIRTUAL TABLE things_words USING fts5(title, content='things', content_rowid='rowid');
-- +goose StatementBegin
CREATE TRIGGER things_words_insert AFTER INSERT ON things BEGIN
  INSERT INTO things_words (rowid, title) VALUES (new.rowid, new.title);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER things_words_delete AFTER DELETE ON things BEGIN
  INSERT INTO things_words (things_words, rowid, title) VALUES ('delete', old.rowid, old.title);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER things_words_update AFTER UPDATE OF title ON things BEGIN
  INSERT INTO things_words (things_words, rowid, title) VALUES ('delete', old.rowid, old.title);
  INSERT INTO things_words (rowid, title) VALUES (new.rowid, new.title);
END;
-- +goose StatementEnd
-- +goose Down
DROP TRIGGER things_words_update;
DROP TRIGGER things_words_delete;
DROP TRIGGER things_words_insert;
DROP TABLE things_words;
