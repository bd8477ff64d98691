package cmaf

import (
	"time"

	"weir/media"
)

// Sample describes one packet of a chunk; its bytes follow the header.
type Sample struct {
	Duration media.Time // to the next sample in decode order, not negative
	Offset   media.Time // PTS - DTS, may be negative
	Size     int        // bytes
	Key      bool       // a sync sample; every audio frame is one
}

// Chunk is a CMAF chunk (ISO/IEC 23000-19 7.3.3) but for its media bytes. The
// whole is below 4 GiB. A Chunk may be made on the stack and used once.
type Chunk struct {
	Styp     bool    // first chunk of its segment
	Events   []Event // written before the moof
	Sequence uint32  // of the moof; increases along the track
	TrackID  uint32
	Scale    int64      // units per second, as in the initialisation segment
	Decode   media.Time // DTS of the first sample, not before 0
	Wall     time.Time  // when the first sample was captured; zero: no prft
	Samples  []Sample   // at least one
}

// Flags of tfhd and trun (ISO/IEC 14496-12 8.8.7 and 8.8.8) and of samples
// (8.8.3.1).
const (
	tfhdBaseIsMoof = 0x020000
	tfhdDuration   = 0x000008
	tfhdFlags      = 0x000020

	trunDataOffset = 0x000001
	trunFirstFlags = 0x000004
	trunDuration   = 0x000100
	trunSize       = 0x000200
	trunFlags      = 0x000400
	trunOffset     = 0x000800

	syncSample    = 0x02000000 // depends on no other
	nonSyncSample = 0x01010000 // depends on others, is no sync sample
)

func sampleFlags(key bool) uint32 {
	if key {
		return syncSample
	}
	return nonSyncSample
}

// layout says which fields the tfhd and the trun of a chunk hold.
type layout struct {
	tfhd, trun uint32
	flags      uint32 // default of all samples, if tfhd has it
	payload    int    // media bytes
	n          int
}

// plan chooses the shortest form: what is equal in all samples goes to the tfhd.
func (c *Chunk) plan() layout {
	l := layout{tfhd: tfhdBaseIsMoof, trun: trunDataOffset | trunSize, n: len(c.Samples)}
	sameDuration, sameFlags, sameAfterFirst := true, true, true
	at := c.Decode
	first := c.span(at, c.Samples[0].Duration)
	for i := range c.Samples {
		s := &c.Samples[i]
		l.payload += s.Size
		sameDuration = sameDuration && c.span(at, s.Duration) == first
		sameFlags = sameFlags && s.Key == c.Samples[0].Key
		sameAfterFirst = sameAfterFirst && (i < 1 || s.Key == c.Samples[1].Key)
		if s.Offset != 0 {
			l.trun |= trunOffset
		}
		at += s.Duration
	}
	if sameDuration {
		l.tfhd |= tfhdDuration
	} else {
		l.trun |= trunDuration
	}
	switch {
	case sameFlags:
		l.tfhd |= tfhdFlags
		l.flags = sampleFlags(c.Samples[0].Key)
	case sameAfterFirst:
		l.tfhd |= tfhdFlags
		l.trun |= trunFirstFlags
		l.flags = sampleFlags(c.Samples[1].Key)
	default:
		l.trun |= trunFlags
	}
	return l
}

func (l *layout) tfhdSize() int {
	n := 16
	if l.tfhd&tfhdDuration != 0 {
		n += 4
	}
	if l.tfhd&tfhdFlags != 0 {
		n += 4
	}
	return n
}

func (l *layout) trunBytes() int {
	n, each := 20, 4
	if l.trun&trunFirstFlags != 0 {
		n += 4
	}
	for _, f := range [...]uint32{trunDuration, trunFlags, trunOffset} {
		if l.trun&f != 0 {
			each += 4
		}
	}
	return n + each*l.n
}

