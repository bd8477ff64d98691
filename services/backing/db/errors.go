package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What a caller can act on. Errors of this package wrap one of these where it fits;
// a ctx that ended shows as context.Canceled or context.DeadlineExceeded.
var (
	// ErrNotFound is returned by Row.Scan when there is no row.
	ErrNotFound = errors.New("db: not found")
	// ErrConflict is what a unique index or primary key refused; see ConflictError.
	ErrConflict = errors.New("db: already exists")
	// ErrReference is what a foreign key refused: the row that is meant does not
	// exist, or others still mean the row that was to go.
	ErrReference = errors.New("db: a row that is referred to is missing or in use")
	// ErrRefused is a value that does not fit its column, or that NOT NULL or CHECK
	// refused.
	ErrRefused = errors.New("db: value refused")
	// ErrUnavailable says that the database cannot serve just now: unreachable,
	// overloaded, full, or retries were used up. Later the same may succeed.
	ErrUnavailable = errors.New("db: unavailable")
	// ErrNested is a use of the DB with the ctx of a transaction that is open: it
	// would wait for itself. Use the Q that Tx gave.
	ErrNested = errors.New("db: a transaction is open: use its Q, not the DB")
)

// ConflictError is the ErrConflict that a unique index caused. It never holds values.
type ConflictError struct {
	// Constraint is the name of the index or constraint. SQLite tells it only for
	// an index over an expression; else empty.
	Constraint string
	// Columns that have to be unique together, or the expressions on PostgreSQL.
	// Nil where the database does not tell.
	Columns []string
}

func (e *ConflictError) Error() string {
	switch {
	case len(e.Columns) > 0:
		return ErrConflict.Error() + ": " + strings.Join(e.Columns, ", ")
	case e.Constraint != "":
		return ErrConflict.Error() + ": " + e.Constraint
	}
	return ErrConflict.Error()
}

// Is makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// ConflictOn says whether err is a conflict about name: a column for an index over
// plain columns, the name of the index for one over an expression.
func ConflictOn(err error, name string) bool {
	var c *ConflictError
	return errors.As(err, &c) && (c.Constraint == name || slices.Contains(c.Columns, name))
}

// retryError is a transaction that lost against another one and may be tried again.
type retryError struct{ err error }

func (e *retryError) Error() string {
	if errors.Is(e.err, ErrUnavailable) {
		return e.err.Error()
	}
	return ErrUnavailable.Error() + ": " + e.err.Error()
}

// Is makes errors.Is(err, ErrUnavailable) true.
func (e *retryError) Is(target error) bool { return target == ErrUnavailable }
func (e *retryError) Unwrap() error        { return e.err }

func retryable(err error) bool {
	var r *retryError
	return errors.As(err, &r)
}

// ended gives err as the end of ctx when that is what it comes from.
func ended(ctx context.Context, err error) error {
	cause := ctx.Err()
	if cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w (%w)", cause, err)
}

// columnsOf splits "a, lower(b), f(c, d)" at the commas outside of brackets.
func columnsOf(list string) []string {
	var columns []string
	depth, from := 0, 0
	for i, c := range list {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				columns = append(columns, strings.TrimSpace(list[from:i]))
				from = i + 1
			}
		}
	}
	return append(columns, strings.TrimSpace(list[from:]))
}
