package user

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/servicetest"
)

const (
	manyUsers   = 100_000
	manyFollows = 1_000_000 // manyUsers of them are of one channel
)

// idOf is the id of the nth of many users.
func idOf(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("01935a1c-0000-7000-8000-%012d", n)) }

// crowd loads many users and follows, as a database that has grown.
func crowd(b *testing.B, d *db.DB) {
	b.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	start := time.Now()
	insert := func(table, columns string, rows int, row func(i int) []any) {
		const batch = 400
		err := d.Tx(b.Context(), func(ctx context.Context, q db.Q) error {
			for from := 0; from < rows; from += batch {
				var values []string
				var args []any
				for i := from; i < min(rows, from+batch); i++ {
					var marks []string
					for _, v := range row(i) {
						args = append(args, v)
						marks = append(marks, fmt.Sprintf("$%d", len(args)))
					}
					values = append(values, "("+strings.Join(marks, ",")+")")
				}
				if _, err := q.Exec(ctx, "INSERT INTO "+table+" ("+columns+") VALUES "+strings.Join(values, ","), args...); err != nil {
					return err
				}
			}
			return nil
		})
		ok(b, err)
	}
	insert("users", "id,username,password_hash,role,display_name,bio,links,language,time_zone,version,suspension_reason,created_at,updated_at", manyUsers, func(i int) []any {
		return []any{idOf(i), fmt.Sprintf("u%d", i), "", "user", "Somebody", "", "[]", "", "", 1, "", now, now}
	})
	insert("user_counts", "user_id,followers,following", manyUsers, func(i int) []any { return []any{idOf(i), 10, 10} })
	insert("user_follows", "follower_id,channel_id,created_at", manyFollows, func(i int) []any {
		channel := 0
		if i >= manyUsers {
			channel = (i*7919)%(manyUsers-1) + 1 + i/manyUsers
		}
		return []any{idOf(i % manyUsers), idOf(channel), now.Add(time.Duration(i) * time.Second)}
	})
	if _, err := d.Exec(b.Context(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
	b.Logf("loaded in %v", time.Since(start).Round(time.Second))
}

// How long do a follow, a page of followers and the profile with its number take, with
// 100,000 users and 1,000,000 follows?
func BenchmarkFollows(b *testing.B) {
	dbtest.Bench(b, func(b *testing.B, d *db.DB) {
		r := newRig(b, d, servicetest.Redis(b, d), plenty())
		r.limits.Follow = Rate{1 << 30, time.Second}
		crowd(b, d)
		ctx := b.Context()
		far := place{at: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), id: uuid.Max}.String()
		n := 0
		for name, do := range map[string]func() error{
			"follow": func() error {
				n++
				return r.Follow(ctx, auth.Identity{User: idOf(n % manyUsers)}, idOf(rand.IntN(manyUsers/2)+manyUsers/2-1))
			},
			"page=first":  func() error { return second(r.Followers(ctx, idOf(0), "", 50)) },
			"page=far":    func() error { return second(r.Followers(ctx, idOf(0), far, 50)) },
			"profile":     func() error { return second(r.User(ctx, idOf(rand.IntN(manyUsers)))) },
			"find=prefix": func() error { return second(r.List(ctx, Operator(), Filter{Prefix: "u9999"}, "", 50)) },
		} {
			b.Run(name, func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					start := time.Now()
					if err := do(); err != nil && !strings.Contains(err.Error(), "yourself") {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
			})
		}
	})
}

// What does a sign-in cost, and the check of a new password?
func BenchmarkPassword(b *testing.B) {
	h := NewHasher(2, 1000, time.Hour)
	stored, err := h.Hash(b.Context(), goodPassword)
	ok(b, err)
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := h.Check(b.Context(), stored, goodPassword); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, password := range map[string]string{
		"usual": goodPassword, "ones": strings.Repeat("1", PasswordMax), "dates": strings.Repeat("12/12/1999", 12), "leet": strings.Repeat("p@55w0rd", 16), "keys": strings.Repeat("qwertyuiop", 12),
	} {
		b.Run("strength="+name, func(b *testing.B) {
			for b.Loop() {
				CheckPassword(password, "anna", "anna@example.org")
			}
		})
	}
}
