package mpegts

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"weir/media"
)

const (
	maxSection    = 1024 // bytes, of a PAT or PMT (2.4.4.3, 2.4.4.8)
	maxProgrammes = 64
	maxStreams    = 16 // of a programme that are looked at
)

// tables is what the tables of a stream said last.
type tables struct {
	pat, programmes section
	all             []programme
	now             programme // that is read; the zero value: none yet
	order           []uint16  // PIDs of the streams that are read
}

// programme is a line of the PAT.
type programme struct{ number, pid uint16 }

// section is a table that is being put together.
type section struct {
	buf  []byte
	last []byte // that was read, to pass over repetitions
	open bool
}

// add takes a payload; the result is a whole section, or nil. It aliases the buffer.
func (s *section) add(starts bool, payload []byte) []byte {
	if starts {
		skip := 1 + int(payload[0]) // pointer_field: the end of a section before is not waited for
		if skip >= len(payload) {
			s.open = false
			return nil
		}
		s.buf, s.open = append(s.buf[:0], payload[skip:]...), true
	} else if s.open {
		s.buf = append(s.buf, payload...)
	}
	if !s.open || len(s.buf) < 3 {
		return nil
	}
	n := 3 + int(binary.BigEndian.Uint16(s.buf[1:])&0x0fff)
	if n > maxSection {
		s.open = false
		return nil
	}
	if len(s.buf) < n {
		return nil
	}
	s.open = false
	return s.buf[:n]
}

// fresh tells whether a section says something new, and remembers it.
func (s *section) fresh(sec []byte) bool {
	if bytes.Equal(sec, s.last) {
		return false
	}
	s.last = append(s.last[:0], sec...)
	return true
}

// body is what lies between the header and the CRC of a table's first section; nil:
// it is not one that is in force.
func body(sec []byte, table byte) []byte {
	if len(sec) < 12 || sec[0] != table || sec[5]&1 == 0 || sec[6] != 0 || crc(sec) != 0 {
		return nil
	}
	return sec[8 : len(sec)-4]
}

// crc is the CRC_32 of annex A; 0 over a section with its CRC.
func crc(data []byte) uint32 {
	c := uint32(0xffffffff)
	for _, b := range data {
		c ^= uint32(b) << 24
		for range 8 {
			if c&0x80000000 != 0 {
				c = c<<1 ^ 0x04c11db7
			} else {
				c <<= 1
			}
		}
	}
	return c
}

// table reads the payload of a packet of the PAT or of the PMT.
func (d *Demuxer) table(pid uint16, starts bool, payload []byte) error {
	t := &d.tables
	if pid == 0 {
		if sec := t.pat.add(starts, payload); sec != nil && t.pat.fresh(sec) {
			d.association(body(sec, 0))
		}
		return nil
	}
	sec := t.programmes.add(starts, payload)
	if sec == nil || len(sec) >= 5 && binary.BigEndian.Uint16(sec[3:]) != t.now.number || !t.programmes.fresh(sec) {
		return nil // of another programme, or known
	}
	return d.programmeMap(body(sec, 2))
}

// association reads the PAT (2.4.4.3): where the tables of programmes are.
func (d *Demuxer) association(b []byte) {
	t := &d.tables
	var all []programme
	for ; len(b) >= 4 && len(all) < maxProgrammes; b = b[4:] {
		p := programme{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]) & 0x1fff}
		if p.number != 0 && p.pid != 0 && (d.programme == 0 || int(p.number) == d.programme) {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		d.stats.Bad++
		return
	}
	if t.all = all; !slices.Contains(all, t.now) {
		d.tune(all[0])
	}
}

// tune begins with another programme.
func (d *Demuxer) tune(p programme) {
	d.tables.now, d.tables.programmes = p, section{}
	d.tables.order, d.streams = nil, nil
}

// programmeMap reads the PMT (2.4.4.8): the streams of a programme. Of those that can be
// read the first picture and the first few sounds are taken.
func (d *Demuxer) programmeMap(b []byte) error {
	if len(b) < 4 {
		d.stats.Bad++
		return nil
	}
	b = b[min(len(b), 4+int(binary.BigEndian.Uint16(b[2:])&0x0fff)):]
	var picture *stream
	var sounds []*stream
	var foreign string
	var spare [2]int
	for n := 0; len(b) >= 5 && n < maxStreams; n++ {
		pid, size := binary.BigEndian.Uint16(b[1:])&0x1fff, int(binary.BigEndian.Uint16(b[3:])&0x0fff)
		kind, descriptors := b[0], b[5:min(len(b), 5+size)]
		b = b[min(len(b), 5+size):]
		s, other := newStream(pid, kind, descriptors)
		if s == nil {
			if other != "" && foreign == "" {
				foreign = other
			}
			continue
		}
		again := func(x *stream) bool { return x.pid == pid }
		switch sound := s.codec.Kind() == media.Audio; {
		case picture != nil && again(picture) || slices.ContainsFunc(sounds, again):
			d.stats.Bad++
		case sound && len(sounds) < media.MaxSounds:
			sounds = append(sounds, s)
		case sound:
			spare[1]++
		case picture == nil:
			picture = s
		default:
			spare[0]++
		}
	}
	if picture == nil && d.programme == 0 && d.next() {
		return nil
	}
	if picture == nil && foreign != "" {
		return &UnsupportedError{foreign}
	}
	d.spare = spare
	return d.adopt(picture, sounds)
}

