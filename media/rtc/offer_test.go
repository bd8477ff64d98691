package rtc_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"weir/media/rtc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// offer is what a viewer offers, with no candidates.
func offer(t *testing.T) string {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		t.Fatal(err)
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.SDP
}

func TestParseOffer(t *testing.T) {
	good := offer(t)
	media := "m=video 9 UDP/TLS/RTP/SAVPF 96"
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"as it is":           {good, true},
		"LF alone":           {strings.ReplaceAll(good, "\r\n", "\n"), true},
		"empty":              {"", false},
		"CR alone":           {strings.ReplaceAll(good, "\r\n", "\r"), false},
		"CR alone, one":      {good + "a=x\ra=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n", false},
		"CR twice":           {good + "a=x\r\r\n", false},
		"many media":         {good + strings.Repeat(media+"\r\n", 100), false},
		"many media, by CR":  {good + strings.Repeat(media+"\r", 100) + "\n", false},
		"many media, by LF":  {good + strings.Repeat(media+"\n", 100), false},
		"cut short":          {good[:len(good)/2], false},
		"nobody's user name": {strings.ReplaceAll(good, "a=ice-ufrag:", "a=x:"), false},
	} {
		if _, err := rtc.ParseOffer(c.text); (err == nil) != c.ok || err != nil && !errors.Is(err, rtc.ErrOffer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No address that an offer names is dialled.
func TestNothingIsDialled(t *testing.T) {
	port, err := rtc.Open(t.Context(), rtc.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	var lc net.ListenConfig
	inside, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dialled := make(chan struct{})
	go func() {
		defer close(dialled)
		if c, err := inside.Accept(); err == nil {
			t.Errorf("%v was dialled", inside.Addr())
			c.Close()
		}
	}()
	_, number, err := net.SplitHostPort(inside.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	candidate := "a=candidate:1 1 tcp 2105524479 127.0.0.1 " + number + " typ host tcptype passive"
	o, err := rtc.ParseOffer(offer(t) + candidate + "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	pc, err := port.Publisher(func() {})
	if err != nil {
		t.Fatal(err)
	}
	checking := make(chan struct{})
	pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		if s == webrtc.ICEConnectionStateChecking {
			close(checking)
		}
	})
	if _, _, err = rtc.Answer(t.Context(), pc, o); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(pc.RemoteDescription().SDP, "candidate") {
		t.Error("a candidate of the offer is left")
	}
	if err := pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: strings.TrimPrefix(candidate, "a="), SDPMLineIndex: new(uint16)}); err != nil { // past ParseOffer
		t.Fatal(err)
	}
	<-checking
	if err := pc.GracefulClose(); err != nil {
		t.Error(err)
	}
	inside.Close()
	<-dialled
}
