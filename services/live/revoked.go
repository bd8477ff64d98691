package live

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/live/pass"
)

// Kinds of revocations beside those of holders, pass.User and pass.Link.
const (
	ofAll    pass.Kind = 0
	ofViewer pass.Kind = 3
)

const (
	// passLife is how long a pass holds at most.
	passLife = 12 * time.Hour
	// revokeAhead is how far into the future a revocation reaches: a pass may be made in
	// this moment by who has not seen it yet, or whose clock is ahead. Who has seen it
	// dates passes after it.
	revokeAhead = 5 * time.Second
	// revocationLife is how long a revocation is kept.
	revocationLife = passLife + time.Hour
	// everyRevocation is how often new ones are read.
	everyRevocation = time.Second
	// revocationOverlap is how far each reading reaches back: a row is dated before it is
	// committed.
	revocationOverlap = time.Minute
	// revocationBatch is how many are read at once.
	revocationBatch = 10_000
)

// nobody is the visibility of a channel that is deleted.
const nobody Visibility = "nobody"

// door is the visibility that counts for viewers.
func (c *Channel) door() Visibility {
	switch {
	case c.Deleted != nil:
		return nobody
	case c.Banned != nil:
		return Private
	}
	return c.Visibility
}

// subject is whose passes are taken back.
type subject struct {
	channel uuid.UUID // the nil UUID: in all
	kind    pass.Kind
	holder  uuid.UUID
}

// viewerID is a viewer's number as the holder of a subject.
func viewerID(viewer uint64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[8:], viewer)
	return id
}

// revocation takes back the passes of a subject that were issued until then.
type revocation struct {
	subject
	until      time.Time
	visibility Visibility // of the channel since, where kind is ofAll
}

// revoked is what this process knows of revocations, in memory.
type revoked struct {
	mu sync.RWMutex
	by map[subject]revocation
}

func (r *revoked) add(list []revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[subject]revocation{}
	}
	for _, x := range list {
		if known, ok := r.by[x.subject]; !ok || x.until.After(known.until) {
			r.by[x.subject] = x
		}
	}
}

// prune forgets what no pass is left of.
func (r *revoked) prune(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, x := range r.by {
		if now.Sub(x.until) > revocationLife {
			delete(r.by, s)
		}
	}
}

// has reports whether a pass was taken back.
func (r *revoked) has(p pass.Pass) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, s := range [...]subject{
		{channel: p.Channel}, {p.Channel, p.Holder.Kind, p.Holder.ID}, {uuid.Nil, p.Holder.Kind, p.Holder.ID}, {p.Channel, ofViewer, viewerID(p.Viewer)},
	} {
		if x, ok := r.by[s]; ok && !p.Issued.After(x.until) {
			return true
		}
	}
	return false
}

// visibility is what a channel has become lately, or else what was known before.
func (r *revoked) visibility(channel uuid.UUID, known Visibility) Visibility {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if x, ok := r.by[subject{channel: channel}]; ok && x.visibility != "" {
		return x.visibility
	}
	return known
}

// revokePasses takes back passes, in the transaction of st. Every process knows a second
// later.
func (s *Service) revokePasses(ctx context.Context, st Store, of subject, v Visibility) error {
	until := s.now().UTC().Add(revokeAhead).Truncate(time.Millisecond)
	newest, err := st.newestRevocation(ctx)
	if err != nil {
		return err
	}
	if after := newest.Add(2 * time.Millisecond); until.Before(after) { // and after the passes made since
		until = after
	}
	_, err = st.q.Exec(ctx, `INSERT INTO live_revocations (channel_id, kind, holder_id, until, visibility) VALUES ($1,$2,$3,$4,$5)
ON CONFLICT (channel_id, kind, holder_id) DO UPDATE SET until=excluded.until, visibility=excluded.visibility`, of.channel, int64(of.kind), of.holder, until, string(v))
	return err
}

// closeDoor tells all nodes what c is for viewers now; its passes end.
func (s *Service) closeDoor(ctx context.Context, st Store, c *Channel) error {
	return s.revokePasses(ctx, st, subject{channel: c.ID}, c.door())
}

// revocations are those until that time or later, in their order.
func (s Store) revocations(ctx context.Context, since time.Time) ([]revocation, error) {
	rows, err := s.q.Query(ctx, `SELECT channel_id, kind, holder_id, until, visibility FROM live_revocations WHERE until >= $1 ORDER BY until LIMIT $2`, since, revocationBatch)
	return db.Collect(rows, err, func(r db.Row) (x revocation, err error) {
		var kind int64
		err = r.Scan(&x.channel, &kind, &x.holder, &x.until, &x.visibility)
		x.kind = pass.Kind(kind) //nolint:gosec // one that we wrote
		return x, err
	})
}

// lastRevocation is until when passes of a holder in a channel were taken back; the zero
// time when they never were.
func (s Store) lastRevocation(ctx context.Context, channel uuid.UUID, h pass.Holder) (until time.Time, err error) {
	rows, err := s.q.Query(ctx, `SELECT until FROM live_revocations
WHERE (channel_id=$1 AND (kind=$2 OR (kind=$3 AND holder_id=$4))) OR (channel_id=$5 AND kind=$3 AND holder_id=$4) ORDER BY until DESC LIMIT 1`,
		channel, int64(ofAll), int64(h.Kind), h.ID, uuid.Nil)
	list, err := db.Collect(rows, err, func(r db.Row) (t time.Time, err error) { err = r.Scan(&t); return t, err })
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0], nil
}

// newestRevocation is until when the newest of all reaches; the zero time when there is none.
func (s Store) newestRevocation(ctx context.Context) (until time.Time, err error) {
	err = s.q.QueryRow(ctx, `SELECT until FROM live_revocations ORDER BY until DESC LIMIT 1`).Scan(&until)
	if missing(err) {
		return time.Time{}, nil
	}
	return until, err
}

// countViewerRevocations is how many viewers of a channel were sent away by number.
func (s Store) countViewerRevocations(ctx context.Context, channel uuid.UUID) (n int, err error) {
	err = s.q.QueryRow(ctx, `SELECT COUNT(*) FROM live_revocations WHERE channel_id=$1 AND kind=$2`, channel, int64(ofViewer)).Scan(&n)
	return n, err
}
