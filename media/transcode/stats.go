//go:build cgo

package transcode

import (
	"sync/atomic"
	"time"

	"weir/media"
)

// Stats are the running totals of one rendition.
type Stats struct {
	Rendition string
	Frames    uint64 // packets, for sound
	Bytes     uint64
	Lag       time.Duration // of the newest packet behind its source packet's arrival
	Active    bool          // it is being encoded now
	Shed      bool          // left out for lack of time
}

// Stats reads the counters of all renditions, largest first, the sounds last.
func (j *Job) Stats() []Stats {
	var out []Stats
	for _, r := range j.rungs {
		out = append(out, Stats{Rendition: r.name, Frames: r.frames.Load(), Bytes: r.bytes.Load(),
			Lag: time.Duration(r.lag.Load()), Active: r.active.Load(), Shed: r.shed.Load()})
	}
	for _, s := range j.sounds {
		out = append(out, Stats{Rendition: s.name, Frames: s.frames.Load(), Bytes: s.bytes.Load(),
			Lag: time.Duration(s.lag.Load()), Active: true})
	}
	return out
}

// Making is which pictures are encoded now, and what of; the track is nil without one.
func (j *Job) Making() (source *media.Track, list []media.Rendition) {
	p := j.now.Load()
	if p == nil {
		return nil, nil
	}
	for _, r := range j.rungs {
		if want, ok := p.wants[r.name]; ok && r.active.Load() && !r.shed.Load() {
			list = append(list, want)
		}
	}
	return p.track, list
}

// Corrupt is the number of source packets that could not be decoded, and Dropped
// that of packets for which there was no time.
func (j *Job) Corrupt() uint64 { return j.corrupt.Load() }

// Dropped is the number of source packets that were lost for lack of time.
func (j *Job) Dropped() uint64 {
	if j.feed == nil {
		return 0
	}
	return j.feed.reader.Dropped()
}

// rate measures the source's bit rate over all that was seen.
type rate struct {
	bytes atomic.Int64
	span  atomic.Int64 // media.Time
}

func (r *rate) add(p *media.Packet) {
	if p.Duration > 0 {
		r.bytes.Add(int64(len(p.Data)))
		r.span.Add(int64(p.Duration))
	}
}

// bitrate is in bit/s, 0 until a second was seen.
func (r *rate) bitrate() int {
	span := media.Time(r.span.Load())
	if span < media.Second {
		return 0
	}
	return int(float64(r.bytes.Load()) * 8 / span.Seconds())
}
