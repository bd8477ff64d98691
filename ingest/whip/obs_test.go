package whip_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/ingest"
	"weir/media"
)

// What OBS 30 to 32 does (plugins/obs-webrtc, over libdatachannel), step by step. Only the
// media comes from pion.

// obsOffer is a description in the words that libdatachannel has for that of pc: sound
// first, no candidates, which OBS gathers after the answer, and few extensions. layers are
// those of the picture; none: it has a SSRC.
func obsOffer(t *testing.T, pc *webrtc.PeerConnection, picture string, layers ...string) string {
	t.Helper()
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	of := func(name string) string {
		_, rest, ok := strings.Cut(o.SDP, "a="+name+":")
		if !ok {
			t.Fatalf("no %s in %s", name, o.SDP)
		}
		value, _, _ := strings.Cut(rest, "\r\n")
		return value
	}
	ice := []string{"a=setup:actpass", "a=ice-ufrag:" + of("ice-ufrag"), "a=ice-pwd:" + of("ice-pwd")}
	ssrcs := map[webrtc.RTPCodecType]webrtc.SSRC{}
	for _, s := range pc.GetSenders() {
		ssrcs[s.Track().Kind()] = s.GetParameters().Encodings[0].SSRC
	}
	ssrc := func(k webrtc.RTPCodecType) []string {
		return []string{fmt.Sprintf("a=ssrc:%d cname:Xq8kP0aLr2Vt6NbC", ssrcs[k]), fmt.Sprintf("a=ssrc:%d msid:mZ81hQk2LpRw0TyS mZ81hQk2LpRw0TyS-%s", ssrcs[k], k)}
	}
	lines := []string{
		"v=0", "o=rtc 2890844526 0 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=group:LS 0 1", "a=msid-semantic:WMS *",
		"a=ice-options:trickle", "a=fingerprint:" + of("fingerprint"),
		"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendonly",
	}
	lines = append(lines, ssrc(webrtc.RTPCodecTypeAudio)...)
	lines = append(lines, "a=msid:mZ81hQk2LpRw0TyS mZ81hQk2LpRw0TyS-audio", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2",
		"a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1")
	lines = append(lines, ice...)
	lines = append(lines, "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:1",
		"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "a=sendonly")
	if len(layers) == 0 {
		lines = append(lines, ssrc(webrtc.RTPCodecTypeVideo)...)
	}
	lines = append(lines, "a=msid:mZ81hQk2LpRw0TyS mZ81hQk2LpRw0TyS-video")
	for _, l := range layers {
		lines = append(lines, "a=rid:"+l+" send")
	}
	if len(layers) > 0 {
		lines = append(lines, "a=simulcast:send "+strings.Join(layers, ";"))
	}
	lines = append(lines, "a=rtcp-mux", "a=rtpmap:96 "+picture+"/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 goog-remb")
	if picture == "H264" {
		lines = append(lines, "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1")
	}
	return strings.Join(append(lines, ice...), "\r\n") + "\r\n"
}

// obs is a request as OBS makes it by libcurl.
func (r *rig) obs(method, url, key, body string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("User-Agent", "Mozilla/5.0 (OBS-Studio/32.0.0; Linux x86_64; en-US)")
	if body != "" {
		req.Header.Set("Content-Type", "application/sdp")
		req.Header.Set("Expect", "100-continue")
	}
	return r.do(req)
}

// newOBS is a camera whose codecs have OBS's numbers. layers are those of its picture, the
// smallest first.
func newOBS(r *rig, layers ...string) (c *camera, list []*scale) {
	r.t.Helper()
	c = newBareCamera(r, webrtc.ConfigureSimulcastExtensionHeaders, func(m *webrtc.MediaEngine) error {
		h264 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000, SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: h264, PayloadType: 96}, webrtc.RTPCodecTypeVideo); err != nil {
			return err
		}
		opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
		return m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio)
	})
	c.load()
	c.add(c.audio)
	if len(layers) > 0 {
		return c, c.lay(layers...)
	}
	c.add(c.video)
	return c, nil
}

func TestOBS(t *testing.T) {
	r := newRig(t, nil, func(c *ingest.Config) { c.Reconnect = time.Hour })
	c, _ := newOBS(r)
	up := c.connected()
	res, answer := r.obs(http.MethodPost, r.base+"/whip", "x", obsOffer(t, c.pc, "H264"))
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", res.StatusCode, answer)
	}
	at := res.Header.Get("Location") // OBS takes a path for one of the same server
	if !strings.HasPrefix(at, "/live/whip/") || len(res.Header.Values("Location")) != 1 {
		t.Fatalf("Location %v", res.Header.Values("Location"))
	}
	for _, l := range res.Header.Values("Link") { // OBS throws at what is no server
		if !strings.HasPrefix(l, "<stun:") && !strings.HasPrefix(l, "<turn:") {
			t.Errorf("Link %s", l)
		}
	}
	// OBS looks for the beginning, and takes one address from the answer.
	if !strings.HasPrefix(answer, "v=0") || !strings.Contains(answer, "a=candidate") || !strings.Contains(answer, "a=setup:passive") && !strings.Contains(answer, "a=setup:active") {
		t.Fatalf("answer %s", answer)
	}
	c.answered(answer)
	<-up
	c.roll()
	s := r.Next(t)
	s.Wait(t, media.Video, 30)
	s.Wait(t, media.Audio, 30)
	s.Carries(t, 30, media.H264, media.Opus)
	// Stopped: the connection first, and then the goodbye.
	if err := c.pc.GracefulClose(); err != nil {
		t.Fatal(err)
	}
	res, _ = r.obs(http.MethodDelete, r.base+strings.TrimPrefix(at, "/live"), "x", "")
	if res.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %d", res.StatusCode)
	}
	<-s.Done() // and not after the time that a publisher is waited for
}
