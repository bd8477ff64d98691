package mpegts

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"weir/media"
)

// TestSounds: the first few sounds of a programme are read, each under its number.
func TestSounds(t *testing.T) {
	k := &kept{}
	d := New(0, k)
	read(t, d, load(t, "five.ts"), 1316)
	if video, audio := d.Spare(); !k.video || k.sounds != media.MaxSounds || video != 0 || audio != 1 {
		t.Errorf("picture %v, %d sounds; %d and %d are left out", k.video, k.sounds, video, audio)
	}
	for i, want := range []struct {
		codec    media.Codec
		language string
		packets  int
	}{{media.AAC, "en", 20}, {media.MP2, "de", 17}, {media.AC3, "fr", 13}, {media.AAC, "", 20}} {
		list := slices.DeleteFunc(k.of(media.Audio), func(p *media.Packet) bool { return p.Sound != i })
		if len(list) != want.packets || list[0].Track.Codec != want.codec || list[0].Track.Language != want.language {
			t.Errorf("sound %d: %d packets of %+v, want %+v", i, len(list), list[0].Track, want)
		}
	}
}

// TestSoundsKeepTheirNumbers: a table without a sound, and another with a new one.
func TestSoundsKeepTheirNumbers(t *testing.T) {
	ts := load(t, "five.ts")
	k := &kept{}
	d := New(0, k)
	numbers := func() (out [8]int) {
		for i := range out {
			out[i] = -1
			if s := d.streams[uint16(0x101+i)]; s != nil {
				out[i] = s.sound
			}
		}
		return out
	}
	tables := [...]struct {
		pids   []uint16
		want   [8]int
		sounds int
	}{
		{[]uint16{0x101, 0x102, 0x103}, [8]int{0, 1, 2, -1, -1, -1, -1, -1}, 3},
		{[]uint16{0x102, 0x103}, [8]int{-1, 1, 2, -1, -1, -1, -1, -1}, 2},
		{[]uint16{0x108, 0x103, 0x102, 0x107}, [8]int{-1, 1, 2, -1, -1, -1, 3, 0}, 4},
		{[]uint16{0x104, 0x104, 0x104, 0x104, 0x105}, [8]int{-1, -1, -1, 0, 1, -1, -1, -1}, 2},
	}
	for i, x := range tables {
		read(t, d, listing(t, ts, x.pids), packetSize)
		if got := numbers(); got != x.want || k.sounds != x.sounds {
			t.Errorf("table %d: %v, %d sounds; want %v, %d", i, got, k.sounds, x.want, x.sounds)
		}
	}
}

// listing is the tables of ts, with a PMT that lists a picture and sounds in AAC.
func listing(t *testing.T, ts []byte, sounds []uint16) (out []byte) {
	t.Helper()
	for p := range slices.Chunk(bytes.Clone(ts), packetSize) {
		payload, _, ok := payloadOf(p)
		if !ok || p[1]&0x40 == 0 || len(payload) < 20 || payload[0] != 0 || payload[1] > 2 {
			continue
		}
		if payload[1] == 2 {
			entries := []byte{0x1b, 0xe1, 0, 0xf0, 0}
			for _, pid := range sounds {
				entries = append(entries, 0x0f, 0xe0|byte(pid>>8), byte(pid), 0xf0, 0)
			}
			sec := payload[1:]
			at := 12 + int(binary.BigEndian.Uint16(sec[10:])&0x0fff)
			end := at + copy(sec[at:], entries)
			binary.BigEndian.PutUint16(sec[1:], 0xb000|uint16(end+4-3))
			binary.BigEndian.PutUint32(sec[end:], crc(sec[:end]))
		}
		out = append(out, p...)
	}
	return out
}
