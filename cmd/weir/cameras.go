package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"weir/ingest"
	"weir/ingest/rtsp"
	"weir/services/live/camera"
	"weir/services/outside"
)

const (
	camerasEvery  = time.Second      // how often it is looked which cameras to pull
	camerasWithin = 5 * time.Second  // for the database and Redis
	unwatched     = 30 * time.Second // after the last viewer a camera is pulled no more
	manyNames     = 10_000           // that viewers wait for are remembered, beside those of cameras
	leastPause    = time.Second      // between two tries, doubled up to mostPause
	mostPause     = time.Minute
	soundTime     = 30 * time.Second // a connection that lasted so long was no failure
)

// wrongCamera says what is wrong with a camera's address, or nothing.
func wrongCamera(url string) string {
	if err := rtsp.CheckURL(url); err != nil {
		return "is " + err.Error()
	}
	return ""
}

// cameras pulls the cameras of channels into this process.
type cameras struct {
	service *camera.Service
	node    string
	media   *mediaRole
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	log     *slog.Logger

	mu    sync.Mutex
	asked map[string]asked // names that are watched, or waited for

	now  map[uuid.UUID]*pulling // by channel; of run
	wait sync.WaitGroup
}

// asked is when a name was asked for last: by anybody, and by somebody with a pass; and
// when there was last a camera of that name.
type asked struct{ any, admitted, camera time.Time }

// pulling is one camera.
type pulling struct {
	order camera.Order
	stop  context.CancelCauseFunc // the cause is for the history of the channel
	done  chan struct{}           // closed when nothing is pulled any more

	mu     sync.Mutex
	status camera.CameraStatus
}

func newCameras(n *node, m *mediaRole) *cameras {
	guard := outside.Guard{Private: n.cfg.Told.CameraPrivate.Prefixes()}
	c := &cameras{
		service: n.cameras, node: n.live.Node(), media: m, log: n.log, asked: map[string]asked{}, now: map[uuid.UUID]*pulling{},
		dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := guard.Dialer().DialContext(ctx, network, address)
			if err != nil {
				return nil, rtsp.DialError{Words: outside.Words(err)}
			}
			return c, nil
		},
	}
	m.origin.Wanted = c.want
	return c
}

// want is told of viewers that wait for a name. It does not block. Whoever makes names up
// leaves room for those of cameras.
func (c *cameras) want(name string, admitted bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	a, known := c.asked[name]
	if !known && len(c.asked) >= manyNames {
		return
	}
	if a.any = now; admitted {
		a.admitted = now
	}
	c.asked[name] = a
}

// demand is who asked for the name of a camera lately.
func (c *cameras) demand(name string) (anybody, admitted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, now := c.asked[name], time.Now()
	a.camera = now
	c.asked[name] = a
	return now.Sub(a.any) < unwatched, now.Sub(a.admitted) < unwatched
}

// note remembers who watches what is pulled, and forgets what nobody asks for.
func (c *cameras) note() {
	for _, p := range c.media.pipelines.list() {
		info := p.session.live.Info()
		if _, ours := c.now[info.Channel]; ours && info.Viewers > 0 {
			c.want(p.stream.Name, true)
		}
	}
	c.forget(time.Now())
}

// forget drops the names that nobody asks for.
func (c *cameras) forget(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, a := range c.asked {
		if now.Sub(a.any) >= unwatched && now.Sub(a.camera) >= unwatched {
			delete(c.asked, name)
		}
	}
}

// run looks once a second until ctx ends, and returns when nothing is pulled any more.
func (c *cameras) run(ctx context.Context) {
	defer c.leave(ctx)
	chore{
		period: camerasEvery, log: c.log,
		fails: "changes of cameras wait for the database or Redis; what runs goes on",
		works: "changes of cameras count again",
	}.keep(ctx, c.look)
}

// leave lets other nodes have the cameras.
func (c *cameras) leave(ctx context.Context) {
	c.wait.Wait()
	if len(c.now) == 0 {
		return
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), camerasWithin)
	defer cancel()
	if err := c.service.Release(within, c.node); err != nil {
		c.log.Debug("other nodes get the cameras of this one only when its leases are over", "err", err)
	}
}

// look begins and ends what the rows and the viewers say, and tells how all of it does.
// What cannot be read changes nothing.
func (c *cameras) look(ctx context.Context) error {
	c.note()
	within, cancel := context.WithTimeout(ctx, camerasWithin)
	defer cancel()
	orders, err := c.service.Take(within, c.node, c.demand)
	if err == nil {
		c.follow(ctx, orders)
	}
	return errors.Join(err, c.service.Report(within, c.report()))
}

