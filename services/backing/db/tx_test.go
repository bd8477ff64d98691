package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
)

func TestTx(t *testing.T) {
	boom := errors.New("boom")
	each(t, func(t *testing.T, d *db.DB) {
		v := newThing("kept")
		if err := d.Tx(t.Context(), func(_ context.Context, q db.Q) error {
			insert(t, q, v)
			if find(t, q, v.ID).Title != "kept" || db.IsPostgres(q) != d.Postgres() {
				t.Error("a transaction does not see itself")
			}
			if count(t, d, "things") != 0 { // not the ctx of the transaction
				t.Error("others see what is not committed")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		err := d.Tx(t.Context(), func(_ context.Context, q db.Q) error {
			insert(t, q, newThing("lost"))
			return fmt.Errorf("wrapped: %w", boom)
		})
		if !errors.Is(err, boom) {
			t.Error(err)
		}
		if n := count(t, d, "things"); n != 1 {
			t.Errorf("%d things", n)
		}
	})
}

func TestTxPanic(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for range 20 { // more than there are connections
			func() {
				defer func() {
					if recover() != "ouch" {
						t.Error("the panic did not go on")
					}
				}()
				_ = d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
					insert(t, q, newThing(uuid.NewString()))
					if _, err := q.Query(ctx, "SELECT id FROM things"); err != nil {
						t.Error(err)
					}
					panic("ouch")
				})
			}()
		}
		var wg sync.WaitGroup
		wg.Go(func() { // as t.FailNow does
			_ = d.Tx(t.Context(), func(_ context.Context, q db.Q) error {
				insert(t, q, newThing("gone"))
				runtime.Goexit()
				return nil
			})
		})
		wg.Wait()
		insert(t, d, newThing("after"))
		if n := count(t, d, "things"); n != 1 {
			t.Errorf("%d things", n)
		}
	})
}

func TestTxNested(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
			if err := d.Tx(ctx, func(context.Context, db.Q) error { t.Error("ran"); return nil }); !errors.Is(err, db.ErrNested) {
				t.Errorf("Tx: %v", err)
			}
			if _, err := d.Exec(ctx, "DELETE FROM things"); !errors.Is(err, db.ErrNested) {
				t.Errorf("Exec: %v", err)
			}
			if _, err := d.Query(ctx, "SELECT 1"); !errors.Is(err, db.ErrNested) {
				t.Errorf("Query: %v", err)
			}
			if err := d.QueryRow(ctx, "SELECT 1").Scan(new(int)); !errors.Is(err, db.ErrNested) {
				t.Errorf("QueryRow: %v", err)
			}
			if err := d.Migrate(ctx, things(t)); !errors.Is(err, db.ErrNested) {
				t.Errorf("Migrate: %v", err)
			}
			_, err := q.Exec(ctx, "DELETE FROM things")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// After an error PostgreSQL takes no more statements of a transaction; SQLite would.
func TestTxAfterError(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		v := newThing("a")
		insert(t, d, v)
		err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
			insert(t, q, newThing("b"))
			if _, err := scanThing(q.QueryRow(ctx, "SELECT "+thingColumns+" FROM things WHERE id=$1", newID())); !errors.Is(err, db.ErrNotFound) {
				t.Error(err)
			}
			insert(t, q, newThing("c")) // nothing found is no failure
			if _, err := q.Exec(ctx, insertThing, v.args()...); !errors.Is(err, db.ErrConflict) {
				t.Error(err)
			}
			if _, err := q.Exec(ctx, "DELETE FROM jobs"); !errors.Is(err, db.ErrConflict) {
				t.Errorf("a statement after a failed one: %v", err)
			}
			return nil
		})
		if !errors.Is(err, db.ErrConflict) {
			t.Errorf("a failed transaction was committed: %v", err)
		}
		if n := count(t, d, "things"); n != 1 {
			t.Errorf("%d things", n)
		}
	})
}

func TestTxRows(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for range 3 {
			insert(t, d, newThing("x"))
		}
		err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
			rows, err := q.Query(ctx, "SELECT id FROM things")
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			_, err = q.Exec(ctx, "DELETE FROM things") // read to the end: free
			return err
		})
		if err != nil || count(t, d, "things") != 0 {
			t.Fatal(err)
		}
		insert(t, d, newThing("y"))
		for _, next := range []func(context.Context, db.Q) error{
			func(ctx context.Context, q db.Q) error { _, err := q.Exec(ctx, "DELETE FROM things"); return err },
			func(context.Context, db.Q) error { return nil },
		} {
			err = d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
				if _, err := q.Query(ctx, "SELECT id FROM things"); err != nil {
					return err
				}
				return next(ctx, q) // the rows are still open
			})
			if err == nil || !strings.Contains(err.Error(), "close the rows") {
				t.Errorf("rows left open: %v", err)
			}
		}
		var kept db.Q
		if err := d.Tx(t.Context(), func(_ context.Context, q db.Q) error { kept = q; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Exec(t.Context(), "DELETE FROM things"); err == nil {
			t.Error("a Q outlived its transaction")
		}
	})
}

