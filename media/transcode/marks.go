package transcode

import (
	"slices"
	"time"

	"weir/media"
)

// mark is what a source packet says beyond its picture.
type mark struct {
	boundary      media.Boundary
	key           bool // an encoder has to put a key frame there
	discontinuity bool
	duration      media.Time
	wall          time.Time
}

// isCut tells whether a segment begins there.
func isCut(b media.Boundary) bool { return b != media.NoBoundary }

// maxPending bounds the packets remembered for frames that never come.
const maxPending = 256

// marks brings what packets say, in decode order, to the frames that come out in
// presentation order. Duration and arrival go with the packet's own frame. A
// boundary goes to the first frame that is shown at or after the packet's DTS:
// there the source itself is cut, and at key frames that is the key frame. What
// belongs to a frame that was lost goes to the next one.
//
// Renditions get key frames where segments begin and, so that players can join
// and switch there, at the source's own key frames that are not too close.
type marks struct {
	pending       []stamp // ascending PTS
	cuts          []cut   // ascending DTS
	discontinuity bool
	key           media.Time // of the newest cut
}

// keysApart is the least distance of key frames that are not the beginning of a
// segment from the one before: more of them cost bits and gain nothing.
const keysApart = media.Second * 9 / 10

type stamp struct {
	pts, duration media.Time
	wall          time.Time
}

type cut struct {
	at       media.Time
	boundary media.Boundary
}

// add remembers a packet that goes into the decoder, or was left out.
func (m *marks) add(p *media.Packet) {
	m.discontinuity = m.discontinuity || p.Discontinuity
	if isCut(p.Boundary) || p.Key && p.DTS-m.key >= keysApart {
		m.key = p.DTS
		m.cuts = append(m.cuts, cut{p.DTS, p.Boundary})
	}
	at := len(m.pending)
	for at > 0 && m.pending[at-1].pts > p.PTS {
		at--
	}
	m.pending = slices.Insert(m.pending, at, stamp{p.PTS, p.Duration, p.Wall})
	if len(m.pending) > maxPending {
		m.pending = slices.Delete(m.pending, 0, 1)
	}
	if len(m.cuts) > maxPending {
		m.cuts = slices.Delete(m.cuts, 0, 1)
	}
}

// take gives what belongs to the frame at pts, once.
func (m *marks) take(pts media.Time) mark {
	out := mark{discontinuity: m.discontinuity}
	m.discontinuity = false
	n := 0
	for n < len(m.pending) && m.pending[n].pts <= pts {
		out.duration, out.wall = m.pending[n].duration, m.pending[n].wall
		n++
	}
	m.pending = slices.Delete(m.pending, 0, n)
	n = 0
	for n < len(m.cuts) && m.cuts[n].at <= pts {
		out.key = true
		if !isCut(out.boundary) {
			out.boundary = m.cuts[n].boundary
		}
		n++
	}
	m.cuts = slices.Delete(m.cuts, 0, n)
	return out
}

// restart forgets what has not come out before the time line is interrupted. An
// interruption that no frame has told of yet is still told.
func (m *marks) restart() { m.pending, m.cuts = m.pending[:0], m.cuts[:0] }