// Spare is how many streams of each kind the programme has beside those that are read.
func (d *Demuxer) Spare() (video, audio int) { return d.spare[0], d.spare[1] }

// next tunes to the programme after this one, as long as none had a picture; false:
// this was the last.
func (d *Demuxer) next() bool {
	at := slices.Index(d.tables.all, d.tables.now)
	if at < 0 || at+1 >= len(d.tables.all) {
		return false
	}
	d.tune(d.tables.all[at+1])
	return true
}

// adopt goes on with the streams of a table; those that are the same keep their state,
// and sounds their numbers as long as their PIDs stay.
func (d *Demuxer) adopt(picture *stream, sounds []*stream) error {
	all := slices.Clone(sounds)
	if picture != nil {
		all = append(all, picture)
	}
	streams := make(map[uint16]*stream, len(all))
	var order []uint16
	for _, s := range all {
		if old := d.streams[s.pid]; old != nil && old.codec == s.codec && old.channels == s.channels && old.language == s.language {
			s = old
		}
		streams[s.pid] = s
		order = append(order, s.pid)
	}
	d.number(sounds, streams)
	d.streams, d.tables.order = streams, order
	return d.out.Streams(picture != nil, len(sounds))
}

// number gives sounds the numbers that their PIDs had, and to others those that are free.
func (d *Demuxer) number(sounds []*stream, streams map[uint16]*stream) {
	var taken [media.MaxSounds]bool
	var fresh []*stream
	for _, s := range sounds {
		now := streams[s.pid]
		if old := d.streams[s.pid]; old != nil && old.codec.Kind() == media.Audio && !taken[old.sound] {
			now.sound, taken[old.sound] = old.sound, true
		} else {
			fresh = append(fresh, now)
		}
	}
	for _, s := range fresh {
		s.sound = slices.Index(taken[:], false)
		taken[s.sound] = true
	}
}

// newStream is a stream of the PMT; nil: one that is not read, with words for it where
// it is a picture or a sound that somebody will miss.
func newStream(pid uint16, kind byte, descriptors []byte) (s *stream, foreign string) {
	s = &stream{pid: pid, language: spoken(descriptors)}
	switch kind { // 13818-1 table 2-34, and ATSC A/53 part 3
	case 0x1b:
		s.codec = media.H264
	case 0x24:
		s.codec = media.H265
	case 0x0f:
		s.codec = media.AAC
	case 0x03, 0x04:
		s.codec = media.MP3 // or layer II: its frames say so
	case 0x81:
		s.codec = media.AC3
	case 0x87:
		s.codec = media.EAC3
	case 0x06:
		s.private(descriptors)
	case 0x01, 0x02:
		return nil, "MPEG-2 video is not supported, send H.264"
	case 0x10:
		return nil, "MPEG-4 part 2 video is not supported, send H.264"
	case 0x11:
		return nil, "AAC in LATM is not supported, send it in ADTS"
	}
	if s.codec == 0 {
		return nil, ""
	}
	return s, ""
}

// private finds out by its descriptors what a stream of private data is (ETSI TS 101
// 154, ETSI EN 300 468 annex D; Opus in MPEG-TS).
func (s *stream) private(descriptors []byte) {
	for tag, text := range each(descriptors) {
		switch {
		case tag == 0x6a:
			s.codec = media.AC3
		case tag == 0x7a:
			s.codec = media.EAC3
		case tag == 0x05 && string(text) == "Opus":
			s.codec, s.channels = media.Opus, 2
		case tag == 0x05 && string(text) == "HEVC":
			s.codec = media.H265
		case tag == 0x7f && len(text) >= 2 && text[0] == 0x80 && (text[1] == 1 || text[1] == 2):
			s.channels = int(text[1]) // channel_config_code
		}
	}
}

// spoken is the language that an ISO_639_language_descriptor tells (2.6.18), the first of
// several; "": none, or one that is no language of people, such as "und".
func spoken(descriptors []byte) string {
	for tag, text := range each(descriptors) {
		if tag == 0x0a && len(text) >= 4 {
			return media.Language(string(text[:3]))
		}
	}
	return ""
}

// each goes through a list of descriptors up to the first that is cut off.
func each(descriptors []byte) iter.Seq2[byte, []byte] {
	return func(yield func(tag byte, text []byte) bool) {
		for len(descriptors) >= 2 {
			n := 2 + int(descriptors[1])
			if n > len(descriptors) || !yield(descriptors[0], descriptors[2:n]) {
				return
			}
			descriptors = descriptors[n:]
		}
	}
}
