package codec

import (
	"bytes"
	"errors"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
)

var (
	annexB = []byte{0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 2, 3, 0, 0, 0, 1, 0x68, 4, 0, 0, 1, 0x65, 5, 0, 0, 3, 1, 6, 0, 0}
	au     = []byte{0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 4, 0x67, 1, 2, 3, 0, 0, 0, 2, 0x68, 4, 0, 0, 0, 7, 0x65, 5, 0, 0, 3, 1, 6}
)

func TestAnnexB(t *testing.T) {
	got := AppendLengthPrefixed([]byte("x"), annexB)
	if !bytes.Equal(got[1:], au) || got[0] != 'x' {
		t.Errorf("got  %x\nwant %x", got, au)
	}
	back, err := AppendAnnexB(nil, au)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(AppendLengthPrefixed(nil, back), au) {
		t.Errorf("there and back: %x", back)
	}
	if oracle := avc.ConvertByteStreamToNaluSample(bytes.TrimRight(annexB, "\x00")); !bytes.Equal(oracle, au) {
		t.Errorf("oracle %x", oracle)
	}
	for _, junk := range [][]byte{nil, {1, 2, 3}, {0, 0, 1}, {0, 0, 1, 0, 0, 1, 0, 0, 0}} {
		if got := AppendLengthPrefixed(nil, junk); len(got) != 0 {
			t.Errorf("%x gave %x", junk, got)
		}
	}
	if got, err := AppendAnnexB([]byte{7}, au[:len(au)-1]); !errors.Is(err, ErrTruncated) || len(got) != 1 {
		t.Errorf("%x, %v", got, err)
	}
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		size int
		want []byte
		err  error
	}{
		{"as it is", au, 4, au, nil},
		{"2 bytes", []byte{0, 2, 9, 0xf0, 0, 1, 0x65}, 2, []byte{0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 1, 0x65}, nil},
		{"1 byte", []byte{2, 9, 0xf0, 1, 0x65}, 1, []byte{0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 1, 0x65}, nil},
		{"empty units", []byte{0, 0, 0, 0, 0, 0, 0, 1, 0x65, 0, 0, 0, 0}, 4, []byte{0, 0, 0, 1, 0x65}, nil},
		{"annex b in its place", annexB, 4, au, nil},
		{"zeros", make([]byte, 16), 4, nil, ErrInvalid},
		{"nothing", nil, 4, nil, ErrInvalid},
		{"cut in a length", au[:len(au)-8], 4, nil, ErrTruncated},
		{"cut in a unit", au[:len(au)-1], 4, nil, ErrTruncated},
		{"huge length", []byte{0xff, 0xff, 0xff, 0xff, 1}, 4, nil, ErrTruncated},
		{"only a start code", []byte{0, 0, 0, 1}, 4, nil, ErrInvalid},
		{"length size", au, 5, nil, ErrInvalid},
	} {
		got, err := Normalize(c.in, c.size)
		if !errors.Is(err, c.err) || !bytes.Equal(got, c.want) {
			t.Errorf("%s: %x, %v", c.name, got, err)
		}
	}
	got, _ := Normalize(au, 4)
	if &got[0] != &au[0] {
		t.Error("4-byte lengths were copied")
	}
	if n := testing.AllocsPerRun(10, func() {
		_, _ = Normalize(au, 4)
		IsKey(au)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestIsKeyAndParameterSets(t *testing.T) {
	if !IsKey(au) || IsKey(au[:len(au)-11]) || IsKey(nil) {
		t.Error("IsKey")
	}
	sps, pps := ParameterSets(au)
	if len(sps) != 1 || len(pps) != 1 || !bytes.Equal(sps[0], []byte{0x67, 1, 2, 3}) || !bytes.Equal(pps[0], []byte{0x68, 4}) {
		t.Errorf("%x %x", sps, pps)
	}
	if !IsKeyHEVC([]byte{0, 0, 0, 2, 19 << 1, 1}) || IsKeyHEVC([]byte{0, 0, 0, 2, 1 << 1, 1}) {
		t.Error("IsKeyHEVC")
	}
}
