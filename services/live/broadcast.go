package live

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"

	"weir/services/event"
)

// Broadcast is a session of this process as the control plane knows it. Its methods
// never block: what they say is written to the database by Run, in order, and again
// until that has worked, so that a stream does not notice a database that is away.
type Broadcast struct {
	ID    uuid.UUID
	grant Grant

	mu      sync.Mutex
	channel Channel     // as it was read last
	now     SessionView // as it is
	wanted  uint64      // counts the changes of now
	written uint64      // the last of them that is in the database
	lapse   time.Time   // when the publisher dropped, while no event tells of it; zero: none is due
	adopts  bool        // another node had it, and the row does not say yet that this one has
	handed  bool        // another node goes on with it
	past    Stats       // of what other nodes had of it
	viewers viewers
	health  *Health // measured and not told yet

	end func(reason string) // sends the publisher away
}

// encoderMax is how much is kept of what a publisher calls itself, in characters.
const encoderMax = 100

// cleanEncoder makes text of the publisher's choice storable.
func cleanEncoder(s string) string {
	out := make([]rune, 0, encoderMax)
	for _, r := range strings.ToValidUTF8(s, "") {
		if len(out) == encoderMax {
			break
		}
		if unicode.IsPrint(r) {
			out = append(out, r)
		}
	}
	return string(out)
}

// air are the sessions of this process.
type air struct {
	mu       sync.Mutex
	sessions map[uuid.UUID]*Broadcast // until their end is written
	gone     []*Broadcast             // ended lately: Redis is to forget them
	changed  chan struct{}            // buffered by one: Run has something to write

	recording  sync.Mutex   // held while the beginnings of recordings are written
	recordings []*Recording // that have begun and have no row yet
}

// Start describes a session that begins.
type Start struct {
	Grant    Grant
	Protocol string
	Encoder  string
	Source   Source
	At       time.Time
	// Carry, when set, is a session of another node that goes on here.
	Carry *Carry
	// End sends the publisher away, with a reason in words for the encoder. It is called
	// from Run, at most once, and must not block.
	End func(reason string)
}

// Begin makes a session known; nil where the grant has no channel: nothing is kept then,
// and all methods of a nil Broadcast do nothing.
func (s *Service) Begin(x Start) (*Broadcast, error) {
	if x.Grant.Channel == uuid.Nil {
		return nil, nil
	}
	id, err := newID()
	if err != nil {
		return nil, err
	}
	if x.Carry != nil {
		id = x.Carry.ID
	}
	b := &Broadcast{ID: id, grant: x.Grant, channel: x.Grant.channel, end: x.End}
	b.now = SessionView{ID: id, Channel: x.Grant.Channel, State: Starting, Protocol: x.Protocol, Encoder: cleanEncoder(x.Encoder), Source: x.Source,
		Began: x.At.UTC().Truncate(time.Microsecond), node: s.node}
	b.setKey(x.Grant.Key)
	if x.Carry != nil {
		b.adopt(x.Carry, s.stamp())
	}
	b.wanted = 1
	s.air.mu.Lock()
	s.air.sessions[id] = b
	s.air.mu.Unlock()
	s.air.wake()
	return b, nil
}

func (a *air) wake() { poke(a.changed) }

func (a *air) all() []*Broadcast {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]*Broadcast, 0, len(a.sessions))
	for _, b := range a.sessions {
		out = append(out, b)
	}
	return out
}

func (b *Broadcast) setKey(key uuid.UUID) {
	b.now.key = nil
	if key != uuid.Nil {
		b.now.key = &key
	}
}

// change makes b.now what do makes of it, unless the session has ended.
func (b *Broadcast) change(s *Service, do func(v *SessionView)) {
	if b == nil {
		return
	}
	b.mu.Lock()
	if b.now.State != Ended {
		do(&b.now)
		b.wanted++
	}
	b.mu.Unlock()
	s.air.wake()
}

// Playable says that viewers can watch from now on.
func (s *Service) Playable(b *Broadcast) {
	b.change(s, func(v *SessionView) {
		if v.Started == nil {
			at := s.stamp()
			v.Started = &at
		}
		if v.State == Starting {
			v.State = OnAir
		}
	})
}

// Dropped says that the publisher is gone and waited for.
func (s *Service) Dropped(b *Broadcast) {
	b.change(s, func(v *SessionView) {
		v.State = Reconnecting
		b.lapse = s.stamp()
	})
}

// Returned says that a publisher is there again, with the grant of its key.
func (s *Service) Returned(b *Broadcast, g Grant) {
	b.change(s, func(v *SessionView) {
		b.setKey(g.Key)
		v.Stats.Reconnects++
		v.State = OnAir
		if v.Started == nil {
			v.State = Starting
			b.lapse = time.Time{} // nobody could watch: nothing was interrupted
		}
	})
}

// Finish says that the session is over, and why in words. The viewers' figures of stats
// are filled in here.
func (s *Service) Finish(b *Broadcast, reason string, stats Stats) {
	b.change(s, func(v *SessionView) {
		at := s.stamp()
		stats = b.sum(stats)
		v.State, v.Ended, v.Reason, v.Stats = Ended, &at, reason, stats
	})
}

