package codec

import (
	"bytes"
	"errors"
	"testing"
)

// av1Header is the sequence header of av1Main; av1Delimiter and av1Pad are OBUs that a
// sample does not have.
const (
	av1Header    = "0000000cc4ff6736be4010"
	av1Delimiter = "1200"
	av1Pad       = "7a020000"
)

func TestAV1Unit(t *testing.T) {
	header, key, inter := "0a0b"+av1Header, "320410000000", "320430000000"
	for _, c := range []struct {
		name, in, out string
		key, header   bool
	}{
		{"key frame", header + key, header + key, true, true},
		{"delimiter and padding", av1Delimiter + header + av1Pad + key, header + key, true, true},
		{"no header", av1Delimiter + key, key, false, false},
		{"inter frame", header + inter, header + inter, false, true},
		{"hidden key frame", header + "320400000000", header + "320400000000", false, true},
		{"shown again", header + "1a0190", header + "1a0190", false, true},
		{"no size of the last", header + "3010000000", header + "3010000000", true, true},
		{"with an extension", header + "36000410000000", header + "36000410000000", true, true},
	} {
		in := unhex(t, c.in)
		out, seq, isKey, err := AV1Unit(in)
		if err != nil || !bytes.Equal(out, unhex(t, c.out)) || isKey != c.key || (seq != nil) != c.header {
			t.Errorf("%s: %x, header %x, key %v, %v", c.name, out, seq, isKey, err)
		}
		if c.in == c.out && &out[0] != &in[0] {
			t.Errorf("%s: was copied", c.name)
		}
	}
	for name, bad := range map[string]string{"nothing": "", "only a delimiter": av1Delimiter, "cut off": "320510000000", "no length": "32ff", "forbidden bit": "b200"} {
		if out, _, _, err := AV1Unit(unhex(t, bad)); err == nil || out != nil {
			t.Errorf("%s: %x, %v", name, out, err)
		}
	}
}

func TestAV1Config(t *testing.T) {
	header, want := unhex(t, av1Header), unhex(t, av1Main)
	got, err := AV1Config(nil, header)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
	longer := append(bytes.Clone(want), 0x2a, 0x00) // metadata, which is not ours to drop
	if got, err := AV1Config(longer, header); err != nil || &got[0] != &longer[0] {
		t.Errorf("the record was made anew: %x, %v", got, err)
	}
	if got, err := AV1Config(unhex(t, av1Ten), header); err != nil || !bytes.Equal(got, want) {
		t.Errorf("another header: %x, %v", got, err)
	}
	for n := range 9 {
		if got, err := AV1Config(nil, header[:n]); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d bytes of a header: %x, %v", n, got, err)
		}
	}
}

func FuzzAV1Unit(f *testing.F) {
	f.Add(unhex(f, av1Delimiter+"0a0b"+av1Header+av1Pad+"320410000000"))
	f.Add(unhex(f, "36000410000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, header, key, err := AV1Unit(data)
		if err != nil {
			return
		}
		if len(out) > len(data) || key && header == nil {
			t.Errorf("%d bytes of %d, key %v, header %x", len(out), len(data), key, header)
		}
		again, _, sameKey, err := AV1Unit(out)
		if err != nil || sameKey != key || !bytes.Equal(again, out) {
			t.Errorf("not stable: %x, %v", again, err)
		}
		config, err := AV1Config(nil, header)
		if err != nil {
			return
		}
		if a, err := ParseAV1C(config); err == nil && (a.Width > maxSide || a.Height > maxSide) {
			t.Errorf("%+v", a)
		}
	})
}
