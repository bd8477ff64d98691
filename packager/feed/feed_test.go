package feed

import (
	"slices"
	"testing"
	"time"

	"weir/media"
	"weir/media/hub"
)

// TestOf: what was sent goes before what was made of it, and that before nothing.
func TestOf(t *testing.T) {
	track := func(c media.Codec) *media.Track { return &media.Track{Kind: c.Kind(), Codec: c} }
	for name, tt := range map[string]struct {
		sent  []media.Codec
		made  map[media.StreamID]media.Codec
		want  []string
		lacks bool
	}{
		"as it came":          {sent: []media.Codec{media.H264, media.AAC}, made: map[media.StreamID]media.Codec{"anna/source": media.H264, "anna/audio": media.AAC}, want: []string{"anna h264", "anna aac"}},
		"sound made":          {sent: []media.Codec{media.H264, media.Opus}, made: map[media.StreamID]media.Codec{"anna/audio": media.AAC}, want: []string{"anna h264", "anna/audio aac"}},
		"both made":           {sent: []media.Codec{media.VP8, media.Opus}, made: map[media.StreamID]media.Codec{"anna/source": media.H264, "anna/audio": media.AAC}, want: []string{"anna/source h264", "anna/audio aac"}},
		"no sound for it":     {sent: []media.Codec{media.H264, media.Opus}, want: []string{"anna h264"}},
		"no picture for it":   {sent: []media.Codec{media.VP8, media.AAC}, want: []string{"anna aac"}, lacks: true},
		"made, but not taken": {sent: []media.Codec{media.VP8}, made: map[media.StreamID]media.Codec{"anna/source": media.VP9}, lacks: true},
		"sound alone":         {sent: []media.Codec{media.AAC}, want: []string{"anna aac"}},
	} {
		var h hub.Hub
		var tracks []*media.Track
		for _, c := range tt.sent {
			tracks = append(tracks, track(c))
		}
		source, err := h.Create("anna", time.Now(), tracks)
		if err != nil {
			t.Fatal(err)
		}
		for id, c := range tt.made {
			if _, err := h.Create(id, time.Now(), []*media.Track{track(c)}); err != nil {
				t.Fatal(err)
			}
		}
		list, lacks := Of(&h, source, func(t *media.Track) bool { return t.Codec == media.H264 || t.Codec == media.AAC })
		var got []string
		for _, f := range list {
			got = append(got, string(f.Stream.ID())+" "+f.Track.Codec.String())
		}
		if !slices.Equal(got, tt.want) || lacks != tt.lacks {
			t.Errorf("%s: %q, lacks %v", name, got, lacks)
		}
	}
}