func TestTxCancelled(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			err := d.Tx(ctx, func(ctx context.Context, q db.Q) error {
				insert(t, q, newThing(uuid.NewString()))
				cancel()
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("ended before the commit: %v", err)
			}
		}
		insert(t, d, newThing("after"))
		if n := count(t, d, "things"); n != 1 {
			t.Errorf("%d things", n)
		}
	})
}

// A statement that runs for very long ends with its ctx, and the connections live on.
func TestCancelRunning(t *testing.T) {
	const endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n"
	each(t, func(t *testing.T, d *db.DB) {
		for i := range 6 {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			run := func(ctx context.Context, q db.Q) error { return q.QueryRow(ctx, endless).Scan(new(int)) }
			var err error
			if i%2 == 0 {
				err = run(ctx, d)
			} else {
				err = d.Tx(ctx, run)
			}
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d: %v", i, err)
			}
		}
		insert(t, d, newThing("after"))
		if n := count(t, d, "things"); n != 1 {
			t.Errorf("%d things", n)
		}
	})
}

func TestCancelledBefore(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, exec := d.Exec(ctx, "DELETE FROM things")
		row := d.QueryRow(ctx, "SELECT 1").Scan(new(int))
		tx := d.Tx(ctx, func(context.Context, db.Q) error { t.Error("ran"); return nil })
		for what, err := range map[string]error{"Exec": exec, "QueryRow": row, "Tx": tx, "Ping": d.Ping(ctx)} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Two transactions that lock the same rows in opposite order: PostgreSQL ends one of
// them, Tx runs it again; SQLite lets one wait from the beginning.
func TestTxDeadlockIsRetried(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		a, b := newThing("a"), newThing("b")
		insert(t, d, a)
		insert(t, d, b)
		var runs atomic.Int64
		var meet sync.WaitGroup // on PostgreSQL both hold a row before they want the other's
		meet.Add(2)
		var wg sync.WaitGroup
		for _, pair := range [][2]uuid.UUID{{a.ID, b.ID}, {b.ID, a.ID}} {
			wg.Go(func() {
				first := true
				err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
					runs.Add(1)
					for i, id := range pair {
						if i == 1 && first && d.Postgres() {
							first = false
							meet.Done()
							meet.Wait()
						}
						if _, err := q.Exec(ctx, "UPDATE things SET views = views + 1 WHERE id = $1", id); err != nil {
							return errors.New("hides what happened")
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if va, vb := find(t, d, a.ID).Views, find(t, d, b.ID).Views; va != 2 || vb != 2 {
			t.Error(va, vb)
		}
		// Who is run again may meet the other once more, where that is slow to commit.
		if n := runs.Load(); d.Postgres() && n < 3 || !d.Postgres() && n != 2 {
			t.Errorf("%d runs", n)
		}
	})
}

// What always fails to be serialized is given up after a bounded number of tries.
func TestTxRetryIsBounded(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if !d.Postgres() {
			t.Log("a transaction of SQLite is alone: see TestBusyFile")
			return
		}
		runs := 0
		err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
			runs++
			_, err := q.Exec(ctx, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")
			return err
		})
		if !errors.Is(err, db.ErrUnavailable) || runs != 6 {
			t.Error(runs, err)
		}
	})
}

// The server closes all connections, as at a restart: the next Tx does not notice.
func TestTxAfterServerClosedConnections(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if !d.Postgres() {
			t.Log("SQLite has no server")
			return
		}
		var all []db.Rows
		for range 10 { // fill the pool
			rows, err := d.Query(t.Context(), "SELECT 1")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rows)
		}
		for _, rows := range all {
			rows.Close()
		}
		_, _ = d.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		for i := range 12 {
			v := newThing(fmt.Sprint(i))
			if err := d.Tx(t.Context(), func(_ context.Context, q db.Q) error { insert(t, q, v); return nil }); err != nil {
				t.Error(err)
			}
		}
		if n := count(t, d, "things"); n != 12 {
			t.Errorf("%d things", n)
		}
	})
}
