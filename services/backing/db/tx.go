package db

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// tries bounds how often Tx runs its function.
	tries = 6
	// firstPause is the longest wait before the second try; it doubles with each.
	firstPause = 10 * time.Millisecond
	// waitConn bounds the wait for a free connection. Who waits longer has most
	// likely left rows open or waits for itself.
	waitConn = 10 * time.Second
	// endWithin bounds a COMMIT or ROLLBACK, which the caller's ctx does not end.
	endWithin = 10 * time.Second
)

var (
	errDone = errors.New("db: the transaction has ended")
	errOpen = errors.New("db: close the rows before the next statement of the transaction")
)

// inTx is the key under which the ctx of a transaction of db is marked.
type inTx struct{ db *DB }

func (d *DB) outside(ctx context.Context) error {
	if ctx.Value(inTx{d}) != nil {
		return ErrNested
	}
	return nil
}

// Tx runs do in a transaction: committed when do returns nil, rolled back when it
// returns an error (which Tx returns as it is) or panics (the panic goes on).
//
// When the database gave up the transaction for the sake of another one (deadlock,
// serialization failure, busy file), do is run again, at most six times: it has no
// effects outside of q. Once a statement failed with anything but ErrNotFound, the
// others of the transaction fail too and nothing is committed, even if do returns
// nil; use ON CONFLICT where a conflict is expected.
//
// q is for one goroutine, until do returns. PostgreSQL isolates at READ COMMITTED:
// between a read and the write that rests on it use Hold, a condition in the UPDATE,
// or one statement. To avoid deadlocks, lock rows in one order (by id). A Tx inside a
// Tx is refused with ErrNested; so is the DB, when it is called with do's ctx. When
// called with another ctx it waits for a connection and gives up after ten seconds.
func (d *DB) Tx(ctx context.Context, do func(ctx context.Context, q Q) error) error {
	if err := d.outside(ctx); err != nil {
		return err
	}
	for try := 1; ; try++ {
		again, err := d.attempt(ctx, do)
		if !again || try == tries || ctx.Err() != nil {
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// attempt runs do once; again says that the database wants it repeated.
func (d *DB) attempt(ctx context.Context, do func(context.Context, Q) error) (again bool, err error) {
	s, err := d.back.begin(ctx)
	if err != nil {
		return retryable(err), err
	}
	t := &tx{s: s}
	defer func() {
		if !t.done { // an error, a panic, or the end of the goroutine
			t.rollback(ctx)
		}
	}()
	if err := do(context.WithValue(ctx, inTx{d}, true), t); err != nil {
		return retryable(err) || retryable(t.failed), err
	}
	if t.failed != nil {
		return retryable(t.failed), t.failed
	}
	err = t.commit(ctx)
	return retryable(err), err
}

// pause waits before the next try: a random time, so that rivals part.
func pause(ctx context.Context, try int) error {
	longest := firstPause << (try - 1)
	timer := time.NewTimer(longest/4 + rand.N(longest*3/4))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// tx is the Q of a transaction. It makes SQLite as strict as PostgreSQL is: one
// statement at a time, and none after one failed.
type tx struct {
	s      transaction
	failed error
	open   Rows // not yet read to the end; nil when none
	done   bool
}

var _ session = (*tx)(nil)

func (t *tx) postgres() bool { return t.s.postgres() }

func (t *tx) ready() error {
	switch {
	case t.done:
		return errDone
	case t.failed != nil:
		return fmt.Errorf("db: the transaction has failed before: %w", t.failed)
	case t.open != nil:
		return t.fail(errOpen)
	}
	return nil
}

// fail notes the first error of a statement.
func (t *tx) fail(err error) error {
	if err != nil && t.failed == nil && !errors.Is(err, ErrNotFound) {
		t.failed = err
	}
	return err
}

// Exec is Q.Exec.
func (t *tx) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := t.ready(); err != nil {
		return 0, err
	}
	n, err := t.s.Exec(ctx, sql, args...)
	return n, t.fail(err)
}

// Query is Q.Query; until its rows are closed no other statement runs.
func (t *tx) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	rows, err := t.s.Query(ctx, sql, args...)
	if err != nil {
		return nil, t.fail(err)
	}
	t.open = rows
	return &txRows{t: t, rows: rows}, nil
}

// QueryRow is Q.QueryRow.
func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) Row {
	return &txRow{t: t, ctx: ctx, sql: sql, args: args}
}

// commit ends the transaction well. Only until here does the end of ctx undo it.
func (t *tx) commit(ctx context.Context) error {
	if t.open != nil {
		return errOpen
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t.done = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	return t.s.commit(ctx)
}

// rollback undoes the transaction. What it cannot undo the database does, when it
// sees the connection closed.
func (t *tx) rollback(ctx context.Context) {
	t.done = true
	if t.open != nil {
		t.open.Close()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	_ = t.s.rollback(ctx) // the connection is closed in that case
}

type txRow struct {
	t    *tx
	ctx  context.Context // of the statement, which runs in Scan
	sql  string
	args []any
}

// Scan runs the statement.
func (r *txRow) Scan(dst ...any) error {
	if err := r.t.ready(); err != nil {
		return err
	}
	return r.t.fail(r.t.s.QueryRow(r.ctx, r.sql, r.args...).Scan(dst...))
}

type txRows struct {
	t    *tx
	rows Rows
}

// Next is Rows.Next; the end closes the rows.
func (r *txRows) Next() bool {
	if r.rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Scan is Rows.Scan; an error fails the transaction.
func (r *txRows) Scan(dst ...any) error { return r.t.fail(r.rows.Scan(dst...)) }

// Err is Rows.Err; an error fails the transaction.
func (r *txRows) Err() error { return r.t.fail(r.rows.Err()) }

// Close lets the next statement run.
func (r *txRows) Close() {
	r.rows.Close()
	if r.t.open == r.rows {
		r.t.open = nil
		_ = r.t.fail(r.rows.Err())
	}
}
