//go:build cgo

package loudness

import (
	"errors"
	"math"
	"testing"

	"weir/media"
	"weir/media/av"
)

// tone is a second of AAC whose channels have these amplitudes.
func tone(t testing.TB, left, right float64) []*media.Packet {
	t.Helper()
	e, err := av.OpenSoundEncoder(128_000)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	l, r := make([]float32, av.SoundRate), make([]float32, av.SoundRate)
	for i := range l {
		x := math.Sin(2 * math.Pi * 440 * float64(i) / av.SoundRate)
		l[i], r[i] = float32(left*x), float32(right*x)
	}
	f, err := av.NewSound(l, r, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Free()
	if err := e.Send(f); err != nil {
		t.Fatal(err)
	}
	var out []*media.Packet
	for {
		p, err := e.Receive()
		if err != nil {
			return out
		}
		out = append(out, &media.Packet{Track: e.Track(), DTS: p.DTS, PTS: p.PTS, Key: true, Data: p.Data})
	}
}

func TestMeasure(t *testing.T) {
	for name, tt := range map[string]struct{ left, right, mean, peak float64 }{
		"loud":        {1, 1, -3, 0},
		"usual":       {0.1, 0.1, -23, -20},
		"one channel": {0, 0.1, -23, -20},
		"faint":       {0.001, 0.001, -63, -60},
		"silent":      {0, 0, Silence, Silence},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Measure(tone(t, tt.left, tt.right)[5:15])
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.Mean-tt.mean) > 1 || math.Abs(got.Peak-tt.peak) > 1 {
				t.Errorf("%+v, want %+v", got, tt)
			}
		})
	}
	if _, err := Measure(nil); !errors.Is(err, ErrTooShort) {
		t.Errorf("no packets: %v", err)
	}
	broken := tone(t, 1, 1)[5:15]
	for _, p := range broken {
		p.Data = []byte{0xff, 0xff, 0xff}
	}
	if got, err := Measure(broken); err == nil {
		t.Errorf("broken packets are %+v loud", got)
	}
	if n := av.Live(); n.Frames != 0 || n.Contexts != 0 {
		t.Errorf("left over: %+v", n)
	}
}

func BenchmarkMeasure(b *testing.B) {
	packets := tone(b, 0.1, 0.1)[5:15]
	for b.Loop() {
		if _, err := Measure(packets); err != nil {
			b.Fatal(err)
		}
	}
}