// follow makes what is pulled the same as orders. A camera whose row has changed is
// pulled anew when the old connection has ended, which is looked at the next time.
func (c *cameras) follow(ctx context.Context, orders []camera.Order) {
	wanted := map[uuid.UUID]bool{}
	for _, o := range orders {
		x := c.now[o.Channel]
		wanted[o.Channel] = x == nil || x.order.Version == o.Version
		if x == nil {
			c.begin(ctx, o)
		}
	}
	for id, x := range c.now {
		if !wanted[id] {
			x.stop(c.why(ctx, x, orders))
		}
		if over(x.done) {
			delete(c.now, id)
		}
	}
}

// why is the reason for which a camera is not pulled any more, or not as it is.
func (c *cameras) why(ctx context.Context, x *pulling, orders []camera.Order) error {
	if slices.ContainsFunc(orders, func(o camera.Order) bool { return o.Channel == x.order.Channel }) {
		return ingest.Refusal{Words: "the camera was changed"}
	}
	words, err := c.service.Why(ctx, x.order.Channel)
	if err != nil {
		words = "the camera is not fetched any more"
	}
	return ingest.Refusal{Words: words}
}

func (c *cameras) begin(ctx context.Context, o camera.Order) {
	x := &pulling{order: o, done: make(chan struct{})}
	ctx, x.stop = context.WithCancelCause(ctx)
	x.tell(camera.CameraStatus{State: "connecting", Tries: 1}) // it is reported before it runs
	c.now[o.Channel] = x
	c.wait.Go(func() {
		defer close(x.done)
		defer x.stop(nil)
		x.run(ctx, c)
	})
}

// run pulls again and again until ctx ends.
func (x *pulling) run(ctx context.Context, c *cameras) {
	pause, tries, why := leastPause, 0, ""
	for {
		tries++
		x.tell(camera.CameraStatus{State: "connecting", Tries: tries, Error: why})
		began := time.Now()
		err := rtsp.Pull(ctx, rtsp.Camera{
			URL: x.order.URL, User: x.order.User, Password: x.order.Password, Dial: c.dial, Log: c.log,
			Live: func() { x.tell(camera.CameraStatus{State: "live", Tries: tries}) },
			Open: func(ctx context.Context, via []string) (ingest.Hold, error) { return c.open(ctx, x.order.Channel, via) },
		})
		if ctx.Err() != nil || err == nil {
			return
		}
		if time.Since(began) > soundTime {
			pause = leastPause
		}
		if text := err.Error(); text != why {
			c.log.Warn("camera cannot be pulled, trying again", "stream", x.order.Name, "err", err)
			why = text
		}
		x.tell(camera.CameraStatus{State: "waiting", Tries: tries, Error: why})
		t := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // jitter is no secret
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		pause = min(2*pause, mostPause)
	}
}

// open gives a camera's stream its session.
func (c *cameras) open(ctx context.Context, channel uuid.UUID, via []string) (ingest.Hold, error) {
	if words := circles(channel, via); words != "" {
		return nil, ingest.Refusal{Words: words}
	}
	within, cancel := context.WithTimeout(ctx, camerasWithin)
	defer cancel()
	g, err := c.media.control.lend(within, channel)
	if err != nil {
		return nil, err
	}
	p, err := c.media.sessions.Join(within, g, ingest.Request{Protocol: "rtsp", Encoder: "camera", Via: via, Waits: true})
	if err != nil {
		return nil, err
	}
	return fetched{p, ctx}, nil
}

// fetched is a camera's hold on its session. Nobody says goodbye but this process, which
// knows why.
type fetched struct {
	*ingest.Publisher
	pulled context.Context // its cause is the reason
}

func (f fetched) Close(clean bool) {
	var own ingest.Refusal
	switch cause := context.Cause(f.pulled); {
	case !clean:
		f.Publisher.Close(false)
	case errors.As(cause, &own):
		f.Quit(own)
	default:
		f.Quit(ingest.ErrClosing)
	}
}

func (x *pulling) tell(s camera.CameraStatus) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s.Since = time.Now().UTC().Truncate(time.Millisecond)
	x.status = s
}

// report is how all cameras do.
func (c *cameras) report() map[uuid.UUID]camera.CameraStatus {
	all := map[uuid.UUID]camera.CameraStatus{}
	for id, x := range c.now {
		x.mu.Lock()
		all[id] = x.status
		x.mu.Unlock()
	}
	return all
}
