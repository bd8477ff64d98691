package mpegts

import (
	"encoding/binary"

	"weir/media"
)

// maxUnit bounds what is kept of one unit, in bytes.
const maxUnit = 8 << 20

// stream is one stream of the programme.
type stream struct {
	pid      uint16
	codec    media.Codec
	channels int    // that the table tells; of Opus
	language string // that the table tells, BCP 47; of sound
	sound    int    // its number among those that are read; 0 for the picture

	counter byte
	counted bool

	open     bool   // a unit is being put together
	buf      []byte // its payload so far
	size     int    // bytes of payload that the header tells; 0: until the next one begins
	pts, dts media.Time
	dated    bool // the unit has a date

	track  *media.Track
	config []byte     // what track was made of
	carry  []byte     // sound: begin of a frame that is not whole yet
	next   media.Time // sound: where the next frame begins
	run    bool       // next is known
}

// forget drops the unit that is being put together: a part of it was lost.
func (s *stream) forget() {
	s.open, s.buf, s.carry = false, s.buf[:0], s.carry[:0]
}

// payload takes the payload of a packet of s.
func (d *Demuxer) payload(s *stream, starts bool, payload []byte) error {
	if starts {
		if err := d.unit(s); err != nil {
			return err
		}
		if !d.header(s, payload) {
			d.stats.Bad++
			s.forget()
			return nil
		}
	} else if s.open {
		s.buf = append(s.buf, payload...)
	}
	switch {
	case !s.open:
		return nil
	case len(s.buf) > maxUnit:
		d.stats.Bad++
		s.forget()
		return nil
	case s.size > 0 && len(s.buf) >= s.size:
		s.buf = s.buf[:s.size]
		return d.unit(s)
	}
	return nil
}

// header reads the head of a PES packet (2.4.3.7) and keeps what follows it.
func (d *Demuxer) header(s *stream, p []byte) bool {
	if len(p) < 9 || p[0] != 0 || p[1] != 0 || p[2] != 1 || p[6]&0xc0 != 0x80 {
		return false
	}
	n := 9 + int(p[8])
	if n > len(p) {
		return false
	}
	s.size = 0
	if size := int(binary.BigEndian.Uint16(p[4:])); size > 0 {
		if s.size = size - (n - 6); s.size <= 0 {
			return false
		}
	}
	s.dated = false
	if p[7]&0x80 != 0 && n >= 14 {
		s.pts = d.date(p[9:])
		s.dts, s.dated = s.pts, true
		if p[7]&0x40 != 0 && n >= 19 {
			s.dts = d.date(p[14:])
		}
	}
	s.open, s.buf = true, append(s.buf[:0], p[n:]...)
	return true
}

// date reads 33 bits of a PTS or DTS.
func (d *Demuxer) date(p []byte) media.Time {
	raw := uint64(p[0]>>1&7)<<30 | uint64(p[1])<<22 | uint64(p[2]>>1)<<15 | uint64(p[3])<<7 | uint64(p[4]>>1)
	return media.FromScale(d.clock.Unwrap(raw), clockRate)
}

// unit hands a whole unit on.
func (d *Demuxer) unit(s *stream) error {
	if !s.open {
		return nil
	}
	s.open = false
	if len(s.buf) == 0 {
		return nil
	}
	if s.codec.Kind() == media.Audio {
		return d.sound(s)
	}
	return d.picture(s)
}
