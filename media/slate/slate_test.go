//go:build cgo

package slate_test

import (
	"errors"
	"testing"

	"weir/media"
	"weir/media/av"
	"weir/media/loudness"
	"weir/media/slate"
	"weir/media/testcard"
)

// shot is the first key frame of a test card, and the tracks of what made it.
func shot(t *testing.T, width, height int) (*media.Packet, []*media.Track) {
	t.Helper()
	c, err := testcard.OpenCamera(testcard.CameraConfig{Width: width, Height: height, FrameRate: media.Rational{Num: 25, Den: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	packets, err := c.Shoot()
	if err != nil || len(packets) == 0 || !packets[0].Key {
		t.Fatalf("no key frame: %v", err)
	}
	return packets[0], c.Tracks()
}

// luma decodes packets of one track and gives the mean brightness of each picture.
func luma(t *testing.T, packets []*media.Packet) (means []int) {
	t.Helper()
	d, err := av.OpenDecoder(packets[0].Track)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, p := range packets {
		if err := d.Send(p.Data, p.PTS); err != nil {
			t.Fatal(err)
		}
		f, err := d.Receive()
		if err != nil {
			t.Fatal(err)
		}
		pix, err := f.Picture()
		if err != nil || f.PTS != p.PTS {
			t.Errorf("picture at %v, not %v: %v", f.PTS, p.PTS, err)
		}
		sum, n := 0, f.Width()*f.Height()
		for _, y := range pix[:n] {
			sum += int(y)
		}
		means = append(means, sum/n)
		f.Free()
	}
	return means
}

// take gives n pictures and the sound beside them, checked for their times.
func take(t *testing.T, s *slate.Slate, n int) (pictures, sounds []*media.Packet) {
	t.Helper()
	for range n {
		packets, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		pictures, sounds = append(pictures, packets[0]), append(sounds, packets[1:]...)
	}
	for _, list := range [][]*media.Packet{pictures, sounds} {
		for i, p := range list {
			if want := media.Time(i) * list[0].Duration; p.DTS != want || p.PTS != want || !p.Slate {
				t.Fatalf("%v %d: %+v", p.Kind(), i, p)
			}
		}
	}
	if d := pictures[n-1].DTS - sounds[len(sounds)-1].DTS; d > media.Second/20 || -d > media.Second/20 {
		t.Errorf("sound and picture end %v apart", d.Duration())
	}
	return pictures, sounds
}

// A slate has the size and rate of what it stands for, shows the same darker, again and again, and
// cannot be heard.
func TestSlate(t *testing.T) {
	before := av.Live()
	key, tracks := shot(t, 320, 180)
	opus := *tracks[1]
	opus.Codec = media.Opus
	for name, c := range map[string]slate.Config{
		"as it was":    {Tracks: tracks, Key: key, Segment: media.Second},
		"no picture":   {Tracks: tracks, Segment: media.Second},
		"damaged":      {Tracks: tracks, Segment: media.Second, Key: &media.Packet{Track: tracks[0], Key: true, Data: []byte{0, 0, 0, 1, 0x65}}},
		"Opus":         {Tracks: []*media.Track{tracks[0], &opus}, Key: key, Segment: media.Second},
		"another size": {Tracks: []*media.Track{{Kind: media.Video, Codec: media.H265, Width: 321, Height: 201}, tracks[1]}, Key: key, Segment: media.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := slate.Open(c)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			pictures, sounds := take(t, s, 60)
			group := int(c.Segment / pictures[0].Duration)
			for i, p := range pictures {
				if p.Key != (i%group == 0) || i >= group && &p.Data[0] != &pictures[i-group].Data[0] {
					t.Fatalf("picture %d: key %v, or encoded again", i, p.Key)
				}
			}
			made, want := s.Tracks(), c.Tracks
			if made[0].Codec != media.H264 || made[0].Width != want[0].Width&^1 || made[0].Height != want[0].Height&^1 || made[1].Codec != want[1].Codec {
				t.Errorf("tracks %+v %+v", made[0], made[1])
			}
			bright := luma(t, []*media.Packet{key})[0]
			for i, y := range luma(t, pictures) {
				if plain := c.Key != key; plain != (y < 24) || y > bright*2/3 {
					t.Fatalf("picture %d has a brightness of %d, the last one had %d", i, y, bright)
				}
			}
			if l, err := loudness.Measure(sounds[:10]); err != nil || l.Peak > -80 {
				t.Errorf("sound: %+v %v", l, err)
			}
		})
	}
	if after := av.Live(); after != before {
		t.Errorf("libav holds %+v, before %+v", after, before)
	}
}

// Sound alone is silence; of nothing there is nothing.
func TestSlateOfSound(t *testing.T) {
	s, err := slate.Open(slate.Config{Tracks: []*media.Track{{Kind: media.Audio, Codec: media.MP3}}, Segment: media.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 100 {
		packets, err := s.Next()
		if err != nil || len(packets) != 1 || packets[0].DTS != media.Time(i)*av.SoundDuration || packets[0].Track.Codec != media.AAC {
			t.Fatalf("%d: %+v %v", i, packets, err)
		}
	}
	if _, err := slate.Open(slate.Config{Tracks: []*media.Track{{Kind: media.Video, Codec: media.H264}}}); !errors.Is(err, slate.ErrNothing) {
		t.Errorf("no size: %v", err)
	}
}

// Each of several sounds is silent in its own coding, and keeps its language.
func TestSlateOfSounds(t *testing.T) {
	_, tracks := shot(t, 320, 180)
	for i, c := range []media.Codec{media.Opus, media.AC3} {
		tracks = append(tracks, &media.Track{Kind: media.Audio, Codec: c, SampleRate: 48000, Channels: 2, Language: []string{"de", "fr"}[i], Label: "x"})
	}
	s, err := slate.Open(slate.Config{Tracks: tracks, Segment: media.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	made := s.Tracks()
	if len(made) != 4 || made[1].Codec != media.AAC || made[2].Codec != media.Opus || made[3].Codec != media.AAC || made[2].Language != "de" || made[3].Label != "x" {
		t.Errorf("%+v", made)
	}
	var ends [3]media.Time
	for range 50 {
		packets, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets[1:] {
			if p.Track != made[1+p.Sound] || p.DTS != ends[p.Sound] || !p.Slate {
				t.Fatalf("sound %d: %+v", p.Sound, p)
			}
			ends[p.Sound] += p.Duration
		}
	}
	for i, end := range ends {
		if d := end - 2*media.Second; d < 0 || d > media.Second/20 {
			t.Errorf("sound %d lasts %v", i, end.Duration())
		}
	}
}
