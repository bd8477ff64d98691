package cmaf

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
	"weir/media/mediatest"
)

var wall = time.Date(2026, 11, 23, 13, 15, 17, 633_000_000, time.UTC)

// chunkOf makes the chunk of packets, whole.
func chunkOf(packets []*media.Packet, c Chunk) []byte {
	c.Scale, c.TrackID, c.Decode = Timescale(packets[0].Track), 1, packets[0].DTS
	for _, p := range packets {
		c.Samples = append(c.Samples, Sample{Duration: p.Duration, Offset: p.PTS - p.DTS, Size: len(p.Data), Key: p.Key})
	}
	b := c.AppendHeader(make([]byte, 0, c.Size()))
	for _, p := range packets {
		b = append(b, p.Data...)
	}
	return b
}

// only are the packets of one kind in the first d of a source.
func only(s *mediatest.Source, kind media.Kind, d media.Time) []*media.Packet {
	var list []*media.Packet
	for _, p := range s.Packets(d) {
		if p.Kind() == kind {
			list = append(list, p)
		}
	}
	return list
}

func TestChunkGolden(t *testing.T) {
	key := func(key ...bool) []Sample {
		var list []Sample
		for i, k := range key {
			list = append(list, Sample{Duration: media.Second / 30, Size: 1000 + i, Key: k})
		}
		return list
	}
	offsets := key(true, false, false)
	offsets[1].Offset, offsets[2].Offset = media.Second/30, -media.Second/30
	odd := key(true, true)
	odd[1].Duration = media.Second / 60
	event := Event{Scheme: "urn:weir:test", Value: "1", Scale: 90000, Time: 1 << 33, Duration: 90000, ID: 7, Data: []byte("hello")}
	for name, c := range map[string]Chunk{
		"first":     {Styp: true, Wall: wall, Samples: key(true, false, false, false)},
		"later":     {Samples: key(false, false, false)},
		"audio":     {Wall: wall, Samples: key(true, true, true)},
		"mixed":     {Samples: key(false, true, false)},
		"b-frames":  {Samples: offsets},
		"durations": {Samples: odd},
		"event":     {Styp: true, Wall: wall, Events: []Event{event}, Samples: key(true)},
		"far":       {Decode: 400 * 24 * 3600 * media.Second, Samples: key(true)},
	} {
		t.Run(name, func(t *testing.T) {
			c.Scale, c.TrackID, c.Sequence = 90000, 1, 5
			b := c.AppendHeader(make([]byte, 0, c.Size()))
			for _, s := range c.Samples {
				b = append(b, make([]byte, s.Size)...)
			}
			if len(b) != c.Size() || cap(b) != c.Size() {
				t.Errorf("%d bytes, Size says %d", len(b), c.Size())
			}
			var text bytes.Buffer
			for at := 0; at < len(b); {
				box, err := mp4.DecodeBox(uint64(at), bytes.NewReader(b[at:]))
				if err != nil {
					t.Fatal(err)
				}
				if err := box.Info(&text, "all:1", "", "  "); err != nil {
					t.Fatal(err)
				}
				at += int(box.Size())
			}
			golden(t, "chunk-"+name, text.Bytes())
		})
	}
}

// TestSegmentReadsBack writes segments as chunks and reads them with mp4ff.
func TestSegmentReadsBack(t *testing.T) {
	type source = mediatest.Source
	for name, c := range map[string]struct {
		source source
		kind   media.Kind
		each   int // samples in a chunk
	}{
		"30":             {source{}, media.Video, 6},
		"23.976 b":       {source{FrameRate: media.Rational{Num: 24000, Den: 1001}, BFrames: 2, GOPs: []int{48}}, media.Video, 5},
		"59.94 b":        {source{FrameRate: media.Rational{Num: 60000, Den: 1001}, BFrames: 3, Start: 1e15}, media.Video, 12},
		"one by one":     {source{GOPs: []int{1, 2, 3}}, media.Video, 1},
		"keys inside":    {source{GOPs: []int{4}}, media.Video, 10},
		"audio 48":       {source{SampleRate: 48000}, media.Audio, 9},
		"audio 44.1":     {source{SampleRate: 44100, Start: 12345}, media.Audio, 8},
		"audio 11.025":   {source{SampleRate: 11025}, media.Audio, 2},
		"two hours late": {source{Start: 2 * 3600 * media.Second}, media.Video, 6},
	} {
		t.Run(name, func(t *testing.T) {
			packets := only(&c.source, c.kind, 10*media.Second)
			scale := Timescale(packets[0].Track)
			segment, err := Init(packets[0].Track, 1)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(packets); i += c.each {
				part := packets[i:min(i+c.each, len(packets))]
				segment = append(segment, chunkOf(part, Chunk{Styp: i == 0, Wall: wall, Sequence: uint32(i + 1)})...)
			}
			samples := decode(t, segment)
			if len(samples) != len(packets) {
				t.Fatalf("%d samples of %d", len(samples), len(packets))
			}
			for i, s := range samples {
				p := packets[i]
				if s.DecodeTime != uint64(p.DTS.In(scale)) || int64(s.DecodeTime)+int64(s.CompositionTimeOffset) != p.PTS.In(scale) {
					t.Fatalf("sample %d at %d%+d, packet at %d, %d", i, s.DecodeTime, s.CompositionTimeOffset, p.DTS.In(scale), p.PTS.In(scale))
				}
				if i+1 < len(samples) && s.DecodeTime+uint64(s.Dur) != samples[i+1].DecodeTime {
					t.Fatalf("sample %d: %d+%d leads to %d", i, s.DecodeTime, s.Dur, samples[i+1].DecodeTime)
				}
				if !bytes.Equal(s.Data, p.Data) || mp4.IsSyncSampleFlags(s.Flags) != p.Key {
					t.Fatalf("sample %d: %d bytes, flags %x", i, len(s.Data), s.Flags)
				}
			}
		})
	}
}

