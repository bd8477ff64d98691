//go:build cgo

package av_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"math"
	"os"
	"syscall"
	"testing"
	"time"

	"weir/media"
	"weir/media/av"
	"weir/media/testcard"
)

// noLeak holds libav's books at zero at the end of a test.
func noLeak(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if n := av.Live(); n != (av.Counts{}) {
			t.Errorf("left over: %+v", n)
		}
	})
}

// film makes n frames of the test card.
func film(t testing.TB, width, height, n int) []*av.Frame {
	t.Helper()
	card, err := testcard.New(width, height)
	if err != nil {
		t.Fatal(err)
	}
	pix := make([]byte, card.Size())
	frames := make([]*av.Frame, n)
	for i := range frames {
		at := media.FromScale(int64(i), 30)
		card.Draw(pix, at.Duration(), time.UnixMilli(at.Duration().Milliseconds()))
		if frames[i], err = av.NewPicture(width, height, pix, at); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, f := range frames {
			f.Free()
		}
	})
	return frames
}

func collect(t testing.TB, e *av.VideoEncoder) (out []av.Packet) {
	t.Helper()
	for {
		p, err := e.Receive()
		if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

func TestVideoGoesThere(t *testing.T) {
	for _, bframes := range []int{0, 2} {
		t.Run(fmt.Sprintf("bframes=%d", bframes), func(t *testing.T) {
			noLeak(t)
			frames := film(t, 320, 180, 60)
			e, err := av.OpenVideoEncoder(av.VideoConfig{Width: 320, Height: 180, Bitrate: 500_000, MaxBFrames: bframes, Lookahead: 2 * bframes,
				Signal: av.UsualSignal(320, 180)})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			d, err := av.OpenDecoder(e.Track())
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			keys := map[int]bool{0: true, 17: true, 40: true}
			var packets []av.Packet
			for i, f := range frames {
				if err := e.Send(f, keys[i]); err != nil {
					t.Fatal(err)
				}
				packets = append(packets, collect(t, e)...)
			}
			if err := e.Drain(); err != nil {
				t.Fatal(err)
			}
			packets = append(packets, collect(t, e)...)
			checkPackets(t, packets, frames, keys)
			checkPictures(t, d, packets, frames)
		})
	}
}

func checkPackets(t *testing.T, packets []av.Packet, frames []*av.Frame, keys map[int]bool) {
	t.Helper()
	if len(packets) != len(frames) {
		t.Fatalf("%d packets of %d frames", len(packets), len(frames))
	}
	for i, p := range packets {
		if p.DTS != frames[i].PTS {
			t.Errorf("packet %d has DTS %d, want %d", i, p.DTS, frames[i].PTS)
		}
		if p.Key != keys[i] || p.Key && p.PTS != p.DTS {
			t.Errorf("packet %d: key %v, PTS-DTS %v", i, p.Key, p.PTS-p.DTS)
		}
	}
}

func checkPictures(t *testing.T, d *av.Decoder, packets []av.Packet, frames []*av.Frame) {
	t.Helper()
	n := 0
	pull := func() {
		for {
			f, err := d.Receive()
			if errors.Is(err, av.ErrAgain) || errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			pix, err := f.Picture()
			if err != nil {
				t.Fatal(err)
			}
			ms, err := testcard.ReadClock(pix, f.Width(), f.Width(), f.Height())
			if f.PTS != frames[n].PTS || err != nil || int64(ms) != f.PTS.Duration().Milliseconds() {
				t.Errorf("frame %d: PTS %v, clock %d, %v", n, f.PTS.Duration(), ms, err)
			}
			if f.Signal.Or(av.Signal{}) != av.UsualSignal(320, 180) {
				t.Errorf("frame %d tells other colours: %+v", n, f.Signal)
			}
			f.Free()
			n++
		}
	}
	for _, p := range packets {
		if err := d.Send(p.Data, p.PTS); err != nil {
			t.Fatal(err)
		}
		pull()
	}
	if err := d.Drain(); err != nil {
		t.Fatal(err)
	}
	pull()
	if n != len(frames) {
		t.Errorf("%d frames came back of %d", n, len(frames))
	}
}

func TestDecoderHoldsNothingBack(t *testing.T) {
	noLeak(t)
	frames := film(t, 320, 180, 10)
	e, d := pair(t, av.VideoConfig{Width: 320, Height: 180, Bitrate: 500_000})
	defer e.Close()
	defer d.Close()
	for i, f := range frames {
		if err := e.Send(f, i == 0); err != nil {
			t.Fatal(err)
		}
		packets := collect(t, e)
		if len(packets) != 1 {
			t.Fatalf("frame %d: %d packets at once", i, len(packets))
		}
		if err := d.Send(packets[0].Data, packets[0].PTS); err != nil {
			t.Fatal(err)
		}
		got, err := d.Receive()
		if err != nil {
			t.Fatalf("frame %d does not come out at once: %v", i, err)
		}
		got.Free()
	}
}

func pair(t testing.TB, c av.VideoConfig) (*av.VideoEncoder, *av.Decoder) {
	t.Helper()
	e, err := av.OpenVideoEncoder(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := av.OpenDecoder(e.Track())
	if err != nil {
		t.Fatal(err)
	}
	return e, d
}

func TestEncoderDelay(t *testing.T) {
	noLeak(t)
	frames := film(t, 320, 180, 40)
	for _, ahead := range []int{0, 5, 10, 20} {
		e, err := av.OpenVideoEncoder(av.VideoConfig{Width: 320, Height: 180, Bitrate: 500_000, Lookahead: ahead})
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range frames {
			if err := e.Send(f, i == 0); err != nil {
				t.Fatal(err)
			}
			collect(t, e)
		}
		if e.Pending() != ahead {
			t.Errorf("rc-lookahead %d holds %d frames back", ahead, e.Pending())
		}
		e.Close()
	}
}

func TestScaler(t *testing.T) {
	noLeak(t)
	frames := film(t, 640, 360, 1)
	s := av.NewScaler(426, 240)
	defer s.Close()
	small, err := s.Scale(frames[0])
	if err != nil {
		t.Fatal(err)
	}
	defer small.Free()
	same, err := s.Scale(small)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Free()
	if small.Width() != 426 || small.Height() != 240 || same.Width() != 426 || small.PTS != frames[0].PTS {
		t.Errorf("%dx%d at %d", small.Width(), small.Height(), small.PTS)
	}
}

func TestDecoderSurvivesRubbish(t *testing.T) {
	noLeak(t)
	frames := film(t, 320, 180, 2)
	e, d := pair(t, av.VideoConfig{Width: 320, Height: 180, Bitrate: 500_000})
	defer e.Close()
	defer d.Close()
	var packets []av.Packet
	for _, f := range frames {
		if err := e.Send(f, true); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, collect(t, e)...)
	}
	for _, data := range [][]byte{nil, {0}, bytes.Repeat([]byte{255}, 1000), packets[0].Data[:3]} {
		if err := d.Send(data, 0); err != nil && !errors.Is(err, av.ErrCorrupt) {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
	if err := d.Send(packets[1].Data, packets[1].PTS); err != nil {
		t.Fatal(err)
	}
	f, err := d.Receive()
	if err != nil || f.PTS != packets[1].PTS {
		t.Fatalf("the next key frame: %v", err)
	}
	f.Free()
}

func TestOpenDecoderRefuses(t *testing.T) {
	noLeak(t)
	if _, err := av.OpenDecoder(&media.Track{Kind: media.Video}); !errors.Is(err, av.ErrUnsupported) {
		t.Errorf("no codec: %v", err)
	}
	if _, err := av.OpenDecoder(&media.Track{Kind: media.Audio, Codec: media.AAC, Config: []byte{0xff}}); err == nil {
		t.Error("a broken AudioSpecificConfig was taken")
	}
}

// TestDecoders opens what other programs made: the pictures are of 96 x 64, the
// sound is stereo at 48 kHz.
func TestDecoders(t *testing.T) {
	tests := []struct {
		codec media.Codec
		file  string
		first func(file []byte) []byte // the first packet
	}{
		{media.H265, "h265.hevc", whole},
		{media.AV1, "av1.ivf", firstOfIVF},
		{media.VP9, "vp9.ivf", firstOfIVF},
		{media.VP8, "vp8.ivf", firstOfIVF},
		{media.MP3, "mp3.mp3", func(file []byte) []byte { return file[:192] }},
		{media.AC3, "ac3.ac3", func(file []byte) []byte { return file[:384] }},
		{media.EAC3, "eac3.eac3", func(file []byte) []byte { return file[:384] }},
	}
	for _, tt := range tests {
		t.Run(tt.codec.String(), func(t *testing.T) {
			noLeak(t)
			file, err := os.ReadFile("testdata/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := av.OpenDecoder(&media.Track{Kind: tt.codec.Kind(), Codec: tt.codec, SampleRate: 48000, Channels: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Send(tt.first(file), media.Second); err != nil {
				t.Fatal(err)
			}
			if err := d.Drain(); err != nil {
				t.Fatal(err)
			}
			f, err := d.Receive()
			if err != nil {
				t.Fatal(err)
			}
			defer f.Free()
			isPicture := f.Width() == 96 && f.Height() == 64
			isSound := f.Samples() > 0 && f.SampleRate() == 48000
			if f.PTS != media.Second || isPicture != (tt.codec.Kind() == media.Video) || isSound == isPicture {
				t.Errorf("%dx%d, %d samples at %d Hz, PTS %d", f.Width(), f.Height(), f.Samples(), f.SampleRate(), f.PTS)
			}
		})
	}
}

func whole(file []byte) []byte { return file }

// firstOfIVF skips the file header of 32 bytes and the frame header of 12.
func firstOfIVF(file []byte) []byte {
	return file[44 : 44+binary.LittleEndian.Uint32(file[32:])]
}

func TestOpusHasADecoder(t *testing.T) {
	noLeak(t)
	d, err := av.OpenDecoder(&media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2,
		Config: []byte{0, 2, 1, 56, 0, 0, 187, 128, 0, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Send([]byte{0xfc, 0xff, 0xfe}, 0); err != nil { // 20 ms of silence
		t.Fatal(err)
	}
	f, err := d.Receive()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Free()
	if f.SampleRate() != 48000 {
		t.Errorf("%d Hz", f.SampleRate())
	}
}

func TestSoundStaysWhereItWas(t *testing.T) {
	noLeak(t)
	const total, start = 96000, 5 * media.Second
	left, right := make([]float32, total), make([]float32, total)
	testcard.Tone(left, right, 0)
	e, err := av.OpenSoundEncoder(128_000)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := av.OpenDecoder(e.Track())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	heard := make([]float32, total+4096)
	at := start
	listen := func() {
		for {
			p, err := e.Receive()
			if err != nil {
				return
			}
			if p.PTS != at {
				t.Fatalf("packet at %v, want %v", p.PTS.Duration(), at.Duration())
			}
			at += av.SoundDuration
			if err := d.Send(p.Data, p.PTS); err != nil {
				t.Fatal(err)
			}
			f, err := d.Receive()
			if err != nil {
				t.Fatal(err)
			}
			l, _, err := f.Sound()
			if err != nil {
				t.Fatal(err)
			}
			copy(heard[(f.PTS-start).In(av.SoundRate):], l)
			f.Free()
		}
	}
	for from := 0; from < total; from += 960 {
		f, err := av.NewSound(left[from:from+960], right[from:from+960], start+media.FromScale(int64(from), av.SoundRate))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Send(f); err != nil {
			t.Fatal(err)
		}
		f.Free()
		listen()
	}
	if err := e.Drain(); err != nil {
		t.Fatal(err)
	}
	listen()
	if lag := bestLag(left[47000:54000], heard, 47000); lag != 0 {
		t.Errorf("the sound is %d samples late", lag)
	}
}

// bestLag finds where piece is best heard around its place, in samples.
func bestLag(piece, heard []float32, at int) int {
	best, lag := math.Inf(-1), 0
	for d := -1100; d <= 1100; d++ {
		sum := 0.0
		for i, v := range piece {
			sum += float64(v) * float64(heard[at+d+i])
		}
		if sum > best {
			best, lag = sum, d
		}
	}
	return lag
}

func TestResampler(t *testing.T) {
	noLeak(t)
	var r av.Resampler
	defer r.Close()
	if f, err := r.Convert(nil); f != nil || err != nil {
		t.Errorf("nothing went in: %v, %v", f, err)
	}
	left, right := make([]float32, 1000), make([]float32, 1000)
	in, err := av.NewSound(left, right, 7)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Free()
	out, err := r.Convert(in)
	if err != nil || out.Samples() != 1000 || out.SampleRate() != 48000 {
		t.Fatalf("%v, %v", out, err)
	}
	out.Free()
}

func TestJPEG(t *testing.T) {
	noLeak(t)
	frames := film(t, 1280, 720, 1)
	data, err := av.JPEG(frames[0], 640, 5)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if s := img.Bounds().Size(); s.X != 640 || s.Y != 360 {
		t.Errorf("%v", s)
	}
	r, g, b, _ := img.At(90, 70).RGBA() // the first bar, 0xe8e8e8
	if r>>8 < 220 || g>>8 < 220 || b>>8 < 220 {
		t.Errorf("white is %d %d %d", r>>8, g>>8, b>>8)
	}
}

// BenchmarkEncoder asks what frames of lookahead cost and give: CPU time per
// second of 720p30, and the rate that the test card then takes of 2800 kbit/s.
func BenchmarkEncoder(b *testing.B) {
	frames := film(b, 1280, 720, 60)
	for _, ahead := range []int{0, 5, 10, 20} {
		b.Run(fmt.Sprintf("lookahead=%d", ahead), func(b *testing.B) {
			var bytes, count int
			before := cpu(b)
			for b.Loop() {
				e, err := av.OpenVideoEncoder(av.VideoConfig{Width: 1280, Height: 720, Bitrate: 2_800_000, Lookahead: ahead})
				if err != nil {
					b.Fatal(err)
				}
				for i, f := range frames {
					if err := e.Send(f, i == 0); err != nil {
						b.Fatal(err)
					}
					for _, p := range collect(b, e) {
						bytes += len(p.Data)
					}
				}
				count += len(frames)
				e.Close()
			}
			b.ReportMetric((cpu(b)-before)/(float64(count)/30), "cpu-s/s")
			b.ReportMetric(float64(bytes)*8/(float64(count)/30)/1000, "kbit/s")
		})
	}
}

func cpu(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
