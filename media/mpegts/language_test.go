package mpegts

import (
	"encoding/binary"
	"testing"

	"weir/media"
)

// TestLanguage puts descriptors into the table of a stream and looks at its sound.
func TestLanguage(t *testing.T) {
	for name, tt := range map[string]struct {
		descriptors string
		want        string
	}{
		"none":                      {"", ""},
		"English":                   {"\x0a\x04eng\x00", "en"},
		"German, bibliographic":     {"\x0a\x04ger\x00", "de"},
		"in capitals":               {"\x0a\x04FRA\x00", "fr"},
		"without a short code":      {"\x0a\x04gsw\x00", "gsw"},
		"two: the first":            {"\x0a\x08spa\x00eng\x00", "es"},
		"behind another descriptor": {"\x05\x04ABCD\x0a\x04ita\x00", "it"},
		"undetermined":              {"\x0a\x04und\x00", ""},
		"several":                   {"\x0a\x04mul\x00", ""},
		"of no use":                 {"\x0a\x04\"\n,\x00", ""},
		"too short":                 {"\x0a\x02en", ""},
		"cut off":                   {"\x0a\x04en", ""},
	} {
		k := &kept{}
		read(t, New(0, k), spoken639(t, load(t, "mp3.ts"), tt.descriptors), packetSize)
		if len(k.tracks) != 1 || k.tracks[0].Kind != media.Audio || k.tracks[0].Language != tt.want {
			t.Errorf("%s: %+v, want %q", name, k.tracks, tt.want)
		}
	}
}

// A language that changes is another track.
func TestLanguageChanges(t *testing.T) {
	k, ts := &kept{}, load(t, "mp3.ts")
	d := New(0, k)
	for _, descriptors := range []string{"\x0a\x04eng\x00", "\x0a\x04eng\x00", "\x0a\x04fra\x00"} {
		read(t, d, spoken639(t, ts, descriptors), packetSize)
	}
	if len(k.tracks) != 2 || k.tracks[0].Language != "en" || k.tracks[1].Language != "fr" {
		t.Errorf("%+v", k.tracks)
	}
}

// spoken639 is ts with other descriptors of the only stream in each PMT.
func spoken639(t *testing.T, ts []byte, descriptors string) []byte {
	t.Helper()
	out, tables := append([]byte(nil), ts...), 0
	for at := 0; at < len(out); at += packetSize {
		p := out[at : at+packetSize]
		payload, _, ok := payloadOf(p)
		if !ok || p[1]&0x40 == 0 || len(payload) < 20 || payload[0] != 0 || payload[1] != 2 {
			continue
		}
		tables++
		sec := payload[1:]
		entry := 12 + int(binary.BigEndian.Uint16(sec[10:])&0x0fff)
		end := entry + 5 + len(descriptors)
		binary.BigEndian.PutUint16(sec[entry+3:], 0xf000|uint16(len(descriptors)))
		copy(sec[entry+5:], descriptors)
		binary.BigEndian.PutUint16(sec[1:], 0xb000|uint16(end+4-3))
		binary.BigEndian.PutUint32(sec[end:], crc(sec[:end]))
	}
	if tables == 0 {
		t.Fatal("there is no table")
	}
	return out
}
