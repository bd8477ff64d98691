package ingest

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"weir/media/seats"
)

const (
	quietTime  = time.Minute
	quietEach  = 5   // lines of one address in that time
	quietTotal = 100 // lines in all
)

// Quiet writes the log lines that strangers can cause, as many as are of use.
type Quiet struct {
	Now func() time.Time
	Log *slog.Logger

	mu     sync.Mutex
	since  time.Time
	lines  int
	by     map[netip.Prefix]int
	hidden int
}

// Warn logs a line unless peer, or all together, caused too many already.
func (q *Quiet) Warn(peer, words string, args ...any) {
	ok, hidden := q.allow(seats.Host(peer))
	if hidden > 0 {
		q.Log.Warn("lines about publishers left out", "count", hidden)
	}
	if ok {
		q.Log.Warn(words, args...)
	}
}

// Panicked logs what recover gave in the goroutine of a peer's connection, with its
// stack: that connection alone has failed.
func (q *Quiet) Panicked(peer string, what any) {
	q.Warn(peer, "connection failed", "peer", peer, "err", fmt.Sprint(what), "stack", string(debug.Stack()))
}

// allow reports whether a line may be written, and once a period how many were
// not in the last.
func (q *Quiet) allow(from netip.Prefix) (ok bool, hidden int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.Now(); q.by == nil || now.Sub(q.since) >= quietTime {
		hidden, q.hidden, q.lines, q.since = q.hidden, 0, 0, now
		q.by = make(map[netip.Prefix]int)
	}
	if q.lines >= quietTotal || q.by[from] >= quietEach {
		q.hidden++
		return false, hidden
	}
	q.lines++
	q.by[from]++
	return true, hidden
}
