package db

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
)

// keptStatements is how many statements each connection to SQLite keeps prepared, the
// ones used last; some 10 KB each. To prepare one costs more than to run it.
const keptStatements = 64

// liteConnector opens connections that keep their statements.
type liteConnector struct{ driver.Connector }

// Connect is driver.Connector.
func (c liteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	raw, ok := conn.(liteRaw)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("db: %T is no connection to SQLite", conn)
	}
	return &keeper{liteRaw: raw}, nil
}

// liteRaw is what a connection of the SQLite driver can do.
type liteRaw interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// liteStatement is what its statements can do.
type liteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keeper is a connection that prepares a text once. A statement that runs, or whose
// rows are open, is not among the kept; the same text meanwhile is another statement.
// It is for one goroutine at a time, as every driver.Conn.
type keeper struct {
	liteRaw
	kept []keptStatement // the one used last is the last
}

type keptStatement struct {
	text string
	stmt liteStatement
}

// take returns a statement for the text, which is the caller's until keep.
func (k *keeper) take(ctx context.Context, text string) (liteStatement, error) {
	for i := len(k.kept) - 1; i >= 0; i-- {
		if k.kept[i].text == text {
			stmt := k.kept[i].stmt
			k.kept = slices.Delete(k.kept, i, i+1)
			return stmt, nil
		}
	}
	prepared, err := k.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(liteStatement)
	if !ok {
		_ = prepared.Close()
		return nil, fmt.Errorf("db: %T is no statement of SQLite", prepared)
	}
	return stmt, nil
}

// keep takes a statement back. One that failed is prepared anew the next time.
func (k *keeper) keep(text string, stmt liteStatement, err error) error {
	if err != nil || slices.ContainsFunc(k.kept, func(s keptStatement) bool { return s.text == text }) {
		return stmt.Close()
	}
	k.kept = append(k.kept, keptStatement{text, stmt})
	if len(k.kept) <= keptStatements {
		return nil
	}
	oldest := k.kept[0].stmt
	k.kept = slices.Delete(k.kept, 0, 1)
	return oldest.Close()
}

// ExecContext is driver.ExecerContext.
func (k *keeper) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	stmt, err := k.take(ctx, text)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	if e := k.keep(text, stmt, err); err == nil {
		err = e
	}
	return result, err
}

// QueryContext is driver.QueryerContext.
func (k *keeper) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	stmt, err := k.take(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	if err != nil {
		_ = k.keep(text, stmt, err) // what went wrong first counts
		return nil, err
	}
	return &keptRows{Rows: rows, keeper: k, text: text, stmt: stmt}, nil
}

// Close closes what was kept, and the connection.
func (k *keeper) Close() error {
	for _, s := range k.kept {
		_ = s.stmt.Close() // the connection says what is wrong
	}
	k.kept = nil
	return k.liteRaw.Close()
}

// keptRows are rows whose end gives the statement back.
type keptRows struct {
	driver.Rows
	keeper *keeper
	text   string
	stmt   liteStatement // nil: given back
}

// Close may be called again.
func (r *keptRows) Close() error {
	if r.stmt == nil {
		return nil
	}
	err := r.Rows.Close()
	if e := r.keeper.keep(r.text, r.stmt, err); err == nil {
		err = e
	}
	r.stmt = nil
	return err
}
