package main

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"weir/ingest"
	"weir/media/hub"
	"weir/services/live"
	"weir/services/live/place"
)

// control is where publishers and streams of this process meet the live-service: it
// asks who may publish, and tells what becomes of each session.
type control struct {
	live *live.Service
	open bool // WEIR_PUBLISH=open: the key is the name
	// takeover: a second publisher replaces the first, whoever's channel it is.
	takeover bool
	log      *slog.Logger
	// end sends the publisher of a name away.
	end func(name string, reason error)
	// place keeps a name from being on the air twice; nil where no other process can be.
	place *place.Table
	// leaving: this process is about to end, and others take publishers.
	leaving atomic.Bool
	// capacity, where streams that find no room are refused, says whether there is; else nil.
	capacity *capacity
	// checkpoints are what streams leave to other processes.
	checkpoints *checkpoints

	mu    sync.Mutex
	names map[string]*desk // of publishers that joined and sessions that have not ended
}

// desk is what is known of a name in this process.
type desk struct {
	grant  live.Grant
	from   live.Attempt    // of the publisher, without its key
	named  string          // what the publisher calls itself
	scheme string          // of the address that it called, if it can be given another one
	sent   bool            // another node sent it here
	via    []string        // where its stream was before, see circle.go
	now    *live.Broadcast // nil before the first packet, and where nothing is kept
	reason error           // why it ended
	waits  bool            // its publisher is gone and waited for
	parted bool            // its stream goes on elsewhere
}

var (
	_ ingest.Gate    = (*control)(nil)
	_ ingest.Watcher = (*control)(nil)
)

// Publish asks the live-service.
func (c *control) Publish(ctx context.Context, r ingest.Request) (ingest.Grant, error) {
	if c.leaving.Load() {
		return ingest.Grant{}, c.elsewhere(r.Scheme, 0, true, ingest.ErrMoved)
	}
	a := attemptOf(r)
	a.Key = r.Key
	if p := r.Proof; p != nil {
		a.Proof = &live.Proof{Name: p.Name, User: p.User, SHA256: p.SHA256, Rest: p.Rest, Response: p.Response}
	}
	admit := c.live.Admit
	if c.open {
		admit = c.live.AdmitOpen
	}
	g, err := admit(ctx, a)
	var refused *live.Refusal
	switch {
	case errors.Is(err, live.ErrDenied):
		return ingest.Grant{}, ingest.ErrDenied
	case errors.As(err, &refused):
		return ingest.Grant{}, ingest.Refusal{Words: refused.Words}
	case err != nil:
		return ingest.Grant{}, err
	}
	if err := c.unlock(ctx, r, g); err != nil {
		return ingest.Grant{}, err
	}
	if words := circles(g.Channel, r.Via); words != "" {
		c.live.NoteRefusal(ctx, g.Channel, attemptOf(r), "circle", words)
		return ingest.Grant{}, ingest.Refusal{Words: words}
	}
	if err := c.spread(r, g.Name); err != nil {
		return ingest.Grant{}, err
	}
	if err := c.claim(ctx, g); err != nil {
		return ingest.Grant{}, err
	}
	c.mu.Lock()
	here := c.names[g.Name] != nil
	c.mu.Unlock()
	if !here {
		c.checkpoints.find(ctx, g)
	}
	return ingest.Grant{Name: g.Name, Takeover: g.Takeover, Detail: g}, nil
}

// unlock gives the protocol the passphrase of the channel. That the publisher does not
// encrypt with it is kept for the owner.
func (c *control) unlock(ctx context.Context, r ingest.Request, g live.Grant) error {
	if r.Unlock == nil {
		return nil
	}
	err := r.Unlock(g.Passphrase)
	if err != nil && g.Channel != uuid.Nil {
		c.live.NoteRefusal(ctx, g.Channel, attemptOf(r), "bad_passphrase", err.Error())
	}
	return err
}

