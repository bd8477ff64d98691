//go:build cgo

package transcode

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"weir/media"
	"weir/media/av"
	"weir/media/hub"
)

// queueLength is how many frames wait before each rung: enough to even out big
// frames, little enough that being late is noticed.
const queueLength = 6

// rung scales and encodes one rendition in a goroutine of its own, and hands the
// scaled frames on to the next smaller one. When it does not encode, frames pass
// it as they came.
type rung struct {
	job    *Job
	number int
	name   string
	in     chan picture
	next   *rung // nil for the smallest

	shed   atomic.Bool // by the load; carried out at the next frame
	active atomic.Bool
	frames atomic.Uint64
	bytes  atomic.Uint64
	lag    atomic.Int64 // time.Duration
	asked  atomic.Bool  // for a key frame

	// the rung's goroutine only
	stream        *hub.Stream
	dormant       bool // nothing is made until a forced boundary
	failed        bool
	told          bool // OnShed was told that it stops
	plan          *plan
	want          media.Rendition
	fits          bool
	track         *media.Track
	scaler        *av.Scaler
	encoder       *av.VideoEncoder
	paused        bool   // begins again with a boundary
	flight        []mark // of the frames in the encoder
	discontinuity bool   // to be told with the next packet
}

// open makes the stream live with the track of the encoder. That of a dormant
// rung is closed again, since it takes memory.
func (r *rung) open(p *plan) error {
	r.follow(p)
	if err := r.start(av.Signal{}, 0); err != nil {
		return err
	}
	if r.dormant {
		r.free()
		r.job.load.setIdle(r.number, true)
	} else {
		r.lead()
	}
	source := r.job.config.Stream
	id := media.StreamID(source.ID().Name() + "/" + r.name)
	s, err := r.job.config.Hub.Create(id, source.Epoch(), []*media.Track{r.track})
	if err != nil {
		return err
	}
	r.stream = s
	return nil
}

// lead says that nothing is passed through any more, if this is the top.
func (r *rung) lead() {
	if r.name == media.SourceName {
		r.job.load.setKeepOne(true)
	}
}

// follow takes the rendition out of the source's plan.
func (r *rung) follow(p *plan) {
	if p == r.plan {
		return
	}
	r.plan = p
	r.want, r.fits = p.wants[r.name]
}

// start opens the encoder for frames of that signal and duration.
func (r *rung) start(s av.Signal, duration media.Time) error {
	t, w := r.plan.track, r.want
	if w.FrameRate.Interval() == 0 && duration > 0 {
		w.FrameRate = rateOf(duration)
	}
	e, err := av.OpenVideoEncoder(av.VideoConfig{Width: w.Width, Height: w.Height, FrameRate: w.FrameRate, Bitrate: w.Bitrate,
		Signal: s.Or(av.UsualSignal(t.Width, t.Height))})
	if err != nil {
		return err
	}
	r.encoder, r.scaler = e, av.NewScaler(w.Width, w.Height)
	if r.track == nil || !sameTrack(r.track, e.Track()) {
		r.track = e.Track()
	}
	r.active.Store(true)
	return nil
}

// rateOf is the rate of frames of that duration, in lowest terms.
func rateOf(duration media.Time) media.Rational {
	a, b := media.Time(media.TicksPerSecond), duration
	for b != 0 {
		a, b = b, a%b
	}
	return media.Rational{Num: int(media.TicksPerSecond / a), Den: int(duration / a)}
}

func sameTrack(a, b *media.Track) bool {
	return a.Width == b.Width && a.Height == b.Height && a.FrameRate == b.FrameRate && slices.Equal(a.Config, b.Config)
}

// run takes frames until the queue is closed.
func (r *rung) run() {
	for p := range r.in {
		r.follow(p.plan)
		if r.wanted(p.mark) && p.frame != nil {
			r.picture(p)
		} else {
			r.discontinuity = r.discontinuity || p.mark.discontinuity
			r.forward(p)
		}
	}
	r.stop()
	if r.next != nil {
		close(r.next.in)
	}
}

