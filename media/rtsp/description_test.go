package rtsp

import (
	"strings"
	"testing"
)

// TestLegible: two layers of sound, the second configured as the first, are a panic of the
// library.
func TestLegible(t *testing.T) {
	const head = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=audio 0 RTP/AVP 96\r\na=rtpmap:96 MP4A-LATM/48000/2\r\na=fmtp:96 cpresent=0;config="
	for body, want := range map[string]bool{
		head + "400023203fc0\r\n": true,
		head + "400223203fe3fc":   false,
		head + "no hex\r\n":       true, // an error is the library's
		"":                        true,
		strings.Repeat("m=", 100): true,
	} {
		if got := Legible([]byte(body)); (string(got) == body) != want {
			t.Errorf("%q: %q", body, got)
		}
	}
}

// FuzzLegible: no description gets a panic through.
func FuzzLegible(f *testing.F) {
	f.Add([]byte("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := Legible(body); got != nil && string(got) != string(body) {
			t.Errorf("it was changed: %q", got)
		}
		_ = Medias(Legible(body))
	})
}
