package mediatest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/avc"

	"weir/media"
	"weir/media/codec"
	"weir/media/mediatest"
)

var rates = []media.Rational{{Num: 24000, Den: 1001}, {Num: 24, Den: 1}, {Num: 25, Den: 1}, {Num: 30000, Den: 1001}, {Num: 30, Den: 1},
	{Num: 50, Den: 1}, {Num: 60000, Den: 1001}, {Num: 60, Den: 1}, {}}

// TestTracksAreReal reads the parameter sets back, with our parser and mp4ff's.
func TestTracksAreReal(t *testing.T) {
	for _, size := range [][2]int{{1280, 720}, {1920, 1080}, {640, 360}, {720, 1280}, {854, 480}, {322, 242}, {3840, 2160}} {
		for _, rate := range rates {
			for _, reorder := range []bool{false, true} {
				track := mediatest.Video(size[0], size[1], rate, reorder)
				info, err := codec.ParseAVCC(track.Config)
				if err != nil {
					t.Fatal(err)
				}
				if info.Width != size[0] || info.Height != size[1] || info.FrameRate != rate || info.Reorder != reorder {
					t.Errorf("%v %v %v: %+v", size, rate, reorder, info.SPSInfo)
				}
				o, err := avc.ParseSPSNALUnit(info.SPS[0], true)
				if err != nil || int(o.Width) != size[0] || int(o.Height) != size[1] {
					t.Errorf("oracle: %+v, %v", o, err)
				}
				if _, err := avc.ParsePPSNALUnit(info.PPS[0], map[uint32]*avc.SPS{0: o}); err != nil {
					t.Errorf("pps: %v", err)
				}
			}
		}
	}
	for _, channels := range []int{1, 2, 6} {
		info, err := codec.ParseASC(mediatest.Audio(44100, channels).Config)
		if err != nil || info.SampleRate != 44100 || info.Channels != channels {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

func TestPackets(t *testing.T) {
	epoch := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, s := range map[string]*mediatest.Source{
		"plain":          {},
		"29.97 b-frames": {FrameRate: media.Rational{Num: 30000, Den: 1001}, BFrames: 2, GOPs: []int{60}, SampleRate: 48000},
		"irregular":      {GOPs: []int{15, 7, 60}, SampleRate: 44100, Channels: 1, Start: 5 * media.Second, Discontinuity: true},
		"delayed":        {BFrames: 3, GOPs: []int{48}, FrameRate: media.Rational{Num: 24, Den: 1}, Delayed: true},
		"audio only":     {NoVideo: true, SampleRate: 48000},
		"variable":       {Variable: true, Bitrate: 8_000_000, Epoch: epoch},
	} {
		t.Run(name, func(t *testing.T) {
			packets := s.Packets(10 * media.Second)
			last := map[*media.Track]*media.Packet{}
			shown := map[media.Time]bool{}
			bytes := 0
			for i, p := range packets {
				l := last[p.Track]
				if l == nil {
					if p.DTS != s.Start || !p.Key || p.Discontinuity != s.Discontinuity || p.Boundary != media.KeyBoundary && p.Track == packets[0].Track {
						t.Fatalf("first: %+v", p)
					}
				} else if p.DTS <= l.DTS || !s.Variable && l.DTS+l.Duration != p.DTS || s.Variable && l.Duration != 0 {
					t.Fatalf("packet %d at %d after %d+%d", i, p.DTS, l.DTS, l.Duration)
				}
				if i > 0 && p.DTS < packets[i-1].DTS {
					t.Fatal("not interleaved")
				}
				last[p.Track] = p
				if p.Kind() == media.Audio {
					continue
				}
				if p.Key && !s.Delayed && p.PTS != p.DTS {
					t.Errorf("key frame at %d shown at %d", p.DTS, p.PTS)
				}
				if s.Delayed && p.PTS < p.DTS || shown[p.PTS] {
					t.Errorf("frame at %d shown at %d", p.DTS, p.PTS)
				}
				shown[p.PTS] = true
				au, err := codec.Normalize(p.Data, 4)
				if err != nil || codec.IsKey(au) != p.Key {
					t.Fatalf("access unit: %v", err)
				}
				bytes += len(p.Data)
			}
			if want := cmpOr(s.Bitrate, 1_000_000) * 10 / 8; !s.NoVideo && (bytes < want*85/100 || bytes > want*115/100) {
				t.Errorf("%d bytes in 10 s, want %d", bytes, want)
			}
			if wall := packets[len(packets)-1].Wall; s.Epoch.IsZero() != wall.IsZero() {
				t.Errorf("wall %v", wall)
			}
		})
	}
}

func cmpOr(a, b int) int {
	if a != 0 {
		return a
	}
	return b
}

func TestSamePacketsAgain(t *testing.T) {
	s := &mediatest.Source{SampleRate: 48000, BFrames: 1}
	a, b := s.Packets(media.Second), s.Packets(media.Second)
	if len(a) != len(b) || len(a) < 70 {
		t.Fatalf("%d and %d packets", len(a), len(b))
	}
	for i := range a {
		if a[i] == b[i] || a[i].Track != b[i].Track || a[i].DTS != b[i].DTS || a[i].PTS != b[i].PTS || !bytes.Equal(a[i].Data, b[i].Data) {
			t.Fatalf("packet %d differs", i)
		}
	}
}
