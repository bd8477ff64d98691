package packager

import (
	"slices"

	"weir/media"
	"weir/packager/cmaf"
	"weir/packager/window"
)

// rendition builds the segments of one track of the stream. All its methods are
// called under the packager's lock.
type rendition struct {
	p     *Packager
	track *window.Track
	scale int64 // CMAF time scale

	source  *media.Track // how the packets of the open segment are decoded
	refused *media.Track // that no initialisation segment can be made of
	init    int          // index of the initialisation segment in force, -1 before the first
	inits   int          // index of the first one
	first   uint64       // MSN of the first segment
	open    bool         // a segment is open
	msn     uint64       // of the open segment, or of the one to open next
	at      media.Time   // where the open segment begins
	end     media.Time   // of the segment before it
	started bool
	starved bool // nothing came for the open segment until its key frame was missed
	shed    bool

	parts  int  // of the open segment
	passes bool // the publisher's own packets: a forced cut has no key frame

	held    *media.Packet // its duration is not known yet
	part    []*media.Packet
	dur     media.Time
	seq     uint32
	samples []cmaf.Sample
	pending []*media.Packet // beyond what the cuts are known for

	bytes   uint64
	dropped uint64
	peak    int // highest segment bit rate so far
	total   media.Time
}

// maxPending bounds the packets that wait for the leading track: 20 s of audio.
const maxPending = 1000

// take accepts the next packet of the rendition in decode order.
func (r *rendition) take(pkt *media.Packet) {
	if len(r.pending) > 0 || pkt.DTS >= r.p.cuts.horizon {
		if len(r.pending) >= maxPending {
			r.pending = r.pending[1:]
			r.dropped++
		}
		r.pending = append(r.pending, pkt)
		return
	}
	r.add(pkt)
}

// release adds the waiting packets whose segment is certain by now.
func (r *rendition) release() {
	n := 0
	for n < len(r.pending) && r.pending[n].DTS < r.p.cuts.horizon {
		r.add(r.pending[n])
		r.pending[n] = nil
		n++
	}
	r.pending = r.pending[n:]
	if len(r.pending) == 0 {
		r.pending = nil
	}
}

// add puts a packet into the segment that it belongs to.
func (r *rendition) add(pkt *media.Packet) {
	r.settle(pkt.DTS)
	r.advance(pkt.DTS)
	if !r.admit(pkt) {
		r.dropped++
		return
	}
	if pkt.Duration == 0 {
		r.held = pkt
		return
	}
	r.append(pkt, pkt.Duration)
}

// settle gives the held packet the duration that the next one's time implies.
func (r *rendition) settle(next media.Time) {
	h := r.held
	if h == nil {
		return
	}
	r.held = nil
	d := next - h.DTS
	if d <= 0 || d > media.Second {
		d = r.p.cfg.Frame
	}
	r.append(h, d)
}

// advance closes segments until the one that holds time at is open or next.
func (r *rendition) advance(at media.Time) {
	if !r.started {
		r.started = true
		r.msn = r.p.cuts.base
	}
	for r.msn+1 < r.p.cuts.next() && r.p.cuts.get(r.msn+1).at-slop <= at {
		r.close()
	}
}

// close completes the segment msn, as a gap when nothing came for it.
func (r *rendition) close() {
	if !r.open {
		c := r.p.cuts.get(r.msn)
		at := c.at
		if !c.discontinuity {
			at = max(at, r.end) // the last frame may have reached beyond the cut
		}
		r.start(max(r.init, r.inits), at, true)
	}
	r.stretch(r.p.cuts.get(r.msn + 1))
	r.flush(!r.track.Further) // a sound that stopped and comes back is as long as the others
	if r.open {
		r.finish(r.track.Close(r.length()))
	}
}

// length is how long the open segment is to be, whose successor is known.
func (r *rendition) length() media.Time {
	return r.p.cuts.length(r.msn) - (r.at - r.p.cuts.get(r.msn).at)
}

// stretch lets the last frame last until the next segment begins where the publisher's
// H.265 leaves a hole in the decode times: its second key frame is the first that is
// decoded before pictures that are shown before it (open GOPs).
func (r *rendition) stretch(next cutPoint) {
	n := len(r.part)
	if n == 0 || !r.passes || next.discontinuity || r.source.Codec != media.H265 {
		return
	}
	hole := next.at - r.part[n-1].DTS - r.samples[n-1].Duration
	if hole > slop && r.dur+hole <= r.p.cfg.PartTarget+slop {
		r.samples[n-1].Duration += hole
		r.dur += hole
	}
}

// finish hands the closed segment to storage.
func (r *rendition) finish(s *window.Segment) {
	r.open, r.end = false, s.End()
	r.msn++
	if d := s.Duration; !s.Gap && d > 0 {
		rate := int(s.Size() * 8 * media.TicksPerSecond / int64(d))
		if !s.Mini {
			r.peak = max(r.peak, rate)
		}
	}
	r.p.stored(r, s)
}

