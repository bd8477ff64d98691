package whep

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/ring"
	"weir/media/rtc"
)

const (
	settling   = 50 * time.Millisecond  // between two looks while something is missing
	settled    = 250 * time.Millisecond // and when all is there
	reportRTCP = time.Second
	reportSeen = time.Second
	giveUpNext = 5 * time.Second // on a picture that has no key frame
)

// queue bounds what waits for one viewer's connection: a second or two.
func queue() ring.Limits { return ring.Limits{Items: 256, Bytes: 4 << 20} }

// viewer is one connection. Its run owns it; push is called by the writers of streams.
type viewer struct {
	handler *Handler
	channel *channel
	rtc.Session
	watching func() error // counts the viewer; its error is the end
	stood    func()       // to be called when connected
	out      *rtc.Outlet
	tracks   map[media.Kind]*track
	queue    *ring.Ring[*frame]
	up       chan struct{} // closed when connected
	over     chan struct{} // closed when it has to go
	once     [2]sync.Once

	mu      sync.Mutex
	picture *feed // what is sent; nil before the first
	next    *feed // what is sent from its next key frame on; nil: no change
	since   time.Time
	sound   *feed

	// of run alone
	steer  steer
	holds  map[string]bool
	losses uint64
}

// push is called by the writer of a feed; it never blocks.
func (v *viewer) push(f *frame) {
	v.queue.Push(f, f.size, f.key && (f.feed.kind == media.Video || v.tracks[media.Video] == nil))
}

// leave makes the viewer go. It may be called from anywhere, more than once.
func (v *viewer) leave() { v.once[1].Do(func() { close(v.over) }) }

// state is called by pion.
func (v *viewer) state(s webrtc.PeerConnectionState) {
	switch s {
	case webrtc.PeerConnectionStateConnected:
		v.once[0].Do(func() { close(v.up) })
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		v.leave()
	}
}

// run serves the viewer from the answer to the end.
func (v *viewer) run(ctx context.Context, senders []*webrtc.RTPSender) {
	var wait sync.WaitGroup
	for _, s := range senders {
		wait.Go(func() { defer v.survive(); v.out.Listen(s, v.wantKey) })
	}
	defer v.survive()
	defer func() {
		v.queue.Close()
		v.detach()
		v.out.Close()
		wait.Wait()
	}()
	half := time.NewTimer(v.handler.cfg.HalfOpen)
	defer half.Stop()
	select {
	case <-v.up:
		v.stood()
	case <-half.C:
		return
	case <-v.over:
		return
	case <-ctx.Done():
		return
	case <-v.channel.source.Done():
		return
	}
	v.handler.cfg.Log.Debug("viewer connected", "stream", v.channel.name)
	wait.Go(func() { defer v.survive(); v.pump(ctx) })
	v.watch(ctx)
}

// survive is deferred by each goroutine of a viewer: a panic there ends this viewer alone.
func (v *viewer) survive() {
	if what := recover(); what != nil {
		v.handler.cfg.Log.Error("viewer failed", "stream", v.channel.name, "err", fmt.Sprint(what), "stack", string(debug.Stack()))
		v.leave()
	}
}

// watch keeps the viewer's feeds right until something ends it.
func (v *viewer) watch(ctx context.Context) {
	var reported, seen time.Time
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-v.over:
			return
		case <-ctx.Done():
			return
		case <-v.channel.source.Done():
			return
		}
		now := time.Now()
		if now.Sub(seen) >= reportSeen {
			seen = now
			if v.watching() != nil {
				return // it may watch no longer
			}
		}
		if now.Sub(reported) >= reportRTCP && v.report(now) {
			reported = now
		}
		if v.settle(now) {
			t.Reset(settled)
		} else {
			t.Reset(settling)
		}
	}
}

// report sends sender reports, and tells whether all tracks had one.
func (v *viewer) report(now time.Time) bool {
	var all []rtcp.Packet
	for _, t := range v.tracks {
		if r := t.report(v.channel.source.Epoch(), now); r != nil {
			all = append(all, r)
		}
	}
	if len(all) > 0 {
		_ = v.out.PC.WriteRTCP(all) // it fails when the connection does
	}
	return len(all) == len(v.tracks)
}

