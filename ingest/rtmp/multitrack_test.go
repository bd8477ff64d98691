package rtmp

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"weir/media"
	wire "weir/media/rtmp"
)

// multitrack is an audio message of Enhanced RTMP v2: AudioPacketType.Multitrack, the type
// of multitrack, and what follows.
func multitrack(kind, packet byte, parts ...[]byte) []byte {
	return append([]byte{0x95, kind<<4 | packet}, bytes.Join(parts, nil)...)
}

// sized is a track of a message that has several.
func sized(id byte, body []byte) []byte {
	n := len(body)
	return append([]byte{id, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

var (
	mp4a     = []byte("mp4a")
	opusName = []byte("Opus")
	opusHead = []byte("OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00")
)

// TestMultitrack: tracks of sound come in each of the three forms, beside sound that is
// not marked as one of several.
func TestMultitrack(t *testing.T) {
	x := newScript(t)
	x.videoConfig(0, avcConfig)
	x.audioConfig(0)
	x.send(wire.TypeAudio, 0, multitrack(0, 0, mp4a, []byte{7}, aacConfig))                                              // OneTrack
	x.send(wire.TypeAudio, 0, multitrack(2, 0, mp4a, sized(3, aacConfig), opusName, sized(2, opusHead)))                 // ManyTracksManyCodecs
	x.send(wire.TypeAudio, 0, multitrack(1, 0, mp4a, sized(200, aacConfig), sized(0, aacConfig), sized(201, aacConfig))) // ManyTracks, two too many
	x.picture(0, 0, idr)
	x.sound(0)
	x.send(wire.TypeAudio, 20, multitrack(1, 1, mp4a, sized(3, []byte{3}), sized(7, []byte{7}), sized(0, []byte{1}), sized(200, []byte{2})))
	x.send(wire.TypeAudio, 40, multitrack(2, 1, opusName, sized(2, []byte{2}), mp4a, sized(7, []byte{77})))
	tracks, packets := x.s.got()
	var codecs []media.Codec
	for _, track := range tracks {
		codecs = append(codecs, track.Codec)
	}
	if want := []media.Codec{media.H264, media.AAC, media.AAC, media.AAC, media.Opus}; !slices.Equal(codecs, want) {
		t.Errorf("tracks %v, want %v", codecs, want)
	}
	var got []string
	for _, p := range packets[1:] {
		got = append(got, fmt.Sprintf("%d:%v:%d", p.Sound, p.Track.Codec, p.Data[0]))
	}
	if want := []string{fmt.Sprintf("0:aac:%d", aacFrame[0]), "2:aac:3", "1:aac:7", "0:aac:1", "3:opus:2", "1:aac:77"}; !slices.Equal(got, want) {
		t.Errorf("packets %v, want %v", got, want)
	}
	if x.s.spare != [2]int{0, 2} {
		t.Errorf("%v are left out", x.s.spare)
	}
}

// TestMultitrackIsBounded: a flood of track ids, and what is broken in one track, costs
// the others nothing.
func TestMultitrackIsBounded(t *testing.T) {
	x := newScript(t)
	x.videoConfig(0, avcConfig)
	x.audioConfig(0)
	for id := range 256 {
		x.send(wire.TypeAudio, 0, multitrack(0, 0, []byte("zzzz"), []byte{byte(id | 1)}, aacConfig)) // of no known codec
		x.send(wire.TypeVideo, 0, []byte{0x96, 0x00}, []byte("avc1"), []byte{byte(id | 1)}, avcConfig)
	}
	if len(x.sounds) != 1 || x.s.spare != [2]int{128, 128} {
		t.Errorf("%d sounds, %v are left out", len(x.sounds), x.s.spare)
	}
	for id := range 256 {
		x.send(wire.TypeAudio, 0, multitrack(0, 0, mp4a, []byte{byte(id)}, aacConfig))
	}
	x.send(wire.TypeAudio, 0, multitrack(2, 1, []byte("zzzz"), sized(1, []byte{9}), mp4a, sized(2, []byte{8}), mp4a, sized(0, []byte{7})))
	x.picture(0, 0, idr)
	if _, packets := x.s.got(); len(x.sounds) != media.MaxSounds || len(packets) != 3 {
		t.Errorf("%d sounds, %d packets", len(x.sounds), len(packets))
	}
}

// TestSoundsAreNamed: onMetaData tells the language and the name of each sound, before
// its configuration or after it, and how many there will be.
func TestSoundsAreNamed(t *testing.T) {
	entry := func(pairs ...string) wire.Object {
		var o wire.Object
		for i := 0; i < len(pairs); i += 2 {
			o = append(o, wire.Property{Name: pairs[i], Value: pairs[i+1]})
		}
		return o
	}
	told := wire.Object{
		{Name: "videocodecid", Value: 7.0}, {Name: "audiocodecid", Value: 10.0},
		{Name: "audioTrackIdInfoMap", Value: wire.Object{
			{Name: "0", Value: entry("language", "en", "label", "Stadium")},
			{Name: "1", Value: entry("lang", "deu", "title", "Kommentar\x1b[31m\n")},
			{Name: "2", Value: entry("language", "nonsense!")},
			{Name: "2", Value: entry("language", "it")},
			{Name: "999", Value: entry("language", "fr")},
			{Name: "x", Value: 1.0},
		}},
	}
	for name, first := range map[string]bool{"before": true, "after": false} {
		t.Run(name, func(t *testing.T) {
			x := newScript(t)
			tell := func() { x.told(told) }
			if first {
				tell()
			}
			x.videoConfig(0, avcConfig)
			x.audioConfig(0)
			x.send(wire.TypeAudio, 0, multitrack(0, 0, mp4a, []byte{1}, aacConfig))
			if !first {
				tell()
			}
			x.picture(0, 0, idr)
			if tracks, _ := x.s.got(); tracks != nil {
				t.Errorf("the third sound is not waited for: %v", tracks)
			}
			x.send(wire.TypeAudio, 0, multitrack(0, 0, mp4a, []byte{2}, aacConfig))
			x.sound(0)
			var got []string
			tracks, _ := x.s.got()
			for _, track := range tracks[1:] {
				got = append(got, track.Language+":"+track.Label)
			}
			if want := []string{"en:Stadium", "de:Kommentar[31m", ":"}; !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}
