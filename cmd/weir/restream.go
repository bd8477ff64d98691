package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/media/hub"
	"weir/packager/restream"
	"weir/services/live/target"
	"weir/services/outside"
)

const (
	restreamEvery  = time.Second     // how often targets are looked at
	restreamWithin = 5 * time.Second // for the database and Redis
)

// wrongTarget says what is wrong with a target's address, or nothing.
func wrongTarget(url string) string {
	if err := (restream.Target{URL: url}).Check(); err != nil {
		return "is " + err.Error()
	}
	return ""
}

// restreams sends the streams of this process on to the targets of their channels.
type restreams struct {
	targets *target.Service
	node    string
	streams func() map[uuid.UUID]outgoing // on the air here, by channel
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	log     *slog.Logger

	now  map[uuid.UUID]*restreaming // by target; of run
	wait sync.WaitGroup
}

// restreaming is one stream on its way to one target.
type restreaming struct {
	push    *restream.Push
	version int64 // of the target's row
	from    outgoing
	stop    context.CancelFunc
	done    chan struct{} // closed when nothing is sent any more
}

func newRestreams(n *node, m *mediaRole) *restreams {
	guard := outside.Guard{Private: n.cfg.Told.WebhookPrivate.Prefixes()}
	return &restreams{
		targets: n.targets, node: n.live.Node(), streams: m.ofChannels, log: n.log, now: map[uuid.UUID]*restreaming{},
		dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := guard.Dialer().DialContext(ctx, network, address)
			if err != nil {
				return nil, errors.New(outside.Words(err))
			}
			return c, nil
		},
	}
}

// outgoing is what can be sent on: a publisher's own stream, and where that was before.
type outgoing struct {
	stream *hub.Stream // nil: there is none
	via    []string
}

func (o outgoing) same(x outgoing) bool { return o.stream == x.stream && slices.Equal(o.via, x.via) }

// ofChannels are the publishers' own streams, by channel.
func (m *mediaRole) ofChannels() map[uuid.UUID]outgoing {
	all := map[uuid.UUID]outgoing{}
	for _, p := range m.pipelines.list() {
		if channel := p.session.live.Grant().Channel; channel != uuid.Nil && !over(p.source.Done()) {
			all[channel] = outgoing{p.source, m.control.via(p.session.desk)}
		}
	}
	return all
}

// over tells whether a channel that nobody sends on is closed.
func over(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// run looks once a second until ctx ends, and returns when nothing is sent any more.
func (r *restreams) run(ctx context.Context) {
	defer r.wait.Wait()
	chore{
		period: restreamEvery, log: r.log,
		fails: "changes of restreams wait for the database or Redis; what runs goes on",
		works: "changes of restreams count again",
	}.keep(ctx, r.look)
}

// look begins and ends what the rows say, and tells how all of it does. What cannot be
// read changes nothing.
func (r *restreams) look(ctx context.Context) error {
	streams := r.streams()
	if len(streams) == 0 && len(r.now) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, restreamWithin)
	defer cancel()
	orders, err := r.targets.Wanted(within, r.node)
	if err == nil {
		r.follow(ctx, orders, streams)
	}
	return errors.Join(err, r.targets.Report(within, r.report()))
}

// follow makes what is sent the same as orders. A target whose row or stream has changed,
// or the way that the stream came, gets the new one when the old one has ended, which is
// looked at the next time.
func (r *restreams) follow(ctx context.Context, orders []target.Order, streams map[uuid.UUID]outgoing) {
	wanted := map[uuid.UUID]bool{}
	for _, o := range orders {
		from, x := streams[o.Channel], r.now[o.ID]
		switch {
		case from.stream == nil:
		case x == nil:
			wanted[o.ID] = true
			r.begin(ctx, o, from)
		default:
			wanted[o.ID] = x.version == o.Version && x.from.same(from)
		}
	}
	for id, x := range r.now {
		if !wanted[id] {
			x.stop()
		}
	}
}

func (r *restreams) begin(ctx context.Context, o target.Order, from outgoing) {
	x := &restreaming{version: o.Version, from: from, done: make(chan struct{})}
	to := restream.Target{URL: o.URL, Key: o.Key, Via: marksOf(from.via, o.Channel)}
	x.push = restream.New(restream.Config{Stream: from.stream, Target: to, Dial: r.dial, Log: r.log})
	ctx, x.stop = context.WithCancel(ctx)
	r.now[o.ID] = x
	r.wait.Go(func() {
		defer close(x.done)
		defer x.stop()
		x.push.Run(ctx)
	})
}

// report is how all targets do. Those that have ended are told of for the last time.
func (r *restreams) report() map[uuid.UUID]target.TargetStatus {
	all := map[uuid.UUID]target.TargetStatus{}
	for id, x := range r.now {
		if over(x.done) {
			delete(r.now, id)
		}
		s := x.push.Status()
		all[id] = target.TargetStatus{State: string(s.State), Since: s.Since.UTC(), Bytes: s.Bytes, Bitrate: s.Bitrate, Dropped: s.Dropped, Tries: s.Tries, Error: s.Error, Note: s.Note}
	}
	return all
}
