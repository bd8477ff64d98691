package mpegts

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/media"
	"weir/media/codec"
)

// kept takes what a Demuxer finds.
type kept struct {
	video, audio bool
	sounds       int
	tracks       []*media.Track
	packets      []*media.Packet
}

func (k *kept) Streams(video bool, sounds int) error {
	k.video, k.audio, k.sounds = video, sounds > 0, sounds
	return nil
}
func (k *kept) Track(_ int, t *media.Track) error { k.tracks = append(k.tracks, t); return nil }
func (k *kept) Packet(p *media.Packet) error      { k.packets = append(k.packets, p); return nil }

func (k *kept) of(kind media.Kind) []*media.Packet {
	return slices.DeleteFunc(slices.Clone(k.packets), func(p *media.Packet) bool { return p.Kind() != kind })
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read demuxes in pieces of size bytes.
func read(t *testing.T, d *Demuxer, ts []byte, size int) {
	t.Helper()
	for piece := range slices.Chunk(ts, size) {
		if err := d.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
}

// line is a packet as ffprobe tells it.
type line struct {
	pts, dts int64
	size     int
	key      bool
}

func probed(t *testing.T, name string, kind media.Kind) (list []line) {
	t.Helper()
	in := bufio.NewScanner(bytes.NewReader(load(t, name)))
	for in.Scan() {
		f := strings.Split(in.Text(), ",")
		if len(f) < 5 || f[0] != kind.String() {
			continue
		}
		pts, err1 := strconv.ParseInt(f[1], 10, 64)
		dts, err2 := strconv.ParseInt(f[2], 10, 64)
		size, err3 := strconv.Atoi(f[3])
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		list = append(list, line{pts, dts, size, strings.HasPrefix(f[4], "K")})
	}
	return list
}

// TestDemux compares with ffprobe what the files of ffmpeg hold; see testdata/README.md.
func TestDemux(t *testing.T) {
	for _, tt := range []struct {
		name     string
		video    media.Codec
		audio    media.Codec
		rate     int
		channels int
		head     int // bytes of an audio frame that ffprobe counts, and a packet does not have
	}{
		{"h264-aac", media.H264, media.AAC, 48000, 2, 7},
		{"hevc-ac3", media.H265, media.AC3, 48000, 2, 0},
		{"h264-mp2", media.H264, media.MP2, 48000, 2, 0},
		{"mp3", 0, media.MP3, 48000, 1, 0},
		{"eac3-441", 0, media.EAC3, 44100, 2, 0},
		{"ac3-441", 0, media.AC3, 44100, 2, 0},
		{"opus", 0, media.Opus, 48000, 2, 0},
	} {
		for _, size := range []int{188, 1316, 1, 100_000} {
			k := &kept{}
			read(t, New(0, k), load(t, tt.name+".ts"), size)
			if k.video != (tt.video != 0) || !k.audio {
				t.Errorf("%s: video %v, audio %v", tt.name, k.video, k.audio)
			}
			for _, p := range k.tracks {
				switch {
				case p.Kind == media.Video && (p.Codec != tt.video || p.Width != 64 || p.Height != 64):
					t.Errorf("%s: %v %dx%d", tt.name, p.Codec, p.Width, p.Height)
				case p.Kind == media.Audio && (p.Codec != tt.audio || p.SampleRate != tt.rate || p.Channels != tt.channels):
					t.Errorf("%s: %v, %d Hz, %d channels", tt.name, p.Codec, p.SampleRate, p.Channels)
				}
			}
			compare(t, tt.name, k, media.Video, 0)
			compare(t, tt.name, k, media.Audio, tt.head)
		}
	}
}

func compare(t *testing.T, name string, k *kept, kind media.Kind, head int) {
	t.Helper()
	want, got := probed(t, name+".txt", kind), k.of(kind)
	if len(got) != len(want) {
		t.Errorf("%s: %d packets of %v, not %d", name, len(got), kind, len(want))
		return
	}
	if len(got) == 0 {
		return
	}
	zero := got[0].DTS - media.FromScale(want[0].dts, clockRate)
	for i, p := range got {
		w := want[i]
		pts, dts := media.FromScale(w.pts, clockRate)+zero, media.FromScale(w.dts, clockRate)+zero
		near := func(a, b media.Time) bool { return a-b < media.Millisecond && b-a < media.Millisecond }
		if !near(p.PTS, pts) || !near(p.DTS, dts) || p.Key != w.key || kind == media.Audio && len(p.Data) != w.size-head {
			t.Errorf("%s: %v %d: %v %v key %v, %d bytes; want %v %v %+v", name, kind, i, p.PTS, p.DTS, p.Key, len(p.Data), pts, dts, w)
			return
		}
		if kind == media.Video && len(slices.Collect(codec.NALs(p.Data))) == 0 {
			t.Errorf("%s: picture %d has no NAL units", name, i)
		}
	}
}

// TestProgrammes: the first with a picture, or the one that was asked for.
func TestProgrammes(t *testing.T) {
	for _, tt := range []struct {
		programme    int
		video, audio bool
	}{{0, true, false}, {9, true, false}, {7, false, true}} {
		k := &kept{}
		read(t, New(tt.programme, k), load(t, "two.ts"), 188)
		if k.video != tt.video || k.audio != tt.audio || len(k.packets) == 0 {
			t.Errorf("programme %d: video %v, audio %v, %d packets", tt.programme, k.video, k.audio, len(k.packets))
		}
	}
	k := &kept{}
	read(t, New(1, k), load(t, "two.ts"), 188)
	if len(k.packets) > 0 {
		t.Error("a programme that is not there")
	}
}

// TestUnsupported: what cannot be decoded is told, not passed over.
func TestUnsupported(t *testing.T) {
	var e *UnsupportedError
	if err := New(0, &kept{}).Write(load(t, "mpeg2.ts")); !errors.As(err, &e) || e.What != "MPEG-2 video is not supported, send H.264" {
		t.Error(err)
	}
	ts := load(t, "mp3.ts")
	for at := 0; at < len(ts); at += packetSize {
		if ts[at+1]&0x1f == 1 && ts[at+2] == 0 { // PID 256
			ts[at+3] |= 0x80
		}
	}
	if err := New(0, &kept{}).Write(ts); !errors.As(err, &e) || !strings.Contains(e.What, "scrambled") {
		t.Error(err)
	}
}

// TestLoss: a lost packet costs its own unit, and no other.
func TestLoss(t *testing.T) {
	ts := load(t, "h264-aac.ts")
	whole := &kept{}
	read(t, New(0, whole), ts, packetSize)
	for lost := 3 * packetSize; lost < len(ts)*3/4; lost += 5 * packetSize { // the last unit's end is not known
		k := &kept{}
		d := New(0, k)
		read(t, d, append(slices.Clone(ts[:lost]), ts[lost+packetSize:]...), 1316)
		if n := len(whole.packets) - len(k.packets); n > 20 { // a unit of sound has many frames
			t.Errorf("%d packets less when one of the stream is lost at %d", n, lost)
		}
		for _, p := range k.of(media.Video) {
			if !slices.ContainsFunc(whole.packets, func(q *media.Packet) bool { return bytes.Equal(p.Data, q.Data) }) {
				t.Errorf("a broken picture after a loss at %d", lost)
			}
		}
	}
}

// TestGarbage: what is between packets is passed over, and counted.
func TestGarbage(t *testing.T) {
	ts := load(t, "h264-aac.ts")
	var mixed []byte
	for i, p := range slices.Collect(slices.Chunk(ts, packetSize)) {
		mixed = append(mixed, p...)
		if i%40 == 20 {
			mixed = append(mixed, bytes.Repeat([]byte{0}, i)...)
		}
	}
	whole, k := &kept{}, &kept{}
	read(t, New(0, whole), ts, packetSize)
	d := New(0, k)
	read(t, d, mixed, len(mixed))
	if d.Stats().Garbage == 0 || len(k.packets) < len(whole.packets)/2 {
		t.Errorf("%d of %d packets, %+v", len(k.packets), len(whole.packets), d.Stats())
	}
}

// FuzzDemuxer: any bytes give well-formed packets or an error.
func FuzzDemuxer(f *testing.F) {
	names, err := filepath.Glob("testdata/*.ts")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, ts []byte) {
		k := &kept{}
		d := New(0, k)
		if d.Write(ts) == nil {
			_ = d.Flush()
		}
		for _, p := range k.packets {
			if p.Track == nil || p.Sound < 0 || p.Sound >= media.MaxSounds || p.Kind() == media.Video && p.Sound != 0 || len(p.Data) == 0 || len(p.Data) > maxUnit*2 || p.Track.Kind == 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
