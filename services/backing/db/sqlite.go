package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// lite is the backend over a SQLite file.
type lite struct {
	path   string
	writer *sql.DB // one connection
	reader *sql.DB // a few; query_only
}

func (l *lite) postgres() bool { return false }

// Exec runs on the writer.
func (l *lite) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	conn, err := lease(ctx, l.writer)
	if err != nil {
		return 0, err
	}
	defer giveBack(conn)
	return liteConn{conn}.Exec(ctx, text, args...)
}

// Query runs on a reader what surely only reads, all else on the writer.
func (l *lite) Query(ctx context.Context, text string, args ...any) (Rows, error) {
	from := l.writer
	if reads(text) {
		from = l.reader
	}
	conn, err := lease(ctx, from)
	if err != nil {
		return nil, err
	}
	rows, err := liteConn{conn}.Query(ctx, text, args...)
	if err != nil {
		giveBack(conn)
		return nil, err
	}
	rows.(*liteRows).release = conn
	return rows, nil
}

// QueryRow runs where Query does.
func (l *lite) QueryRow(ctx context.Context, text string, args ...any) Row {
	return lazyRow{q: l, ctx: ctx, sql: text, args: args}
}

// begin takes the writer and the lock of the file, so that nothing that the
// transaction read can be changed under it.
func (l *lite) begin(ctx context.Context) (transaction, error) {
	conn, err := lease(ctx, l.writer)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		discard(conn) // whether it began is not known
		return nil, liteFault(ctx, err)
	}
	return &liteTx{liteConn: liteConn{conn}}, nil
}

// ping reads the file.
func (l *lite) ping(ctx context.Context) error {
	var tables int
	return l.QueryRow(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables)
}

func (l *lite) close() {
	_ = l.reader.Close()
	_ = l.writer.Close() // the last one folds the WAL into the file
}

// lease takes a connection; it waits at most waitConn.
func lease(ctx context.Context, from *sql.DB) (*sql.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, waitConn)
	defer cancel()
	conn, err := from.Conn(wait)
	if err != nil {
		return nil, liteFault(ctx, noConn(ctx, err))
	}
	return conn, nil
}

// giveBack ends a lease; it only fails for a connection that was given back before.
func giveBack(conn *sql.Conn) { _ = conn.Close() }

// discard closes a connection for good, with what is open on it.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	giveBack(conn)
}

// liteConn is a Q on one connection.
type liteConn struct{ conn *sql.Conn }

func (c liteConn) postgres() bool { return false }

// Exec is Q.Exec.
func (c liteConn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	values, err := liteValues(args)
	if err != nil {
		return 0, err
	}
	result, err := c.conn.ExecContext(ctx, text, values...)
	if err != nil {
		return 0, liteFault(ctx, err)
	}
	return result.RowsAffected()
}

// Query is Q.Query.
func (c liteConn) Query(ctx context.Context, text string, args ...any) (Rows, error) {
	values, err := liteValues(args)
	if err != nil {
		return nil, err
	}
	rows, err := c.conn.QueryContext(ctx, text, values...)
	if err != nil {
		return nil, liteFault(ctx, err)
	}
	return &liteRows{ctx: ctx, rows: rows}, nil
}

// QueryRow is Q.QueryRow.
func (c liteConn) QueryRow(ctx context.Context, text string, args ...any) Row {
	return lazyRow{q: c, ctx: ctx, sql: text, args: args}
}

type liteRows struct {
	ctx     context.Context // of the statement, to tell why it ended
	rows    *sql.Rows
	release *sql.Conn // given back with Close; nil inside a transaction
}

// Next is Rows.Next; the end closes the rows.
func (r *liteRows) Next() bool {
	if r.rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Scan is Rows.Scan.
func (r *liteRows) Scan(dst ...any) error { return liteFault(r.ctx, r.rows.Scan(liteDest(dst)...)) }

// Err is Rows.Err.
func (r *liteRows) Err() error { return liteFault(r.ctx, r.rows.Err()) }

// Close is Rows.Close.
func (r *liteRows) Close() {
	_ = r.rows.Close()
	if r.release != nil {
		giveBack(r.release)
		r.release = nil
	}
}

type liteTx struct{ liteConn }

func (t *liteTx) commit(ctx context.Context) error {
	if _, err := t.conn.ExecContext(ctx, "COMMIT"); err != nil {
		discard(t.conn)
		return liteFault(ctx, err)
	}
	return t.conn.Close()
}

func (t *liteTx) rollback(ctx context.Context) error {
	if _, err := t.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		discard(t.conn)
		return liteFault(ctx, err)
	}
	return t.conn.Close()
}

// reads says whether a statement surely writes nothing. When wrong the other way, the
// writer runs a SELECT, which is slow and right; readers refuse to write.
func reads(text string) bool {
	text = strings.TrimLeftFunc(text, func(c rune) bool { return unicode.IsSpace(c) || c == '(' })
	first := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })
	if first < 0 {
		first = len(text)
	}
	switch strings.ToUpper(text[:first]) {
	case "SELECT", "VALUES":
		return true
	case "WITH":
		words := strings.FieldsFuncSeq(text, func(c rune) bool { return !unicode.IsLetter(c) && c != '_' })
		for word := range words {
			switch strings.ToUpper(word) {
			case "INSERT", "UPDATE", "DELETE", "REPLACE":
				return false
			}
		}
		return true
	}
	return false
}

// liteFault gives an error of SQLite a meaning. ctx is the one of the statement.
func liteFault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var lite *sqlite.Error
	switch {
	case ctx.Err() != nil:
		return ended(ctx, err)
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed":
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrRefused):
		return err
	case !errors.As(err, &lite):
		return fmt.Errorf("db: %w", err)
	}
	switch lite.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return liteConflict(lite.Error())
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ErrReference
	}
	switch lite.Code() & 0xff { // the rest is the extended code
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
		return fmt.Errorf("%w: %w", ErrRefused, lite)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &retryError{lite}
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%w: is the disk full, or the folder not writable? %w", ErrUnavailable, lite)
	}
	return fmt.Errorf("db: %w", lite)
}

// liteConflict reads "... UNIQUE constraint failed: t.a, t.b (2067)" or
// "... UNIQUE constraint failed: index 'name' (2067)".
func liteConflict(text string) *ConflictError {
	_, list, ok := strings.Cut(text, "UNIQUE constraint failed: ")
	if !ok {
		return &ConflictError{}
	}
	list, _, _ = strings.Cut(list, " (")
	if name, ok := strings.CutPrefix(list, "index '"); ok {
		return &ConflictError{Constraint: strings.TrimSuffix(name, "'")}
	}
	columns := columnsOf(list)
	for i, column := range columns {
		if _, name, ok := strings.Cut(column, "."); ok {
			columns[i] = name
		}
	}
	return &ConflictError{Columns: columns}
}
