package hub_test

import (
	"errors"
	"io"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	video = &media.Track{Kind: media.Video, Codec: media.H264}
	audio = &media.Track{Kind: media.Audio, Codec: media.AAC}
)

func TestReadersAreIndependent(t *testing.T) {
	var h hub.Hub
	s, err := h.Create("x", time.Now(), []*media.Track{video, audio})
	if err != nil {
		t.Fatal(err)
	}
	fast, slow := s.Subscribe(ring.Limits{}), s.Subscribe(ring.Limits{Items: 3})
	for i := range 9 {
		s.Write(&media.Packet{Track: video, DTS: media.Time(i), Key: i%4 == 0, Data: []byte{1}})
	}
	s.Close()
	for i := range 9 {
		if p, err := fast.Read(t.Context()); err != nil || p.DTS != media.Time(i) {
			t.Fatalf("fast reader: %v at packet %d", err, i)
		}
	}
	p, err := slow.Read(t.Context())
	if err != nil || !p.Key {
		t.Fatalf("slow reader goes on with %+v, %v; want a key frame", p, err)
	}
	if slow.Dropped() == 0 {
		t.Error("loss was not counted")
	}
	for err == nil {
		_, err = slow.Read(t.Context())
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

func TestAudioIsNoRestartPointBesideVideo(t *testing.T) {
	var h hub.Hub
	s, _ := h.Create("x", time.Now(), []*media.Track{video, audio})
	defer s.Close()
	r := s.Subscribe(ring.Limits{Items: 1})
	s.Write(&media.Packet{Track: video, DTS: 1, Key: true})
	s.Write(&media.Packet{Track: video, DTS: 2})
	s.Write(&media.Packet{Track: audio, DTS: 3, Key: true})
	if r.Len() != 0 {
		t.Error("audio was queued before the next key frame")
	}
	s.Write(&media.Packet{Track: video, DTS: 4, Key: true})
	if p, _ := r.Read(t.Context()); p.DTS != 4 {
		t.Errorf("goes on at %d", p.DTS)
	}
}

func TestSubscribeKind(t *testing.T) {
	var h hub.Hub
	s, _ := h.Create("x", time.Now(), []*media.Track{video, audio})
	r := s.SubscribeKind(media.Audio, ring.Limits{Items: 2})
	for i := range 9 {
		s.Write(&media.Packet{Track: video, DTS: media.Time(i)})
		s.Write(&media.Packet{Track: audio, DTS: media.Time(i), Key: true})
	}
	s.Close()
	p, err := r.Read(t.Context())
	if err != nil || p.Track != audio || p.DTS != 8 { // sound needs no key frame to go on
		t.Errorf("%+v, %v", p, err)
	}
}

func TestNamesAreUnique(t *testing.T) {
	ended := 0
	h := hub.Hub{OnEnd: func(*hub.Stream) { ended++ }}
	s, _ := h.Create("x", time.Now(), nil)
	if _, err := h.Create("x", time.Now(), nil); !errors.Is(err, hub.ErrExists) {
		t.Errorf("second: %v", err)
	}
	s.Close()
	s.Close()
	if ended != 1 {
		t.Errorf("OnEnd was called %d times", ended)
	}
	if _, err := h.Create("x", time.Now(), nil); err != nil {
		t.Errorf("after the end: %v", err)
	}
	if r := s.Subscribe(ring.Limits{}); r != nil {
		if _, err := r.Read(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("reader of an ended stream: %v", err)
		}
	}
}

// Sounds are the further ones of a publisher alone, in order, as long as they are live.
func TestSounds(t *testing.T) {
	var h hub.Hub
	for _, id := range []media.StreamID{"x", "x/audio-2", media.StreamID("x").Sound(2), media.StreamID("x").Sound(1), media.StreamID("y").Sound(3)} {
		if _, err := h.Create(id, time.Now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	list := h.Sounds("x")
	if len(list) != 2 || list[0].ID() != "x/sound-2" || list[1].ID() != "x/sound-3" {
		t.Fatalf("%v", list)
	}
	list[0].Close()
	if left := h.Sounds("x"); len(left) != 1 || left[0] != list[1] {
		t.Errorf("%v", left)
	}
	for _, s := range h.Streams() {
		s.Close()
	}
}

func BenchmarkHubWrite(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run("readers="+strconv.Itoa(n), func(b *testing.B) {
			var h hub.Hub
			s, _ := h.Create("x", time.Now(), []*media.Track{audio})
			defer s.Close()
			for range n {
				s.Subscribe(ring.Limits{Items: 64})
			}
			p := &media.Packet{Track: audio, Key: true, Data: make([]byte, 400)}
			b.ReportAllocs()
			for b.Loop() {
				s.Write(p)
			}
		})
	}
}
