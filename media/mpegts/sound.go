package mpegts

import (
	"weir/media"
	"weir/media/codec"
)

// frame is one audio frame as it stands in a PES packet.
type frame struct {
	size    int // bytes of it in all; 0: more bytes are needed to tell
	head    int // bytes before the data
	samples int
	track   media.Track // without Config of its own but for AAC and Opus
}

// sound cuts the audio frames out of a PES packet. A frame may begin in one packet and
// end in the next; the date is that of the first that begins.
func (d *Demuxer) sound(s *stream) error {
	begun := len(s.carry)
	s.carry = append(s.carry, s.buf...)
	b := s.carry
	if s.dated && begun == 0 {
		s.next, s.run = s.pts, true
	}
	for len(b) > 0 {
		f, ok := readFrame(s, b)
		switch {
		case !ok: // not a frame: look for the next
			b = b[1:]
			d.stats.Bad++
			continue
		case f.size == 0 || f.size > len(b):
			s.carry = append(s.carry[:0], b...)
			return nil
		}
		if err := d.emit(s, f, b[f.head:f.size]); err != nil {
			return err
		}
		b = b[f.size:]
		if begun > 0 && s.dated { // the one that was carried is out
			begun, s.next, s.run = 0, s.pts, true
		}
	}
	s.carry = s.carry[:0]
	return nil
}

// emit hands one frame on.
func (d *Demuxer) emit(s *stream, f frame, data []byte) error {
	if !s.run || len(data) == 0 {
		return nil
	}
	if t := s.track; t == nil || t.SampleRate != f.track.SampleRate || t.Channels != f.track.Channels || t.Codec != f.track.Codec ||
		string(t.Config) != string(f.track.Config) {
		t := f.track
		t.Kind, t.Language = media.Audio, s.language
		s.track = &t
		if err := d.out.Track(s.sound, s.track); err != nil {
			return err
		}
	}
	at := s.next
	s.next += media.FromScale(int64(f.samples), int64(f.track.SampleRate))
	return d.out.Packet(&media.Packet{Track: s.track, DTS: at, PTS: at, Sound: s.sound, Key: true, Data: append([]byte(nil), data...)})
}

// readFrame reads the head of the frame that b begins with; false: there is none.
func readFrame(s *stream, b []byte) (frame, bool) {
	switch s.codec {
	case media.AAC:
		return readADTS(b)
	case media.MP3:
		return readMPEGAudio(b)
	case media.AC3, media.EAC3:
		return readAC3(b)
	case media.Opus:
		return readOpus(b, s.channels)
	}
	return frame{}, false
}

// readADTS reads an ADTS frame (ISO/IEC 13818-7 6.2, 14496-3 1.A.2.2) of one block.
func readADTS(b []byte) (f frame, ok bool) {
	if b[0] != 0xff || len(b) > 1 && b[1]&0xf6 != 0xf0 {
		return f, false
	}
	if len(b) < 7 {
		return f, true
	}
	f.head = 7
	if b[1]&1 == 0 {
		f.head = 9 // with a CRC
	}
	f.size = int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
	object, rate, channels := int(b[2]>>6)+1, int(b[2]>>2&0xf), int(b[2]&1)<<2|int(b[3]>>6)
	if f.size <= f.head || b[6]&3 != 0 || channels == 0 {
		return f, false
	}
	config := []byte{byte(object<<3 | rate>>1), byte(rate<<7 | channels<<3)}
	t, err := codec.NewTrack(media.AAC, config)
	if err != nil {
		return f, false
	}
	f.samples, f.track = 1024, *t
	return f, true
}

// readMPEGAudio reads the head of a frame of layer II or III (ISO/IEC 11172-3 2.4.1.3).
func readMPEGAudio(b []byte) (f frame, ok bool) {
	if b[0] != 0xff || len(b) > 1 && b[1]&0xe0 != 0xe0 {
		return f, false
	}
	if len(b) < 4 {
		return f, true
	}
	version, layer := b[1]>>3&3, b[1]>>1&3 // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5; 2: layer II, 1: layer III
	kbit := mpegBitrate(version == 3, layer, int(b[2]>>4))
	index := b[2] >> 2 & 3
	if version == 1 || index == 3 || kbit == 0 {
		return f, false
	}
	rate := [...]int{44100, 48000, 32000}[index] >> (map[byte]int{3: 0, 2: 1, 0: 2}[version])
	f.samples = 1152
	if layer == 1 && version != 3 {
		f.samples = 576
	}
	f.size = f.samples/8*kbit*1000/rate + int(b[2]>>1&1)
	f.track = media.Track{Codec: media.MP3, SampleRate: rate, Channels: 2}
	if layer == 2 {
		f.track.Codec = media.MP2
	}
	if b[3]>>6 == 3 {
		f.track.Channels = 1
	}
	return f, true
}

