package live

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/live/pass"
)

// errHidden is for those who may not know of a stream.
var errHidden = fault.New(fault.NotFound, "there is nothing to watch")

// MayWatch says whether who brings a pass, "" for none, from an address may watch a
// session of this process, and gives the viewer's number, 0 where no pass is needed. It is
// called for every request for media and blocks on nothing. not_found: who asks may not
// know of it. denied: the pass does not hold, and why, for the viewer.
func (s *Service) MayWatch(b *Broadcast, text string, from netip.Addr) (viewer uint64, err error) {
	if b == nil {
		return 0, nil
	}
	b.mu.Lock()
	id, v := b.grant.Channel, b.channel.door()
	b.mu.Unlock()
	return s.mayWatch(id, v, text, from)
}

func (s *Service) mayWatch(channel uuid.UUID, known Visibility, text string, from netip.Addr) (uint64, error) {
	v := s.passes.revoked.visibility(channel, known)
	switch {
	case v == Public:
		return 0, nil
	case text == "" || v == nobody:
		return 0, errHidden
	}
	p, err := s.readPass(text, from)
	if err != nil {
		return 0, err
	}
	if p.Channel != channel {
		return 0, refuse(pass.ErrName)
	}
	return p.Viewer, nil
}

var errTakenBack = errors.New("this pass was taken back: ask for a new one")

func refuse(why error) error { return fault.New(fault.Denied, why.Error()) }

func (s *Service) readPass(text string, from netip.Addr) (pass.Pass, error) {
	p, err := s.passes.ring.Read(text, from, s.now())
	if err == nil && s.passes.revoked.has(p) {
		err = errTakenBack
	}
	if err != nil {
		return p, refuse(err)
	}
	return p, nil
}

// MayWait is MayWatch for a name that is not live here: whether a pass is one for it.
func (s *Service) MayWait(name, text string, from netip.Addr) error {
	p, err := s.readPass(text, from)
	if err == nil && p.Name != name {
		err = refuse(pass.ErrName)
	}
	return err
}

// Cookie is a new viewer of a stream, signed.
func (s *Service) Cookie(stream string) string { return s.passes.ring.Cookie(stream, s.now()) }

// Viewer reads what Cookie made for that stream; false for anything else.
func (s *Service) Viewer(stream, cookie string) (uint64, bool) {
	return s.passes.ring.Viewer(stream, cookie)
}

// Shown is what somebody shows to see what is kept of a channel that is not public.
type Shown struct {
	Pass string     // empty: none
	From netip.Addr // the zero Addr when that is not known
}

// watches is the role of who in a channel whose recordings are asked for, nil for none:
// those of a channel that is not public, or banned, are for who works for it, and for who
// shows a pass. denied: that does not hold. Whatever else is not to be seen is no what at
// all, also for who has a pass of another channel.
func (s *Service) watches(ctx context.Context, who auth.Identity, c *Channel, shown Shown, what string) (role Role, err error) {
	if c != nil && who.User != uuid.Nil {
		if role, err = s.roleOf(ctx, s.store(), who, c); err != nil {
			return "", faultOf(err)
		}
	}
	if role != "" || c != nil && c.door() == Public {
		return role, nil
	}
	if shown.Pass == "" {
		return "", noSuch(what)
	}
	p, err := s.readPass(shown.Pass, shown.From)
	if err != nil {
		return "", err
	}
	if c == nil || p.Channel != c.ID {
		return "", noSuch(what)
	}
	return "", nil
}

const (
	replaysMost = 10_000           // recordings whose channel is remembered
	replayFor   = 10 * time.Minute // how long that is believed; what changes is told by a revocation
	unknownFor  = 10 * time.Second // how long it is believed that a recording has no channel
	replayRead  = 5 * time.Second  // bounds the reading of one
)

// replays remembers whose recordings are.
type replays struct {
	mu     sync.Mutex
	by     map[uuid.UUID]replay
	flight singleflight.Group
}

type replay struct {
	channel uuid.UUID // the nil UUID: it has none
	door    Visibility
	until   time.Time
}

// MayReplay is MayWatch for a recording. It reads the database for a recording that was
// not asked for lately, once for all who ask; unavailable: that failed. A recording
// that has no channel is for everybody.
func (s *Service) MayReplay(ctx context.Context, id uuid.UUID, text string, from netip.Addr) error {
	x, err := s.replay(ctx, id)
	if err != nil || x.channel == uuid.Nil {
		return err
	}
	_, err = s.mayWatch(x.channel, x.door, text, from)
	return err
}

func (s *Service) replay(ctx context.Context, id uuid.UUID) (replay, error) {
	all := &s.passes.replays
	all.mu.Lock()
	x, known := all.by[id]
	all.mu.Unlock()
	if known && s.now().Before(x.until) {
		return x, nil
	}
	got, err, _ := all.flight.Do(id.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayRead)
		defer cancel()
		x, err := s.readReplay(ctx, id)
		if err == nil {
			all.put(id, x)
		}
		return x, err
	})
	if err != nil {
		return replay{}, err
	}
	x, _ = got.(replay) // it is one
	return x, nil
}

// put remembers; where there is no room, something else is forgotten.
func (r *replays) put(id uuid.UUID, x replay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[uuid.UUID]replay{}
	}
	if _, known := r.by[id]; !known && len(r.by) >= replaysMost {
		for other := range r.by {
			delete(r.by, other)
			break
		}
	}
	r.by[id] = x
}

func (s *Service) readReplay(ctx context.Context, id uuid.UUID) (replay, error) {
	s.air.mu.Lock()
	b := s.air.sessions[id]
	s.air.mu.Unlock()
	if b != nil { // its row may not be written yet
		b.mu.Lock()
		defer b.mu.Unlock()
		return replay{b.grant.Channel, b.channel.door(), s.now().Add(replayFor)}, nil
	}
	c, err := s.store().channelOfRecording(ctx, id)
	switch {
	case missing(err):
		return replay{until: s.now().Add(unknownFor)}, nil
	case err != nil:
		return replay{}, faultOf(err)
	}
	return replay{c.ID, c.door(), s.now().Add(replayFor)}, nil
}

// channelOfRecording finds a channel, also one that is deleted, by what was recorded of it.
func (s Store) channelOfRecording(ctx context.Context, id uuid.UUID) (*Channel, error) {
	return scanChannel(s.q.QueryRow(ctx, `SELECT `+channelColumns+` FROM live_channels c WHERE c.id = COALESCE(
  (SELECT channel_id FROM live_recordings WHERE id=$1), (SELECT channel_id FROM live_sessions WHERE id=$1))`, id))
}
