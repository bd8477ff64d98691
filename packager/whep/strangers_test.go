package whep_test

import (
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"weir/media/mediatest"
)

// Each SSRC that a viewer names costs memory as long as it is there: one that makes them up
// is sent away. Those who name what there is stay.
func TestSendersThatAreNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.live("x", &mediatest.Source{GOPs: []int{15}})
	honest, hostile := watch(r, "x"), watch(r, "x")
	picture := honest.wait("pictures", webrtc.RTPCodecTypeVideo, many(30))[0].SSRC
	hostile.wait("pictures", webrtc.RTPCodecTypeVideo, many(30))
	named := uint32(0)
	eventually(t, "who names many SSRCs is gone", func() bool {
		var made []rtcp.Packet
		for range 10 {
			named++
			made = append(made, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: named})
		}
		_ = hostile.pc.WriteRTCP(made) // it fails at the end
		if err := honest.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: named, MediaSSRC: picture}}); err != nil {
			t.Fatal(err)
		}
		return r.handler.Viewers() == 1
	})
	honest.mu.Lock()
	got := len(honest.packets[webrtc.RTPCodecTypeVideo])
	honest.mu.Unlock()
	honest.wait("more pictures", webrtc.RTPCodecTypeVideo, many(got+100))
}
