//go:build cgo

package transcode

import (
	"context"
	"errors"
	"io"

	"weir/media"
	"weir/media/av"
	"weir/media/hub"
)

// picture travels down the chain of rungs. The frame belongs to who has it.
type picture struct {
	frame *av.Frame // nil: only look whether you are still wanted
	mark  mark
	plan  *plan
}

// feed reads the source's packets, decodes them and gives the frames to the
// first rung. All but close belongs to one goroutine.
type feed struct {
	job     *Job
	reader  *hub.Reader
	plan    *plan
	decoder *av.Decoder
	marks   marks
	seek    bool       // leave packets out until a key frame
	resting bool       // no rung wants frames
	deaf    *plan      // there is no decoder for its track; said already
	dropped uint64     // of the reader, when last looked
	last    media.Time // PTS of the newest frame, where there was one
	begun   bool
}

func newFeed(j *Job, r *hub.Reader) *feed {
	j.now.Store(j.first)
	return &feed{job: j, reader: r, plan: j.first, seek: true}
}

func (f *feed) run(ctx context.Context) error {
	defer close(f.job.rungs[0].in)
	for {
		p, err := f.reader.Read(ctx)
		if err != nil {
			f.drain()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if p.Track.Kind == media.Video {
			f.packet(p)
		}
	}
}

func (f *feed) packet(p *media.Packet) {
	f.job.rate.add(p)
	f.job.observe(nil, mark{})
	if lost := f.reader.Dropped(); lost != f.dropped {
		f.dropped = lost
		f.drain()
	}
	if p.Track != f.plan.track {
		f.drain()
		f.plan = f.job.plan(p.Track)
		f.job.now.Store(f.plan)
	}
	if p.Discontinuity {
		f.drain()
		f.marks.restart()
		f.begun = false
	}
	f.marks.add(p)
	if !f.job.wantsFrames() {
		f.rest()
		return
	}
	f.resting = false
	if f.seek && !p.Key {
		return
	}
	if err := f.decode(p); err != nil {
		f.job.corrupt.Add(1)
		f.seek = true
	}
}

// rest stops decoding, and lets the rungs see that they are not wanted: without
// frames they would not look.
func (f *feed) rest() {
	if f.resting {
		return
	}
	f.drain()
	f.resting = true
	f.job.rungs[0].in <- picture{plan: f.plan}
}

// decode hands one packet to the decoder and passes on what comes out.
func (f *feed) decode(p *media.Packet) error {
	if f.decoder == nil {
		d, err := av.OpenDecoder(p.Track)
		if err != nil {
			if f.deaf != f.plan {
				f.deaf = f.plan
				f.job.config.Log.Warn("no decoder for the source", "err", err)
			}
			return err
		}
		f.decoder = d
	}
	f.seek = false
	if err := f.decoder.Send(p.Data, p.PTS); err != nil {
		return err
	}
	return f.pass()
}

// pass gives the decoder's frames to the first rung. It waits while that is busy.
func (f *feed) pass() error {
	for {
		frame, err := f.decoder.Receive()
		if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if f.begun && frame.PTS <= f.last {
			frame.Free() // out of order: encoders and viewers need ascending times
			continue
		}
		f.begun, f.last = true, frame.PTS
		f.job.rungs[0].in <- picture{frame: frame, mark: f.marks.take(frame.PTS), plan: f.plan}
	}
}

// drain empties and closes the decoder. The next packet has to be a key frame.
func (f *feed) drain() {
	f.seek = true
	if f.decoder == nil {
		return
	}
	if err := f.decoder.Drain(); err == nil {
		if err := f.pass(); err != nil {
			f.job.corrupt.Add(1)
		}
	}
	f.decoder.Close()
	f.decoder = nil
}

func (f *feed) close() {
	f.reader.Close()
	if f.decoder != nil {
		f.decoder.Close()
		f.decoder = nil
	}
}

// wantsFrames tells whether any rung may have a use for a frame now.
func (j *Job) wantsFrames() bool {
	for _, r := range j.rungs {
		if !r.shed.Load() {
			return true
		}
	}
	return false
}
