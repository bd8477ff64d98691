package live

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/servicetest"
)

const (
	manyChannels = 2_000
	manySessions = 20_000 // in the history
)

// grown is a database with many channels of 20 to an owner, each with a key, and a long
// history; the keys' secrets are returned.
func grown(b *testing.B, r *rig) []string {
	b.Helper()
	var secrets []string
	ok(b, r.db.Tx(b.Context(), func(ctx context.Context, q db.Q) error {
		st := Store{q}
		var owner uuid.UUID
		for i := range manyChannels {
			if i%PerOwner == 0 {
				owner = servicetest.Person(auth.User).User
			}
			c := &Channel{ID: uuid.Must(uuid.NewV7()), Owner: &owner, Name: fmt.Sprintf("c%d", i), Visibility: Public, Version: 1, Created: r.stamp(), Updated: r.stamp()}
			if _, err := st.insert(ctx, c); err != nil {
				return err
			}
			secret, key := fmt.Sprintf("secret-%032d", i), Key{ID: uuid.Must(uuid.NewV7()), Created: r.stamp()}
			if err := st.insertKey(ctx, c.ID, key, hashOf(secret), ""); err != nil {
				return err
			}
			secrets = append(secrets, secret)
			for range manySessions / manyChannels {
				v := SessionView{ID: uuid.Must(uuid.NewV7()), Channel: c.ID, node: "gone", Protocol: "rtmp", Began: r.stamp()}
				if err := st.begin(ctx, v, ""); err != nil {
					return err
				}
			}
		}
		_, err := q.Exec(ctx, `UPDATE live_sessions SET state='ended', ended_at=$1`, r.stamp())
		return err
	}))
	_, err := r.db.Exec(b.Context(), "ANALYZE")
	ok(b, err)
	return secrets
}

// BenchmarkAdmit: how long does a publisher wait at the gate of a database that has grown?
// The keys are used for the first time, which is noted.
func BenchmarkAdmit(b *testing.B) {
	dbtest.Bench(b, func(b *testing.B, d *db.DB) {
		r := newRig(b, d)
		secrets := grown(b, r)
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			if i%len(secrets) == 0 {
				r.clock.Pass(time.Hour)
			}
			start := time.Now()
			if _, err := r.Admit(b.Context(), attempt(secrets[i%len(secrets)])); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	})
}