// wanted tells whether a frame with such a mark is to be encoded, and tells the
// owner when that has changed.
func (r *rung) wanted(m mark) bool {
	if r.dormant {
		if m.boundary != media.ForcedBoundary {
			return false
		}
		r.wake()
	}
	on := r.fits && !r.failed && !r.shed.Load()
	if !on && r.encoder != nil {
		r.stop()
		r.paused = true
	}
	if on && r.paused && !isCut(m.boundary) {
		return false // not yet
	}
	r.paused = r.paused && !on
	if r.told == on {
		r.told = !on
		r.job.load.setIdle(r.number, !on && !r.shed.Load())
		r.job.config.OnShed(r.name, !on)
	}
	return on
}

// wake begins a dormant rung at a frame.
func (r *rung) wake() {
	r.dormant = false
	r.plan = r.job.plan(r.plan.track) // with the bit rate that was measured meanwhile
	r.want, r.fits = r.plan.wants[r.name]
	r.job.config.Log.Info("key frames are too far apart, the source is re-encoded from here", "rendition", r.name)
	r.job.load.setIdle(r.number, false)
	r.lead()
}

// forward hands a frame to the next rung, or frees it.
func (r *rung) forward(p picture) {
	if r.next != nil {
		r.next.in <- p
	} else if p.frame != nil {
		p.frame.Free()
	}
}

// picture scales a frame, hands the result on and encodes it.
func (r *rung) picture(p picture) {
	err := r.prepare(p)
	var scaled *av.Frame
	if err == nil {
		scaled, err = r.scaler.Scale(p.frame)
	}
	if err != nil {
		r.forward(p)
		r.fail(err)
		return
	}
	p.frame.Free()
	defer scaled.Free()
	if r.next != nil {
		r.next.in <- picture{frame: scaled.Ref(), mark: p.mark, plan: p.plan}
	}
	if err := r.encode(scaled, p.mark); err != nil {
		r.fail(err)
	}
}

// prepare sees to it that the encoder fits the frame.
func (r *rung) prepare(p picture) error {
	if r.encoder != nil {
		c := r.encoder.Config()
		unknown := r.want.FrameRate.Interval() == 0 && p.mark.duration > 0 && r.frames.Load() == 0 && r.encoder.Pending() == 0
		usual := av.UsualSignal(r.plan.track.Width, r.plan.track.Height)
		if c.Width == r.want.Width && c.Height == r.want.Height && !unknown && c.Signal == p.frame.Signal.Or(usual) {
			return nil
		}
		r.stop()
	}
	return r.start(p.frame.Signal, p.mark.duration)
}

func (r *rung) encode(f *av.Frame, m mark) error {
	m.discontinuity = m.discontinuity || r.discontinuity
	r.discontinuity = false
	if err := r.encoder.Send(f, r.asked.Swap(false) || m.key); err != nil {
		return err
	}
	r.flight = append(r.flight, m)
	return r.collect()
}

// collect writes what the encoder has ready to the stream.
func (r *rung) collect() error {
	for {
		p, err := r.encoder.Receive()
		if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m := r.flight[0]
		r.flight = r.flight[1:]
		out := &media.Packet{Track: r.track, DTS: p.PTS, PTS: p.PTS, Duration: m.duration, Key: p.Key,
			Discontinuity: m.discontinuity, Wall: m.wall, Data: p.Data}
		if isCut(m.boundary) {
			out.Boundary = media.KeyBoundary // there is a key frame now
		}
		r.stream.Write(out)
		r.frames.Add(1)
		r.bytes.Add(uint64(len(p.Data)))
		r.job.observe(r, m)
	}
}

// stop empties and closes the encoder, if there is one.
func (r *rung) stop() {
	if r.encoder == nil {
		return
	}
	err := r.encoder.Drain()
	if err == nil {
		err = r.collect()
	}
	if err != nil {
		r.job.config.Log.Warn("encoder does not end", "rendition", r.name, "err", err)
	}
	r.free()
}

func (r *rung) fail(err error) {
	r.job.config.Log.Error("rendition has failed", "rendition", r.name, "err", fmt.Errorf("transcode: %w", err))
	r.failed = true
	r.free()
	if !r.told {
		r.told = true
		r.job.load.setIdle(r.number, true)
		r.job.config.OnShed(r.name, true)
	}
}

func (r *rung) free() {
	if r.encoder != nil {
		r.encoder.Close()
		r.scaler.Close()
		r.encoder, r.scaler = nil, nil
	}
	r.flight = nil
	r.active.Store(false)
}

// close is called when the goroutine has ended, or was never begun.
func (r *rung) close() {
	r.free()
	if r.stream != nil {
		r.stream.Close()
	}
}
