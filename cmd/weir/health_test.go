package main

import (
	"slices"
	"testing"
	"time"

	"weir/media"
	"weir/media/hub"
	"weir/services/live"
)

// TestSoundsOf: all sounds of a stream, with what was told of each.
func TestSoundsOf(t *testing.T) {
	opus := func(language, label string) *media.Track {
		return &media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2, Language: language, Label: label}
	}
	var h hub.Hub
	for id, tracks := range map[media.StreamID][]*media.Track{
		"x":         {{Kind: media.Video, Codec: media.VP8}, opus("en", "")},
		"x/sound-2": {opus("de", "Kommentar")},
		"x/sound-3": {opus("", "")},
		"x/audio-2": {opus("fr", "")},
	} {
		if _, err := h.Create(id, time.Now(), tracks); err != nil {
			t.Fatal(err)
		}
	}
	got := soundsOf(h.Get("x"), h.Sounds("x"))
	if want := []live.SoundTrack{{Codec: "opus", Language: "en"}, {Codec: "opus", Language: "de", Label: "Kommentar"}, {Codec: "opus"}}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