// lend is Publish for what weir fetches itself for a channel.
func (c *control) lend(ctx context.Context, channel uuid.UUID) (ingest.Grant, error) {
	g, err := c.live.AdmitChannel(ctx, channel)
	var refused *live.Refusal
	if errors.As(err, &refused) {
		return ingest.Grant{}, ingest.Refusal{Words: refused.Words}
	}
	if err == nil {
		err = c.claim(ctx, g)
	}
	return ingest.Grant{Name: g.Name, Takeover: g.Takeover, Detail: g}, err
}

// attemptOf is the publisher without its key.
func attemptOf(r ingest.Request) live.Attempt {
	a := live.Attempt{Protocol: r.Protocol}
	if ap, err := netip.ParseAddrPort(r.Peer); err == nil {
		a.Address = ap.Addr()
	}
	return a
}

// TurnedAway is ingest.Watcher: the owner finds it among the refusals.
func (c *control) TurnedAway(ctx context.Context, g ingest.Grant, r ingest.Request, reason error) {
	if grant, _ := g.Detail.(live.Grant); grant.Channel != uuid.Nil {
		ctx, cancel := context.WithTimeout(ctx, noteWithin)
		defer cancel()
		c.live.NoteRefusal(ctx, grant.Channel, attemptOf(r), "busy", reason.Error())
	}
}

// Joined is ingest.Watcher.
func (c *control) Joined(g ingest.Grant, r ingest.Request) {
	grant, _ := g.Detail.(live.Grant) // Publish put it there
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.place != nil {
		c.place.Hold(g.Name)
	}
	d := c.names[g.Name]
	if d == nil {
		c.names[g.Name] = &desk{grant: grant, from: attemptOf(r), named: nameOf(r.Encoder), scheme: r.Scheme, sent: r.Sent, via: r.Via}
		return
	}
	d.grant, d.from, d.named, d.waits, d.scheme, d.sent, d.via = grant, attemptOf(r), nameOf(r.Encoder), false, r.Scheme, r.Sent, r.Via
	c.live.Returned(d.now, grant)
}

// Introduced is ingest.Watcher.
func (c *control) Introduced(name, encoder string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.names[name]; d != nil {
		d.named = nameOf(encoder)
	}
}

// nameOf bounds what is kept of an encoder's own words; the live-service cleans it.
func nameOf(encoder string) string { return encoder[:min(len(encoder), 400)] }

// encoder is what the publisher of a session calls itself.
func (c *control) encoder(d *desk) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return d.named
}

// Dropped is ingest.Watcher.
func (c *control) Dropped(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.names[name]; d != nil {
		d.waits = true
		c.live.Dropped(d.now)
	}
}

// Ended is ingest.Watcher.
func (c *control) Ended(name string, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.names[name]
	delete(c.names, name)
	if d != nil {
		d.reason = reason
		if d.parted {
			return // when its last segment is closed
		}
	}
	c.checkpoints.end(name)
	if c.place != nil {
		c.place.Release(name)
	}
}

// session is one stream of the hub, from its first packet to its last.
type session struct {
	desk *desk
	live *live.Broadcast // nil: nothing is kept of it
}

// begin makes a stream known to the live-service, if its channel allows such a picture;
// else the error is an ingest.Refusal.
// from is what another process left of it.
func (c *control) begin(s *hub.Stream, from *checkpoint) (session, error) {
	name := s.ID().Name()
	c.mu.Lock()
	d := c.names[name]
	if d == nil {
		c.mu.Unlock()
		return session{desk: &desk{}}, nil // its session ended in this moment
	}
	if words := tooMuch(d.grant.Limits, s.Tracks()); words != "" {
		c.mu.Unlock()
		return session{}, c.refuse(context.Background(), d, "limit", words)
	}
	defer c.mu.Unlock()
	var carry *live.Carry
	if from != nil {
		carry = from.Session
	}
	b, err := c.live.Begin(live.Start{
		Carry: carry,
		Grant: d.grant, Protocol: d.from.Protocol, At: s.Epoch(), Encoder: d.named, Source: sourceOf(s.Tracks()),
		End: func(reason string) { c.end(name, ingest.Refusal{Words: reason}) },
	})
	d.now = b
	return session{desk: d, live: b}, err
}

