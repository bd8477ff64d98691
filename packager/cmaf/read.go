package cmaf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"weir/media"
)

// ErrMalformed means that bytes are no segment as this package writes them.
var ErrMalformed = errors.New("malformed segment")

// Fragment is what the moof of a stored chunk says, in units of its track's scale.
type Fragment struct {
	Decode  uint64 // time of the first sample
	Samples []Stored
}

// Stored is a sample of a Fragment.
type Stored struct {
	Duration uint32
	Offset   int32 // of the presentation
	Size     uint32
	Key      bool
}

const (
	maxMoof    = 1 << 20
	maxSamples = 64 << 10 // in a fragment
)

// Walk reads the chunks of a segment, or of several one after the other, and calls f
// for each with a reader of its media bytes, of which f may leave some. The Fragment
// is used again for the next. What is left is skipped by seeking where r can.
func Walk(r io.Reader, f func(*Fragment, io.Reader) error) error {
	var head [headSize]byte
	var frag Fragment
	var box []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		size := int64(binary.BigEndian.Uint32(head[:])) - headSize
		if size < 0 {
			return fmt.Errorf("%w: box of %d bytes", ErrMalformed, size+headSize)
		}
		switch string(head[4:]) {
		case "moof":
			if size > maxMoof {
				return fmt.Errorf("%w: moof of %d bytes", ErrMalformed, size)
			}
			if int64(cap(box)) < size {
				box = make([]byte, size)
			}
			box = box[:size]
			if _, err := io.ReadFull(r, box); err != nil {
				return fmt.Errorf("%w: %w", ErrMalformed, err)
			}
			if err := frag.parse(box); err != nil {
				return err
			}
		case "mdat":
			data := &io.LimitedReader{R: r, N: size}
			if err := f(&frag, data); err != nil {
				return err
			}
			size = data.N
			fallthrough
		default:
			if err := skip(r, size); err != nil {
				return err
			}
		}
	}
}

func skip(r io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	if s, ok := r.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekCurrent)
		return err
	}
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// parse reads the content of a moof (ISO/IEC 14496-12 8.8.4) with one traf.
func (f *Fragment) parse(b []byte) error {
	traf := child(b, "traf")
	tfhd, tfdt, trun := child(traf, "tfhd"), child(traf, "tfdt"), child(traf, "trun")
	if len(tfhd) < 8 || len(tfdt) < 12 || tfdt[0] != 1 || len(trun) < 8 {
		return fmt.Errorf("%w: moof", ErrMalformed)
	}
	f.Decode = binary.BigEndian.Uint64(tfdt[4:])
	in := fields{b: tfhd[8:]}
	flags := binary.BigEndian.Uint32(tfhd)
	duration, usual := in.take(flags&tfhdDuration != 0), in.take(flags&tfhdFlags != 0)
	flags = binary.BigEndian.Uint32(trun)
	n := binary.BigEndian.Uint32(trun[4:])
	if n > maxSamples {
		return fmt.Errorf("%w: %d samples", ErrMalformed, n)
	}
	in.b = trun[8:]
	in.take(flags&trunDataOffset != 0)
	first := usual
	if flags&trunFirstFlags != 0 {
		first = in.take(true)
	}
	f.Samples = f.Samples[:0]
	for i := range n {
		s := Stored{Duration: duration}
		if flags&trunDuration != 0 {
			s.Duration = in.take(true)
		}
		s.Size = in.take(flags&trunSize != 0)
		own := usual
		if i == 0 {
			own = first
		}
		if flags&trunFlags != 0 {
			own = in.take(true)
		}
		s.Offset = int32(in.take(flags&trunOffset != 0))
		s.Key = own&0x10000 == 0
		f.Samples = append(f.Samples, s)
	}
	if in.short {
		return fmt.Errorf("%w: trun", ErrMalformed)
	}
	return nil
}

// fields reads numbers that may be there.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(there bool) uint32 {
	if !there {
		return 0
	}
	if len(f.b) < 4 {
		f.short = true
		return 0
	}
	v := binary.BigEndian.Uint32(f.b)
	f.b = f.b[4:]
	return v
}

// child is the content of the first box of a name within the content of another.
func child(b []byte, name string) []byte {
	for len(b) >= headSize {
		size := binary.BigEndian.Uint32(b)
		if size < headSize || int64(size) > int64(len(b)) {
			return nil
		}
		if string(b[4:headSize]) == name {
			return b[headSize:size]
		}
		b = b[size:]
	}
	return nil
}

// Config finds the codec of the pictures that an initialisation segment describes, and
// its record as media.Track has it.
func Config(init []byte) (codec media.Codec, record []byte, err error) {
	b := init
	for _, name := range []string{"moov", "trak", "mdia", "minf", "stbl", "stsd"} {
		b = child(b, name)
	}
	const entries = 8 // version, flags and their count go before the entries
	const visual = 78 // of a VisualSampleEntry goes before its boxes (ISO/IEC 14496-12 12.1.3)
	if len(b) < entries {
		return 0, nil, fmt.Errorf("%w: no sample description", ErrMalformed)
	}
	for _, k := range []struct {
		entry, box string
		codec      media.Codec
	}{{"avc1", "avcC", media.H264}, {"hvc1", "hvcC", media.H265}, {"av01", "av1C", media.AV1}, {"vp09", "vpcC", media.VP9}} {
		if entry := child(b[entries:], k.entry); len(entry) > visual {
			if record = child(entry[visual:], k.box); record != nil {
				return k.codec, record, nil
			}
		}
	}
	return 0, nil, fmt.Errorf("%w: no codec of pictures", ErrMalformed)
}
