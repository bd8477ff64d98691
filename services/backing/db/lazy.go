package db

import (
	"context"
	"errors"
	"fmt"
)

// lazyRow is the Row of a statement that runs when it is scanned, so that a Row that
// nobody scans holds no connection.
type lazyRow struct {
	q    Q
	ctx  context.Context // of the statement, which runs in Scan
	sql  string
	args []any
}

// Scan reads the first row and drops what else there is.
func (r lazyRow) Scan(dst ...any) error {
	rows, err := r.q.Query(r.ctx, r.sql, r.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return ErrNotFound
	}
	if err := rows.Scan(dst...); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// noConn tells the end of our own wait for a connection from the end of ctx.
func noConn(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: no connection became free in %v: a transaction is slow, or rows were left open", ErrUnavailable, waitConn)
	}
	return err
}
