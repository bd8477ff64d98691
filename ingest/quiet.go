package ingest

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"
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
	ok, hidden := q.allow(Network(peer))
	if hidden > 0 {
		q.Log.Warn("lines about publishers left out", "count", hidden)
	}
	if ok {
		q.Log.Warn(words, args...)
	}
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
