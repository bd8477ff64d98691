package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jackc/puddle/v2"
	"github.com/pressly/goose/v3"
)

// postgres is the backend over a pool of native connections.
type postgres struct {
	pgQ
	pool *pgxpool.Pool
}

// pgQ is a Q over the pool or over one transaction.
type pgQ struct {
	q interface {
		Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
		Query(context.Context, string, ...any) (pgx.Rows, error)
	}
}

func (p pgQ) postgres() bool { return true }

// Exec is Q.Exec.
func (p pgQ) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := checkTimes(args); err != nil {
		return 0, err
	}
	tag, err := p.q.Exec(ctx, sql, args...)
	return tag.RowsAffected(), pgFault(ctx, err)
}

// Query is Q.Query.
func (p pgQ) Query(ctx context.Context, sql string, args ...any) (Rows, error) {
	if err := checkTimes(args); err != nil {
		return nil, err
	}
	rows, err := p.q.Query(ctx, sql, args...)
	if err != nil {
		return nil, pgFault(ctx, err)
	}
	return &pgRows{ctx: ctx, rows: rows}, nil
}

// QueryRow is Q.QueryRow.
func (p pgQ) QueryRow(ctx context.Context, sql string, args ...any) Row {
	return lazyRow{q: p, ctx: ctx, sql: sql, args: args}
}

type pgRows struct {
	ctx  context.Context // of the statement, to tell why it ended
	rows pgx.Rows
}

// Next is Rows.Next.
func (r *pgRows) Next() bool { return r.rows.Next() }

// Scan is Rows.Scan.
func (r *pgRows) Scan(dst ...any) error { return pgFault(r.ctx, r.rows.Scan(pgDest(dst)...)) }

// Err is Rows.Err.
func (r *pgRows) Err() error { return pgFault(r.ctx, r.rows.Err()) }

// Close is Rows.Close; the pool has its connection back then.
func (r *pgRows) Close() { r.rows.Close() }

// pgDest wraps the destinations that would take NULL in silence.
func pgDest(dst []any) []any {
	var out []any
	for i, d := range dst {
		if id, ok := d.(*uuid.UUID); ok {
			if out == nil {
				out = slices.Clone(dst)
			}
			out[i] = pgUUID{id}
		}
	}
	if out == nil {
		return dst
	}
	return out
}

type pgUUID struct{ to *uuid.UUID }

var _ pgtype.UUIDScanner = pgUUID{}

// ScanUUID is called by pgx.
func (d pgUUID) ScanUUID(v pgtype.UUID) error {
	if !v.Valid {
		return errNull
	}
	*d.to = v.Bytes
	return nil
}

// begin waits for a connection at most waitConn.
func (p *postgres) begin(ctx context.Context) (transaction, error) {
	wait, cancel := context.WithTimeout(ctx, waitConn)
	defer cancel()
	conn, err := p.pool.Acquire(wait)
	if err != nil {
		return nil, pgFault(ctx, noConn(ctx, err))
	}
	t, err := conn.Begin(ctx)
	if err != nil {
		conn.Release()
		return nil, p.notBegun(pgFault(ctx, err))
	}
	return &pgTx{pgQ: pgQ{t}, tx: t, conn: conn}, nil
}

// notBegun is for a connection that the server had closed before anything was done on
// it: the others are most likely as dead, and a new one may well work.
func (p *postgres) notBegun(err error) error {
	if errors.Is(err, ErrUnavailable) && !retryable(err) {
		p.pool.Reset()
		return &retryError{err}
	}
	return err
}

type pgTx struct {
	pgQ
	tx   pgx.Tx
	conn *pgxpool.Conn
}

func (t *pgTx) commit(ctx context.Context) error {
	defer t.conn.Release()
	return pgFault(ctx, t.tx.Commit(ctx))
}

// rollback closes the connection when it fails, which is a rollback too.
func (t *pgTx) rollback(ctx context.Context) error {
	defer t.conn.Release()
	return pgFault(ctx, t.tx.Rollback(ctx))
}

func (p *postgres) ping(ctx context.Context) error { return pgFault(ctx, p.pool.Ping(ctx)) }

func (p *postgres) close() { p.pool.Close() }

// migrator holds an advisory lock on a connection of its own, so that of several
// processes that start at once one migrates and the others wait.
func (p *postgres) migrator(ctx context.Context) (*migrator, error) {
	conn, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return nil, pgFault(ctx, err)
	}
	const lock = `SELECT pg_advisory_lock(hashtextextended('weir migrations of ' || coalesce(current_schema(), ''), 0))`
	if _, err := conn.Exec(ctx, lock); err != nil {
		_ = conn.Close(ctx)
		return nil, pgFault(ctx, err)
	}
	sql := stdlib.OpenDBFromPool(p.pool)
	return &migrator{dialect: goose.DialectPostgres, folder: "pg", db: sql, release: func() {
		_ = sql.Close()
		p.pool.Reset() // prepared statements may be of the old schema
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer cancel()
		_ = conn.Close(ctx) // frees the lock
	}}, nil
}

// openPostgres connects and asks once.
func openPostgres(ctx context.Context, url string, conns int) (*postgres, error) {
	config, err := pgConfig(url, conns)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("db: PostgreSQL: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, pgOpenFault(ctx, config.ConnConfig, err)
	}
	return &postgres{pgQ: pgQ{pool}, pool: pool}, nil
}

// utcTimes makes a connection give times in UTC.
func utcTimes(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// pgFault gives an error of pgx a meaning. ctx is the one of the statement.
func pgFault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ended(ctx, err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pgErrorFault(pg)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case errors.Is(err, ErrUnavailable):
		return err
	case pgconn.SafeToRetry(err):
		return &retryError{err}
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, puddle.ErrClosedPool), strings.Contains(err.Error(), "conn closed"):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("db: %w", err)
}

// pgErrorFault goes by the SQLSTATE (PostgreSQL manual, Appendix A).
func pgErrorFault(pg *pgconn.PgError) error {
	class := pg.Code[:min(2, len(pg.Code))]
	switch {
	case pg.Code == "23505":
		return &ConflictError{Constraint: pg.ConstraintName, Columns: pgColumns(pg.Detail)}
	case pg.Code == "23503":
		return fmt.Errorf("%w: %s", ErrReference, pg.ConstraintName)
	case class == "22", class == "23":
		return fmt.Errorf("%w: %s (%s)", ErrRefused, pg.Message, pg.Code)
	case class == "40", pg.Code == "55P03":
		return &retryError{pg}
	case class == "08", class == "53", class == "57":
		return fmt.Errorf("%w: %w", ErrUnavailable, pg)
	}
	return fmt.Errorf("db: %w", pg)
}

// pgColumns finds the columns in "Key (a, lower(b))=(1, x) already exists.", in
// whatever language the words around are. The values are left out.
func pgColumns(detail string) []string {
	_, rest, ok := strings.Cut(detail, "(")
	if !ok {
		return nil
	}
	list, _, ok := strings.Cut(rest, ")=(")
	if !ok {
		return nil
	}
	return columnsOf(list)
}

// checkTimes refuses times that the other database could not keep.
func checkTimes(args []any) error {
	for _, arg := range args {
		switch t := arg.(type) {
		case time.Time:
			if err := checkTime(t); err != nil {
				return err
			}
		case *time.Time:
			if t != nil {
				if err := checkTime(*t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