func (l *layout) trafSize() int { return headSize + l.tfhdSize() + tfdtSize + l.trunBytes() }
func (l *layout) moofSize() int { return headSize + mfhdSize + l.trafSize() }

// span is a duration that begins at a point of the time line, in scale units.
func (c *Chunk) span(at, d media.Time) uint32 {
	return uint32(max(0, (at+d).In(c.Scale)-at.In(c.Scale)))
}

// start is the decode time of the first sample in scale units.
func (c *Chunk) start() uint64 { return uint64(max(0, c.Decode.In(c.Scale))) }

// Size is the length of the whole chunk, media bytes included: what to allocate
// before AppendHeader. It is 0 when there are no samples.
func (c *Chunk) Size() int {
	if len(c.Samples) == 0 {
		return 0
	}
	l := c.plan()
	n := l.moofSize() + headSize + l.payload
	if c.Styp {
		n += stypSize
	}
	if !c.Wall.IsZero() {
		n += prftSize
	}
	for i := range c.Events {
		n += c.Events[i].size()
	}
	return n
}

// AppendHeader appends all of the chunk that goes before its media bytes: styp,
// prft, emsg, moof and the header of the mdat. The caller then appends the data
// of the samples, one after the other. It does not allocate when dst has room
// for Size bytes. With no samples dst is returned as it was.
func (c *Chunk) AppendHeader(dst []byte) []byte {
	if len(c.Samples) == 0 {
		return dst
	}
	if c.Styp {
		dst = AppendStyp(dst)
	}
	if !c.Wall.IsZero() {
		dst = AppendPrft(dst, c.TrackID, c.Wall, c.start())
	}
	for i := range c.Events {
		dst = AppendEmsg(dst, &c.Events[i])
	}
	l := c.plan()
	dst = c.appendMoof(dst, &l)
	return head(dst, headSize+l.payload, "mdat")
}

func (c *Chunk) appendMoof(dst []byte, l *layout) []byte {
	dst = head(dst, l.moofSize(), "moof")
	dst = head(dst, mfhdSize, "mfhd")
	dst = u32(dst, 0)
	dst = u32(dst, c.Sequence)
	dst = head(dst, l.trafSize(), "traf")
	dst = head(dst, l.tfhdSize(), "tfhd")
	dst = u32(dst, l.tfhd)
	dst = u32(dst, c.TrackID)
	if l.tfhd&tfhdDuration != 0 {
		dst = u32(dst, c.span(c.Decode, c.Samples[0].Duration))
	}
	if l.tfhd&tfhdFlags != 0 {
		dst = u32(dst, l.flags)
	}
	dst = head(dst, tfdtSize, "tfdt")
	dst = u32(dst, 1<<24) // version 1: 64 bit
	dst = u64(dst, c.start())
	return c.appendTrun(dst, l)
}

func (c *Chunk) appendTrun(dst []byte, l *layout) []byte {
	dst = head(dst, l.trunBytes(), "trun")
	version := uint32(0)
	if l.trun&trunOffset != 0 {
		version = 1 // signed composition offsets
	}
	dst = u32(dst, version<<24|l.trun)
	dst = u32(dst, uint32(l.n))
	dst = u32(dst, uint32(l.moofSize()+headSize))
	if l.trun&trunFirstFlags != 0 {
		dst = u32(dst, sampleFlags(c.Samples[0].Key))
	}
	at := c.Decode
	for i := range c.Samples {
		s := &c.Samples[i]
		if l.trun&trunDuration != 0 {
			dst = u32(dst, c.span(at, s.Duration))
		}
		dst = u32(dst, uint32(s.Size))
		if l.trun&trunFlags != 0 {
			dst = u32(dst, sampleFlags(s.Key))
		}
		if l.trun&trunOffset != 0 {
			dst = u32(dst, uint32((at+s.Offset).In(c.Scale)-at.In(c.Scale)))
		}
		at += s.Duration
	}
	return dst
}
