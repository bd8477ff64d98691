package whep_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/media/codec"
	"weir/media/mediatest"
	"weir/media/mediatest/relay"
)

// watchThrough connects over a network that stands before the server.
func watchThrough(r *rig, name string, network func(server int) *relay.Relay) *peer {
	r.t.Helper()
	p := newPeer(r)
	res, answer := r.request(http.MethodPost, r.base+name+"/whep", "application/sdp", p.offer())
	if res.StatusCode != http.StatusCreated {
		r.t.Fatalf("%d %s", res.StatusCode, answer)
	}
	var out strings.Builder
	var way *relay.Relay
	for line := range strings.Lines(answer) {
		f := strings.Fields(line)
		if !strings.HasPrefix(line, "a=candidate:") {
			out.WriteString(line)
			continue
		}
		if f[2] != "udp" || f[4] != "127.0.0.1" {
			continue // TCP, and the machine's other addresses
		}
		if way == nil {
			port, err := strconv.Atoi(f[5])
			if err != nil {
				r.t.Fatal(err)
			}
			way = network(port)
		}
		f[5] = strconv.Itoa(way.Addr().Port)
		out.WriteString(strings.Join(f, " ") + "\r\n")
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: out.String()}); err != nil {
		r.t.Fatal(err)
	}
	return p
}

// A viewer whose link becomes too narrow for the picture that it gets goes to a smaller
// one, and back when there is room again, in the same connection and without a hole in its
// numbers.
func TestRungsFollowTheLink(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.live("x", &mediatest.Source{Width: 1280, Height: 720, GOPs: []int{15}, Bitrate: 2_500_000})
	r.live("x/240p", &mediatest.Source{Width: 426, Height: 240, GOPs: []int{15}, Bitrate: 400_000})
	var way *relay.Relay
	p := watchThrough(r, "x", func(server int) *relay.Relay {
		var err error
		if way, err = relay.Open(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: server}, relay.Config{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(way.Close)
		return way
	})
	// wide waits until the last three key frames are so wide, and gives all that came.
	wide := func(width int) []*rtp.Packet {
		t.Helper()
		return p.wait(fmt.Sprintf("a picture %d wide", width), webrtc.RTPCodecTypeVideo, func(list []*rtp.Packet) bool {
			keys := 0
			for _, x := range slices.Backward(list) {
				if x.Payload[0]&0x1f != 7 { // SPS
					continue
				}
				info, err := codec.ParseSPS(x.Payload)
				if keys++; err != nil || info.Width != width {
					return false
				}
				if keys == 3 {
					return true
				}
			}
			return false
		})
	}
	wide(1280)
	way.SetRate(1_000_000)
	wide(426)
	way.SetRate(0)
	sent := len(wide(426))
	got := wide(1280)
	for _, x := range got {
		if x.SSRC != got[0].SSRC || x.PayloadType != got[0].PayloadType {
			t.Fatal("the picture goes on as another one")
		}
	}
	numbers := map[uint16]bool{}
	for _, x := range got[sent:] {
		numbers[x.SequenceNumber] = true
	}
	for n := got[sent].SequenceNumber; n != got[len(got)-1].SequenceNumber; n++ {
		if !numbers[n] {
			t.Fatalf("packet %d is missing, where there was room for all", n)
		}
	}
}
