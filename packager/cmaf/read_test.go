package cmaf_test

import (
	"bytes"
	"io"
	"testing"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager/cmaf"
)

// segment is two chunks of a source with B-frames, and their media bytes.
func segment(tb testing.TB) (data, samples []byte, packets []*media.Packet) {
	tb.Helper()
	src := &mediatest.Source{GOPs: []int{30}, BFrames: 2}
	packets = src.Packets(media.Second)
	rest := packets
	for len(rest) > 0 {
		n := min(15, len(rest))
		c := cmaf.Chunk{Styp: len(data) == 0, Sequence: 1, TrackID: 1, Scale: 90000, Decode: rest[0].DTS}
		for _, p := range rest[:n] {
			c.Samples = append(c.Samples, cmaf.Sample{Duration: p.Duration, Offset: p.PTS - p.DTS, Size: len(p.Data), Key: p.Key})
		}
		data = c.AppendHeader(data)
		for _, p := range rest[:n] {
			data, samples = append(data, p.Data...), append(samples, p.Data...)
		}
		rest = rest[n:]
	}
	return data, samples, packets
}

func TestWalk(t *testing.T) {
	data, samples, packets := segment(t)
	for name, r := range map[string]io.Reader{"a file": bytes.NewReader(data), "a stream": io.MultiReader(bytes.NewReader(data))} {
		var got []byte
		i := 0
		err := cmaf.Walk(r, func(f *cmaf.Fragment, media io.Reader) error {
			if f.Decode != uint64(packets[i].DTS.In(90000)) {
				t.Errorf("%s: a fragment at %d", name, f.Decode)
			}
			for _, s := range f.Samples {
				p := packets[i]
				i++
				if int(s.Size) != len(p.Data) || s.Key != p.Key || int64(s.Offset) != p.PTS.In(90000)-p.DTS.In(90000) || s.Duration != 3000 {
					t.Errorf("%s: sample %d: %+v of %+v", name, i, s, p.DTS)
				}
			}
			b, err := io.ReadAll(media)
			got = append(got, b...)
			return err
		})
		if err != nil || !bytes.Equal(got, samples) || i != len(packets) {
			t.Errorf("%s: %v, %d samples, %d bytes of %d", name, err, i, len(got), len(samples))
		}
		if n := 0; cmaf.Walk(bytes.NewReader(data), func(*cmaf.Fragment, io.Reader) error { n++; return nil }) != nil || n != 2 {
			t.Errorf("%d fragments when media is skipped", n)
		}
	}
}

func FuzzWalk(f *testing.F) {
	data, _, _ := segment(f)
	f.Add(data[:400])
	f.Add(data)
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = cmaf.Walk(bytes.NewReader(b), func(*cmaf.Fragment, io.Reader) error { return nil }) // it ends, and does not panic
	})
}

func TestConfig(t *testing.T) {
	src := &mediatest.Source{SampleRate: 48000}
	for i, track := range src.Tracks() {
		init, err := cmaf.Init(track, 1)
		if err != nil {
			t.Fatal(err)
		}
		codec, record, err := cmaf.Config(init)
		if i == 0 && (err != nil || codec != media.H264 || !bytes.Equal(record, track.Config)) {
			t.Errorf("%v %x (%v), want %x", codec, record, err, track.Config)
		}
		if i == 1 && err == nil {
			t.Error("sound has a codec of pictures")
		}
		for n := range init {
			_, _, _ = cmaf.Config(init[:n]) // it does not panic
		}
	}
}
