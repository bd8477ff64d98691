package db

import (
	"context"
	"errors"
	"log/slog"
)

// Q runs statements: on the database itself (DB) or inside a transaction (what Tx
// gives). Code that stores things takes a Q, so that its caller decides.
type Q interface {
	// Exec runs a statement and returns how many rows it changed. It blocks.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)
	// Query runs a statement that returns rows. They hold a connection until they
	// are closed or read to their end; the next statement of the same transaction
	// has to wait for that. An error of the statement may only show in Rows.Err.
	Query(ctx context.Context, sql string, args ...any) (Rows, error)
	// QueryRow is for a statement that returns at most one row. The statement runs
	// when the Row is scanned, under the ctx given here.
	QueryRow(ctx context.Context, sql string, args ...any) Row
}

// Row is one row of a result.
type Row interface {
	// Scan copies the columns into what the pointers point at. The Row of QueryRow
	// returns ErrNotFound when there is none.
	Scan(dst ...any) error
}

// Rows are the rows of a result, for one goroutine.
type Rows interface {
	// Next steps to the next row; false at the end and at an error, which Err tells.
	Next() bool
	// Scan copies the columns of the current row, as Row.Scan does.
	Scan(dst ...any) error
	// Err is what ended Next early; nil at the true end.
	Err() error
	// Close frees the connection. It may be called twice and after the end.
	Close()
}

// Config says which database to open.
type Config struct {
	// URL is "postgres://user:password@host:port/name?sslmode=..." for PostgreSQL.
	// Empty means the SQLite file at Path.
	URL string
	// Path of the SQLite file. It and its folder are made when missing.
	Path string
	// Log gets a line for each migration; nil means none.
	Log *slog.Logger
	// MaxConns bounds the connections: on PostgreSQL all of them (0 means 16, or
	// what pool_max_conns in URL says), on SQLite the readers (0 means 4).
	MaxConns int
}

// DB is an open database and the Q outside of transactions. All methods may be
// called from any goroutine. Inside the function given to Tx, use the Q given to it:
// a DB refuses calls with that function's ctx with ErrNested.
type DB struct {
	back backend
	log  *slog.Logger
}

// backend is what PostgreSQL and SQLite each bring.
type backend interface {
	session
	begin(ctx context.Context) (transaction, error)
	ping(ctx context.Context) error
	migrator(ctx context.Context) (*migrator, error)
	close()
}

// session is a Q that knows its dialect.
type session interface {
	Q
	postgres() bool
}

// transaction is a begun one, for one goroutine. Exactly one of commit and rollback
// is called, once, with no rows open.
type transaction interface {
	session
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
}

var _ Q = (*DB)(nil)

// Open connects to the database and asks it something, so that a wrong address,
// password or folder shows here. The error says what to do and holds no password.
// It waits at most ten seconds for a server, less when ctx ends. It migrates nothing.
func Open(ctx context.Context, c Config) (*DB, error) {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if c.MaxConns < 0 {
		return nil, errors.New("db: the number of connections is negative")
	}
	var back backend
	var err error
	switch {
	case c.URL != "":
		back, err = openPostgres(ctx, c.URL, c.MaxConns)
	case c.Path != "":
		back, err = openSQLite(ctx, c.Path, c.MaxConns)
	default:
		err = errors.New("db: neither a PostgreSQL URL nor the path of a SQLite file is given")
	}
	if err != nil {
		return nil, err
	}
	return &DB{back: back, log: log}, nil
}

// Exec runs a statement in a transaction of its own.
func (d *DB) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := d.outside(ctx); err != nil {
		return 0, err
	}
	return d.back.Exec(ctx, sql, args...)
}

// Query runs a statement in a transaction of its own. On SQLite a SELECT is served by
// a reader; a statement that writes (INSERT ... RETURNING) holds the one writer until
// its rows are closed.
func (d *DB) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	if err := d.outside(ctx); err != nil {
		return nil, err
	}
	return d.back.Query(ctx, sql, args...)
}

// QueryRow runs a statement in a transaction of its own when the Row is scanned.
func (d *DB) QueryRow(ctx context.Context, sql string, args ...any) Row {
	if err := d.outside(ctx); err != nil {
		return failedRow{err}
	}
	return d.back.QueryRow(ctx, sql, args...)
}

// Ping asks the database something that it can only answer when it works.
func (d *DB) Ping(ctx context.Context) error { return d.back.ping(ctx) }

// Close waits for the connections in use and closes them all.
func (d *DB) Close() { d.back.close() }

// Postgres is true for PostgreSQL and false for SQLite.
func (d *DB) Postgres() bool { return d.back.postgres() }

func (d *DB) postgres() bool { return d.back.postgres() }

// IsPostgres says whether q, a DB or what a Tx gave, is PostgreSQL, for the few
// fragments of SQL that differ.
func IsPostgres(q Q) bool {
	s, ok := q.(session)
	return ok && s.postgres()
}

// Lock is the end of a SELECT that claims rows in q: rows that another transaction
// holds are left out, so that claimers share the work. Empty on SQLite, where there
// is one writer at a time.
func Lock(q Q) string {
	if IsPostgres(q) {
		return "FOR UPDATE SKIP LOCKED"
	}
	return ""
}

// Hold is the end of a SELECT in a Tx that reads rows in order to change them: it
// waits for other transactions that hold them. Empty on SQLite, where a Tx is alone
// from its beginning.
func Hold(q Q) string {
	if IsPostgres(q) {
		return "FOR UPDATE"
	}
	return ""
}

// Collect reads all rows with scan and closes them; it takes what Query returned.
// Bound them with a LIMIT. No rows is a nil slice.
func Collect[T any](rows Rows, err error, scan func(Row) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// failedRow is a Row whose statement cannot run.
type failedRow struct{ err error }

// Scan returns the error.
func (r failedRow) Scan(...any) error { return r.err }