// noteWithin bounds how long a publisher waits for its refusal to be kept.
const noteWithin = 2 * time.Second

// refuse keeps for the owner why a publisher is sent away, and returns that for it.
func (c *control) refuse(ctx context.Context, d *desk, code, words string) error {
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	c.mu.Lock()
	channel, from := d.grant.Channel, d.from
	c.mu.Unlock()
	c.live.NoteRefusal(ctx, channel, from, code, words)
	return ingest.Refusal{Words: words}
}

// finish says that a stream is over.
func (c *control) finish(s session, stats live.Stats) {
	c.mu.Lock()
	reason := s.desk.reason
	c.mu.Unlock()
	words := "the encoder began to send something else: another stream followed"
	if reason != nil { // else the session goes on
		words = reason.Error()
	}
	c.live.Finish(s.live, words, stats)
}

// totals are the figures of a stream so far.
func totals(source *hub.Stream, lag time.Duration) live.Stats {
	st := source.Stats()
	stats := live.Stats{Bytes: int64(st.Bytes), Frames: int64(st.Frames), Dropped: int64(st.Dropped), Lag: lag.Seconds(), Bitrate: int64(bitrate(source))} //nolint:gosec // far below 2^63
	if d := (st.Last - st.First).Seconds(); d > 0 {
		stats.FPS = float64(st.Frames) / d
	}
	return stats
}

// reportEvery is how often the live-service hears of streams and who watches them.
const reportEvery = 2 * time.Second

// report tells the live-service of streams and their viewers until ctx ends.
func (m *mediaRole) report(ctx context.Context) {
	every(ctx, reportEvery, func() {
		all := m.pipelines.list()
		for _, p := range all {
			now := time.Now()
			p.noteLag()
			m.measure(p, now)
			m.pipelines.bound(p)
			if words := p.beyond(now); words != "" {
				m.end(p.stream.Name, m.control.refuse(ctx, p.session.desk, "limit", words))
			}
		}
		m.pipelines.measureWork()
		m.warnApart()
		m.endKeyless(ctx, time.Now())
		m.tellViewers(ctx, all)
	})
}

// keylessFor is how long a publisher may send without a key frame: the log says after
// some seconds that viewers cannot begin.
const keylessFor = time.Minute

// endKeyless sends publishers away that nobody could ever watch; their owners find it
// among the refusals, since there is no stream whose health could tell.
func (m *mediaRole) endKeyless(ctx context.Context, now time.Time) {
	for _, s := range m.sessions.Live() {
		if s.Waits(now) < keylessFor {
			continue
		}
		m.control.mu.Lock()
		d := m.control.names[s.Name()]
		m.control.mu.Unlock()
		if d != nil {
			s.End(m.control.refuse(ctx, d, "no_key_frame", "no key frame came in a minute, so nobody could watch: set a key frame interval of 1 or 2 s in the encoder"))
		}
	}
}

// tellViewers gives Redis no longer than until the next report. Viewers that it was not
// told of are counted by their next request.
func (m *mediaRole) tellViewers(ctx context.Context, all []*pipeline) {
	within, cancel := context.WithTimeout(ctx, reportEvery/2)
	defer cancel()
	for _, p := range all {
		err := m.control.live.Seen(within, p.session.live, p.stream.Audience.Take())
		if err != nil && ctx.Err() == nil {
			m.log.Debug("viewers are not told", "stream", p.stream.Name, "err", err)
			return
		}
	}
}

// noteLag remembers how far the ladder was behind at most.
func (p *pipeline) noteLag() {
	if p.job == nil {
		return
	}
	for _, st := range p.job.Stats() {
		if lag := int64(st.Lag); !st.Shed && lag > p.lag.Load() {
			p.lag.Store(lag)
		}
	}
}