// start opens the segment msn in the window.
func (r *rendition) start(init int, at media.Time, key bool) {
	c := r.p.cuts.get(r.msn)
	r.open, r.starved, r.parts, r.at = true, false, 0, at
	if r.p.cfg.From != nil && r.msn == r.first {
		r.track.Miss(r.p.behind(r.track.Name, at))
	}
	r.track.Open(window.Segment{MSN: r.msn, Start: at, Discontinuity: c.discontinuity, Key: key, Mini: c.mini || r.msn == r.first, Init: init})
}

// admit opens the segment if need be and says whether the packet can be in it.
func (r *rendition) admit(pkt *media.Packet) bool {
	if r.open {
		return !r.starved && pkt.Track == r.source
	}
	c := r.p.cuts.get(r.msn)
	if pkt.DTS < c.at-slop {
		return false // before the first cut
	}
	if r.track.Further && pkt.DTS > c.at+lateStart {
		return false // it begins, or comes back, with the next one
	}
	fresh := pkt.Track != r.source
	if (fresh || r.starved) && !pkt.Key {
		return false
	}
	if pkt.Track.Kind == media.Video && !pkt.Key && !c.mini && !r.passes {
		r.starved = true // the key frame that the cut asks for was lost
		return false
	}
	r.starved = false
	if fresh {
		if !r.setTrack(pkt.Track) {
			return false
		}
	}
	r.start(r.init, pkt.DTS, pkt.Key)
	return true
}

// setTrack makes the initialisation segment of new parameters.
func (r *rendition) setTrack(t *media.Track) bool {
	if t == r.refused {
		return false
	}
	data, err := cmaf.Init(t, 1)
	if err != nil {
		r.refused = t
		r.p.cfg.Log.Error("cannot describe track", "stream", r.p.cfg.Name, "rendition", r.track.Name, "err", err)
		return false
	}
	r.source = t
	r.scale = cmaf.Timescale(t)
	r.init = r.track.AddInit(window.Init{Track: t, Data: data})
	return true
}

// append adds a packet of known duration to the open part, and completes the
// part with it when another like it would make it too long.
func (r *rendition) append(pkt *media.Packet, d media.Time) {
	if !r.open {
		return
	}
	target := r.p.cfg.PartTarget
	if len(r.part) > 0 && r.dur+d > target+slop/2 {
		r.flush(false)
	}
	r.part = append(r.part, pkt)
	r.samples = append(r.samples, cmaf.Sample{Duration: d, Offset: pkt.PTS - pkt.DTS, Size: len(pkt.Data), Key: pkt.Key})
	r.dur += d
	end := pkt.DTS + d
	if last := r.msn+1 < r.p.cuts.next() && r.p.cuts.get(r.msn+1).at-slop <= end; last {
		r.flush(true)
		return
	}
	if r.dur+d > target+slop/2 && pkt.Duration > 0 {
		r.flush(false)
	}
}

// flush publishes the open part; with last set it completes the segment too.
func (r *rendition) flush(last bool) {
	if len(r.part) == 0 {
		if last && r.open && r.parts > 0 {
			r.finish(r.track.Close(0))
		}
		return
	}
	first, wall := r.part[0], r.part[len(r.part)-1].Wall
	r.seq++
	r.parts++
	chunk := cmaf.Chunk{
		Styp: r.parts == 1, Sequence: r.seq, TrackID: 1, Scale: r.scale,
		Decode: first.DTS, Wall: r.p.cfg.Epoch.Add(first.DTS.Duration()), Samples: r.samples,
	}
	data := make([]byte, 0, chunk.Size())
	data = chunk.AppendHeader(data)
	for i, pkt := range r.part {
		data = append(data, pkt.Data...)
		r.part[i] = nil
	}
	part := window.Part{Data: data, Duration: r.dur, Independent: slices.ContainsFunc(r.samples, func(s cmaf.Sample) bool { return s.Key })}
	r.bytes += uint64(len(data))
	r.total += r.dur
	r.part, r.samples, r.dur = r.part[:0], r.samples[:0], 0
	if last {
		r.finish(r.track.AddPartAndClose(part))
	} else {
		r.track.AddPart(part)
	}
	r.p.published(r, wall)
}

// skipTo completes segments up to msn as gaps: the rendition is shed, or a sound that stopped.
func (r *rendition) skipTo(msn uint64) {
	if r.open && r.msn < msn {
		r.flush(false)
		r.finish(r.track.Close(r.length()))
	}
	if !r.started {
		r.started, r.msn = true, r.p.cuts.base
	}
	for r.msn < msn && r.msn+1 < r.p.cuts.next() {
		r.close()
	}
}