// decode reads all samples of an initialised segment.
func decode(t *testing.T, data []byte) []mp4.FullSample {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Segments) != 1 {
		t.Fatalf("%d segments", len(f.Segments))
	}
	var all []mp4.FullSample
	for _, fragment := range f.Segments[0].Fragments {
		list, err := fragment.GetFullSamples(f.Init.Moov.Mvex.Trex)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, list...)
	}
	if err := f.Segments[0].Info(io.Discard, "all:1", "", " "); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChunkWithoutSamples(t *testing.T) {
	c := Chunk{Styp: true, Scale: 90000}
	if c.Size() != 0 || len(c.AppendHeader(nil)) != 0 {
		t.Error("a chunk of nothing has bytes")
	}
	c.Samples, c.Decode = []Sample{{Size: 1}}, -media.Second
	if b := c.AppendHeader(nil); len(b)+1 != c.Size() {
		t.Error("a chunk before time 0")
	}
}

func TestNTP(t *testing.T) {
	for at, want := range map[time.Time]uint64{
		time.Unix(0, 0):           2208988800 << 32,
		time.Unix(0, 500_000_000): 2208988800<<32 | 1<<31,
		time.Unix(2085978496, 0):  0, // 2036-02-07: the era ends
	} {
		if got := ntp(at); got != want {
			t.Errorf("%v: %x, want %x", at, got, want)
		}
	}
}

func TestPartAllocatesNothing(t *testing.T) {
	packets := only(&mediatest.Source{}, media.Video, media.Second/5)
	samples := make([]Sample, 0, len(packets))
	dst := make([]byte, 0, 1<<20)
	if n := testing.AllocsPerRun(20, func() {
		samples = samples[:0]
		for _, p := range packets {
			samples = append(samples, Sample{Duration: p.Duration, Offset: p.PTS - p.DTS, Size: len(p.Data), Key: p.Key})
		}
		c := Chunk{Styp: true, Scale: 90000, TrackID: 1, Decode: packets[0].DTS, Wall: wall, Samples: samples}
		if c.Size() > cap(dst) {
			t.Fatal("too long")
		}
		dst = c.AppendHeader(dst[:0])
		for _, p := range packets {
			dst = append(dst, p.Data...)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkPart asks what a part costs beyond the memory that it lives in, which
// is its one allocation.
func BenchmarkPart(b *testing.B) {
	for _, frames := range []int{1, 6, 12} {
		b.Run(fmt.Sprintf("frames=%d", frames), func(b *testing.B) {
			s := mediatest.Source{Bitrate: 5_000_000}
			packets := only(&s, media.Video, media.Time(frames)*media.Second/30)
			samples := make([]Sample, 0, frames)
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				samples = samples[:0]
				for _, p := range packets {
					samples = append(samples, Sample{Duration: p.Duration, Offset: p.PTS - p.DTS, Size: len(p.Data), Key: p.Key})
				}
				c := Chunk{Scale: 90000, TrackID: 1, Decode: packets[0].DTS, Wall: wall, Samples: samples}
				out = c.AppendHeader(make([]byte, 0, c.Size()))
				for _, p := range packets {
					out = append(out, p.Data...)
				}
			}
			b.SetBytes(int64(len(out)))
		})
	}
}