// settle chooses the feeds, and tells whether there is one for each track.
func (v *viewer) settle(now time.Time) bool {
	done := true
	if v.tracks[media.Audio] != nil {
		done = v.settleSound()
	}
	if v.tracks[media.Video] != nil {
		done = v.settlePicture(now) && done
	}
	return done
}

func (v *viewer) settleSound() bool {
	s, missing := v.channel.sound()
	v.hold(SoundName, missing)
	if s == nil {
		return false
	}
	f := v.channel.feed(s, media.Audio)
	v.mu.Lock()
	old := v.sound
	v.sound = f
	v.mu.Unlock()
	if old != f {
		if old != nil {
			old.leave(v)
		}
		f.join(v)
	}
	return true
}

func (v *viewer) settlePicture(now time.Time) bool {
	options, none := v.channel.options(now)
	v.mu.Lock()
	picture, next, since := v.picture, v.next, v.since
	v.mu.Unlock()
	if none || len(options) > 0 {
		v.hold(PictureName, none)
	}
	if lost := v.queue.Dropped(); lost != v.losses {
		v.losses = lost
		if picture != nil {
			picture.wantKey()
		}
	}
	if next != nil && now.Sub(since) < giveUpNext {
		return picture != nil
	}
	var current media.StreamID
	if picture != nil {
		current = picture.stream.ID()
	}
	at := v.steer.pick(options, current, link{v.out.Rate(), v.out.Congested()}, now)
	if at < 0 {
		v.change(nil, now)
		return false
	}
	f := v.channel.feed(options[at].stream, media.Video)
	if f == picture {
		f = nil
	}
	v.change(f, now)
	return picture != nil
}

// change makes f what comes next; nil leaves things as they are.
func (v *viewer) change(f *feed, now time.Time) {
	v.mu.Lock()
	old := v.next
	v.next, v.since = f, now
	v.mu.Unlock()
	if old == f {
		return
	}
	if old != nil {
		old.leave(v)
	}
	if f != nil {
		f.join(v)
		f.wantKey()
	}
}

// hold has the channel make something, or not.
func (v *viewer) hold(what string, wanted bool) {
	if v.holds[what] == wanted {
		return
	}
	v.holds[what] = wanted
	if wanted {
		v.channel.hold(what)
	} else {
		v.channel.release(what)
	}
}

// detach leaves everything.
func (v *viewer) detach() {
	v.mu.Lock()
	feeds := []*feed{v.picture, v.next, v.sound}
	v.picture, v.next, v.sound = nil, nil, nil
	v.mu.Unlock()
	for _, f := range feeds {
		if f != nil {
			f.leave(v)
		}
	}
	for what := range v.holds {
		v.hold(what, false)
	}
}

// pump sends what is queued until the connection ends.
func (v *viewer) pump(ctx context.Context) {
	for {
		f, err := v.queue.Pull(ctx)
		if err != nil {
			return
		}
		if f.feed.kind == media.Video && !v.turn(f) {
			continue
		}
		v.out.Burst.Hold()
		err = v.tracks[f.feed.kind].send(f)
		v.out.Burst.Send()
		if err != nil {
			v.leave()
			return
		}
		v.handler.cfg.Sent(time.Since(f.came))
	}
}

// turn tells whether a picture is to be sent, and carries out a change of feeds.
func (v *viewer) turn(f *frame) bool {
	v.mu.Lock()
	if f.feed != v.next || !f.key {
		mine := f.feed == v.picture
		v.mu.Unlock()
		return mine
	}
	old := v.picture
	v.picture, v.next = v.next, nil
	v.mu.Unlock()
	if old != nil {
		old.leave(v)
	}
	return true
}

// wantKey asks for a key frame of the picture that is sent.
func (v *viewer) wantKey() {
	v.mu.Lock()
	f := v.picture
	v.mu.Unlock()
	if f != nil {
		f.wantKey()
	}
}
