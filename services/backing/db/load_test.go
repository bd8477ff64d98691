package db_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
)

// Writers by Exec and Tx, read-modify-write under Hold, and readers, all at once.
func TestConcurrent(t *testing.T) {
	const workers, rounds = 8, 25
	each(t, func(t *testing.T, d *db.DB) {
		shared := newThing("shared")
		insert(t, d, shared)
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for i := range rounds {
					insert(t, d, newThing(fmt.Sprint(w, i)))
					if err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error { return addOne(ctx, q, shared.ID) }); err != nil {
						t.Error(err)
						return
					}
				}
			})
			wg.Go(func() {
				for last, i := 0, 0; i < rounds; i++ {
					n := count(t, d, "things")
					if n < last {
						t.Errorf("%d things after %d", n, last)
					}
					last = n
				}
			})
		}
		wg.Wait()
		if v := find(t, d, shared.ID).Views; v != workers*rounds {
			t.Errorf("%d views, want %d: updates were lost", v, workers*rounds)
		}
		if n := count(t, d, "things"); n != workers*rounds+1 {
			t.Errorf("%d things", n)
		}
	})
}

func addOne(ctx context.Context, q db.Q, id uuid.UUID) error {
	var views int64
	if err := q.QueryRow(ctx, "SELECT views FROM things WHERE id = $1 "+db.Hold(q), id).Scan(&views); err != nil {
		return err
	}
	_, err := q.Exec(ctx, "UPDATE things SET views = $2 WHERE id = $1", id, views+1)
	return err
}

// A write that was acknowledged is seen by the next read, whichever connection serves it.
func TestReadYourWrites(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for i := range 50 {
			v := newThing(fmt.Sprint(i))
			insert(t, d, v)
			if find(t, d, v.ID).Title != v.Title {
				t.Fatal("not seen")
			}
		}
	})
}

// Reads go on while a transaction is open and rows are being read.
func TestReadersDoNotWait(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		insert(t, d, newThing("a"))
		err := d.Tx(t.Context(), func(_ context.Context, q db.Q) error {
			insert(t, q, newThing("b"))
			rows, err := d.Query(t.Context(), "SELECT id FROM things")
			if err != nil {
				return err
			}
			defer rows.Close()
			if !rows.Next() || count(t, d, "things") != 1 {
				t.Error("reading beside")
			}
			return nil
		})
		if err != nil || count(t, d, "things") != 2 {
			t.Fatal(err)
		}
	})
}

// Four claimers share 300 jobs; none is claimed twice, whether in a transaction or not.
func TestClaim(t *testing.T) {
	const jobs, claimers = 300, 4
	each(t, func(t *testing.T, d *db.DB) {
		now := time.Now()
		if err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) error {
			for range jobs {
				if _, err := q.Exec(ctx, "INSERT INTO jobs (id) VALUES ($1)", newID()); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		claimed := make([][]uuid.UUID, claimers)
		var wg sync.WaitGroup
		for i := range claimers {
			wg.Go(func() {
				for more := true; more; {
					err := claimOnce(t, d, i%2 == 0, now, func(ids []uuid.UUID) {
						claimed[i] = append(claimed[i], ids...)
						more = len(ids) > 0
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		seen := map[uuid.UUID]bool{}
		for _, ids := range claimed {
			for _, id := range ids {
				if seen[id] {
					t.Errorf("%v was claimed twice", id)
				}
				seen[id] = true
			}
		}
		var total int
		if err := d.QueryRow(t.Context(), "SELECT CAST(sum(claims) AS BIGINT) FROM jobs").Scan(&total); err != nil || len(seen) != jobs || total != jobs {
			t.Errorf("%d claimed, %d counted, want %d: %v", len(seen), total, jobs, err)
		}
	})
}

func claimOnce(t *testing.T, d *db.DB, inTx bool, now time.Time, got func([]uuid.UUID)) error {
	if !inTx {
		ids, err := claim(t.Context(), d, now)
		got(ids)
		return err
	}
	var ids []uuid.UUID
	err := d.Tx(t.Context(), func(ctx context.Context, q db.Q) (err error) {
		ids, err = claim(ctx, q, now)
		return err
	})
	got(ids)
	return err
}

func claim(ctx context.Context, q db.Q, now time.Time) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `UPDATE jobs SET locked_until = $2, claims = claims + 1 WHERE id IN (
SELECT id FROM jobs WHERE locked_until IS NULL OR locked_until < $1 ORDER BY id LIMIT $3 `+db.Lock(q)+`) RETURNING id`, now, now.Add(time.Minute), 7)
	return db.Collect(rows, err, func(r db.Row) (id uuid.UUID, err error) { err = r.Scan(&id); return id, err })
}

// BenchmarkDB asks what a row costs: read by its id, inserted, and changed in a Tx.
func BenchmarkDB(b *testing.B) {
	dbtest.Bench(b, func(b *testing.B, d *db.DB) {
		if err := d.Migrate(b.Context(), things(b)); err != nil {
			b.Fatal(err)
		}
		v := newThing("x")
		v.Meta = []byte(`{"bio":"` + strings.Repeat("a", 300) + `"}`)
		insert(b, d, v)
		b.Run("read", func(b *testing.B) {
			for b.Loop() {
				find(b, d, v.ID)
			}
		})
		b.Run("insert", func(b *testing.B) {
			for b.Loop() {
				insert(b, d, newThing("y"))
			}
		})
		b.Run("tx", func(b *testing.B) {
			for b.Loop() {
				if err := d.Tx(b.Context(), func(ctx context.Context, q db.Q) error { return addOne(ctx, q, v.ID) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
