package media

import "time"

// Boundary tells whether a segment begins with a packet.
type Boundary uint8

// Where segments begin. media/cut decides it once, on the publisher's packets;
// the mark travels with the packet through decoder, scaler and encoder, which is
// why all renditions are cut at the same Time.
const (
	NoBoundary Boundary = iota
	// KeyBoundary begins a segment with a key frame.
	KeyBoundary
	// ForcedBoundary begins a segment where the publisher sent no key frame in
	// time. Encoders put a key frame there; a pass-through has none.
	ForcedBoundary
)

// Packet is one coded access unit or audio frame. It is immutable once written
// to a stream and shared by all readers; the garbage collector frees it.
type Packet struct {
	Track *Track // how to decode it; never nil

	// DTS orders packets of one track strictly; PTS is when it is shown. At key
	// frames both are equal, so PTS may lie before DTS inside a group of
	// pictures with B-frames (signed composition offsets, ISO/IEC 14496-12 8.8.8).
	DTS, PTS Time

	// Duration is the distance to the next packet of the track in decode order
	// where the source is known to keep a constant rate, else 0: unknown until
	// the next packet comes.
	Duration Time

	Sound int // which of its publisher's sounds it is of, from 0; 0 for the picture

	Key           bool     // decoding can start here (IDR; every audio frame)
	Boundary      Boundary // a segment begins here; on the leading track only
	Discontinuity bool     // the time line or the source was interrupted before it
	Slate         bool     // nobody published: it was made here

	Wall time.Time // when it arrived, for latency measurements
	Data []byte    // video: NAL units with 4-byte lengths; audio: one raw frame
}

// Kind is the kind of the packet's track.
func (p *Packet) Kind() Kind { return p.Track.Kind }