// mpegBitrate is a rate of 11172-3 and 13818-3 in kbit/s; 0: none.
func mpegBitrate(first bool, layer byte, index int) int {
	if index < 1 || index > 14 {
		return 0
	}
	switch {
	case first && layer == 2:
		return [...]int{32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384}[index-1]
	case first && layer == 1:
		return [...]int{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}[index-1]
	case layer == 1 || layer == 2:
		return [...]int{8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}[index-1]
	}
	return 0
}

// readAC3 reads the head of an AC-3 or E-AC-3 frame (ETSI TS 102 366 4.3, E.1.2).
func readAC3(b []byte) (f frame, ok bool) {
	if b[0] != 0x0b || len(b) > 1 && b[1] != 0x77 {
		return f, false
	}
	if len(b) < 7 {
		return f, true
	}
	rates := [...]int{48000, 44100, 32000}
	if id := b[5] >> 3; id > 10 {
		if id > 16 {
			return f, false
		}
		f.size = 2 * (int(b[2]&7)<<8 | int(b[3]) + 1)
		rate, blocks := int(b[4]>>6), [...]int{1, 2, 3, 6}[b[4]>>4&3]
		f.track.Codec, f.samples = media.EAC3, blocks*256
		if rate == 3 {
			half := int(b[4] >> 4 & 3)
			if half == 3 {
				return f, false
			}
			f.track.SampleRate, f.samples = rates[half]/2, 6*256
		} else {
			f.track.SampleRate = rates[rate]
		}
		f.track.Channels = ac3Channels(b[4]>>1&7, b[4]&1)
		return f, f.size > 7
	}
	rate, code := int(b[4]>>6), int(b[4]&0x3f)
	if rate == 3 || code > 37 {
		return f, false
	}
	kbit := [...]int{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640}[code/2]
	f.size = 2 * (kbit * 1000 * 1536 / (rates[rate] * 16))
	if rate == 1 {
		f.size += 2 * (code & 1)
	}
	mode := b[6] >> 5
	f.track = media.Track{Codec: media.AC3, SampleRate: rates[rate], Channels: ac3Channels(mode, lfe(mode, b[6]))}
	f.samples = 1536
	return f, true
}

// lfe is the bit for a sub-woofer, which stands behind fields that depend on the mode (4.4.2).
func lfe(mode, b byte) byte {
	shift := 4
	if mode&1 != 0 && mode != 1 {
		shift -= 2 // cmixlev
	}
	if mode&4 != 0 {
		shift -= 2 // surmixlev
	}
	if mode == 2 {
		shift -= 2 // dsurmod
	}
	return b >> max(shift, 0) & 1
}

func ac3Channels(mode, lfe byte) int {
	return [...]int{2, 1, 2, 3, 3, 4, 4, 5}[mode] + int(lfe)
}

// readOpus reads an Opus access unit behind its control header (Opus in MPEG-TS 3).
func readOpus(b []byte, channels int) (f frame, ok bool) {
	if b[0] != 0x7f || len(b) > 1 && b[1]&0xe0 != 0xe0 {
		return f, false
	}
	if len(b) < 3 {
		return f, true
	}
	size, at := 0, 2
	for more := true; more; at++ {
		if at >= len(b) {
			return f, at <= maxHeader
		}
		size += int(b[at])
		more = b[at] == 0xff
	}
	if b[1]&0x10 != 0 {
		at += 2 // start_trim
	}
	if b[1]&0x08 != 0 {
		at += 2 // end_trim
	}
	if b[1]&0x04 != 0 {
		if at >= len(b) {
			return f, true
		}
		at += 1 + int(b[at])
	}
	f.head, f.size = at, at+size
	if size == 0 || size > maxOpus {
		return f, false
	}
	if f.size > len(b) {
		return f, true
	}
	f.samples = codec.OpusSamples(b[at:f.size])
	config := codec.BuildDOps(codec.OpusInfo{Channels: channels, PreSkip: 312, InputRate: 48000})
	f.track = media.Track{Codec: media.Opus, Config: config, SampleRate: 48000, Channels: channels}
	return f, f.samples > 0
}

const (
	maxHeader = 300  // bytes of a control header that are looked at
	maxOpus   = 7662 // bytes of a packet: 120 ms (RFC 6716 3.4)
)