// Info is what the list of streams shows of a session.
type Info struct {
	Session  uuid.UUID
	Channel  uuid.UUID
	Title    string
	Category string
	Tags     []string
	Mature   bool
	Listed   bool  // everybody may find it
	Viewers  int64 // at the moment
}

// Info is what is known of the channel and its viewers; of a nil Broadcast: listed,
// and nothing.
func (b *Broadcast) Info() Info {
	if b == nil {
		return Info{Listed: true}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := &b.channel
	return Info{Session: b.ID, Channel: b.grant.Channel, Title: c.Title, Category: c.Category, Tags: c.Tags, Mature: c.Mature,
		Listed: c.Visibility == Public, Viewers: b.viewers.present}
}

// Grant is what the session may do.
func (b *Broadcast) Grant() Grant {
	if b == nil {
		return Grant{}
	}
	return b.grant
}

// flush writes what has changed of all sessions; those that fail are tried again.
func (s *Service) flush(ctx context.Context) error {
	failed := s.flushRecordings(ctx)
	for _, b := range s.air.all() {
		if err := s.write(ctx, b); err != nil {
			failed = err
		}
	}
	return failed
}

// write brings one session's row and events up to what it is now.
func (s *Service) write(ctx context.Context, b *Broadcast) error {
	b.mu.Lock()
	v, wanted, lapse, adopts := b.now, b.wanted, b.lapse, b.adopts
	stale := b.written == wanted
	b.mu.Unlock()
	if stale {
		return nil
	}
	counts := b.Grant().Key != uuid.Nil // where anybody may publish, nothing is counted at the gate either
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		c, err := st.anyChannel(ctx, v.Channel)
		if err != nil && !missing(err) {
			return err
		}
		if c != nil {
			v.Title = c.Title
			b.mu.Lock()
			b.channel = *c
			b.mu.Unlock()
		}
		if adopts {
			if err := st.adopt(ctx, v); err != nil {
				return err
			}
		}
		// What events told is what the row says: an answer to a commit may get lost.
		told, err := s.opening(ctx, st, c, v, counts)
		if err != nil {
			return err
		}
		done, err := st.advance(ctx, v)
		if err != nil || !done || c == nil {
			return err
		}
		return s.tell(ctx, st, c, v, told, lapse)
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	b.written, b.adopts = wanted, false
	handed := b.handed && b.wanted == wanted
	if b.lapse.Equal(lapse) && v.Started != nil {
		b.lapse = time.Time{}
	}
	b.mu.Unlock()
	if v.State == Ended || handed {
		s.air.mu.Lock()
		delete(s.air.sessions, b.ID)
		if !handed {
			s.air.gone = append(s.air.gone, b)
		}
		s.air.mu.Unlock()
	}
	return nil
}

// opening writes the row of a session where it has none, and returns the last state that
// events told of; Starting: they told nothing. Whoever has too much on the air by now is
// sent away: at the gate others may have been let in at the same time.
func (s *Service) opening(ctx context.Context, st Store, c *Channel, v SessionView, counts bool) (told State, err error) {
	known, err := st.session(ctx, v.ID)
	switch {
	case err == nil && known.Started != nil:
		return known.State, nil
	case err == nil:
		return Starting, nil
	case !missing(err):
		return "", err
	}
	order := ""
	if counts && c != nil && c.Owner != nil {
		if _, err := st.countOwned(ctx, *c.Owner); err != nil { // holds the owner's row
			return "", err
		}
		n, err := st.onAir(ctx, *c.Owner, c.ID)
		if err != nil {
			return "", err
		}
		if n >= Concurrent {
			order = errConcurrent.Words
		}
	}
	return Starting, st.begin(ctx, v, order)
}

// tell emits what lies between the state that was told of last and now; also that the
// publisher dropped, when it has come back since. A session that viewers never could watch
// has no events.
func (s *Service) tell(ctx context.Context, st Store, c *Channel, v SessionView, told State, lapse time.Time) error {
	if v.Started == nil {
		return nil
	}
	var owner uuid.UUID
	if c.Owner != nil {
		owner = *c.Owner
	}
	if told == Starting {
		err := emit(ctx, st, event.StreamStarted{SessionID: v.ID, ChannelID: c.ID, OwnerID: owner, Name: c.Name, Title: c.Title, Public: c.Visibility == Public, StartedAt: *v.Started})
		if err != nil {
			return err
		}
	}
	if !lapse.IsZero() && told != Reconnecting {
		if err := emit(ctx, st, event.StreamReconnecting{SessionID: v.ID, ChannelID: c.ID, Name: c.Name, At: lapse}); err != nil {
			return err
		}
	}
	if v.State == Ended && told != Ended {
		return emit(ctx, st, event.StreamEnded{SessionID: v.ID, ChannelID: c.ID, OwnerID: owner, Name: c.Name, StartedAt: *v.Started, EndedAt: *v.Ended, Reason: v.Reason, Peak: v.Stats.Peak, Unique: v.Stats.Unique})
	}
	return nil
}
