package whip_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/mediatest"
)

// scale is one size of a picture.
type scale struct {
	track *webrtc.TrackLocalStaticRTP
	width int
	off   atomic.Bool // it is not sent for now
}

// lay makes the sizes of one picture, with these names, the last being the largest.
func (c *camera) lay(rids ...string) []*scale {
	c.r.t.Helper()
	var list []*scale
	var sender *webrtc.RTPSender
	for i, rid := range rids {
		k, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "v", "s", webrtc.WithRTPStreamID(rid))
		if err != nil {
			c.r.t.Fatal(err)
		}
		if sender == nil {
			sender = c.add(k)
		} else if err := sender.AddEncoding(k); err != nil {
			c.r.t.Fatal(err)
		}
		list = append(list, &scale{track: k, width: 320 << i})
	}
	return list
}

// expose sends all sizes until the test ends, each packet with the names by which it is
// known, as senders do that declare no SSRC.
func (c *camera) expose(list []*scale) {
	c.r.t.Helper()
	var sender *webrtc.RTPSender
	var mid string
	for _, tr := range c.pc.GetTransceivers() {
		if tr.Kind() == webrtc.RTPCodecTypeVideo {
			sender, mid = tr.Sender(), tr.Mid()
		}
	}
	ids := map[string]uint8{}
	for _, x := range sender.GetParameters().HeaderExtensions {
		ids[x.URI] = uint8(x.ID)
	}
	midID, ridID := ids["urn:ietf:params:rtp-hdrext:sdes:mid"], ids["urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"]
	if midID == 0 || ridID == 0 {
		c.r.t.Fatalf("extensions %v", ids)
	}
	stop := make(chan struct{})
	var done []chan struct{}
	for _, one := range list {
		over := make(chan struct{})
		done = append(done, over)
		go func() {
			defer close(over)
			c.send(one, func(p *rtp.Packet) error {
				if err := p.SetExtension(midID, []byte(mid)); err != nil {
					return err
				}
				if err := p.SetExtension(ridID, []byte(one.track.RID())); err != nil {
					return err
				}
				return one.track.WriteRTP(p)
			}, stop)
		}()
	}
	c.r.t.Cleanup(func() {
		close(stop)
		for _, d := range done {
			<-d
		}
	})
}

// send plays one size at its own pace.
func (c *camera) send(one *scale, write func(*rtp.Packet) error, stop chan struct{}) {
	source := &mediatest.Source{Width: one.width, Height: one.width * 9 / 16, GOPs: []int{15}, Bitrate: 300_000}
	var cutter codecs.H264Payloader
	seq := uint16(0)
	c.pace(source, stop, func(p *media.Packet, data []byte) error {
		if one.off.Load() {
			return nil
		}
		payloads := cutter.Payload(1100, data)
		for i, x := range payloads {
			seq++
			head := rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(p.DTS.In(90000)), Marker: i == len(payloads)-1}
			if err := write(&rtp.Packet{Header: head, Payload: x}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Of several sizes of a picture the largest is taken that comes: it is left when it stops,
// and taken again when it is back, each time at a key frame.
func TestSimulcast(t *testing.T) {
	r := newRig(t, nil)
	c := newBareCamera(r, (*webrtc.MediaEngine).RegisterDefaultCodecs, webrtc.ConfigureSimulcastExtensionHeaders)
	list := c.lay("low", "mid", "high")
	c.connect("/whip", "x")
	c.expose(list)
	s := r.Next(t)
	widthIs := func(want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("the picture is %d wide", want), func() bool {
			got := s.Packets(media.Video)
			return len(got) > 0 && got[len(got)-1].Track.Width == want
		})
	}
	widthIs(1280)
	list[2].off.Store(true)
	widthIs(640)
	list[2].off.Store(false)
	widthIs(1280)
	got := s.Wait(t, media.Video, 30)
	for i := 1; i < len(got); i++ {
		if got[i].Track != got[i-1].Track && !got[i].Key {
			t.Errorf("picture %d is of another size, and no key frame", i)
		}
		if got[i].DTS <= got[i-1].DTS {
			t.Errorf("picture %d is dated %v after the one before", i, (got[i].DTS - got[i-1].DTS).Duration())
		}
	}
}

// OBS declares its layers without SSRCs, the largest first, and wants all of them taken.
func TestOBSLayers(t *testing.T) {
	r := newRig(t, nil)
	c, list := newOBS(r, "2", "1", "0")
	up := c.connected()
	res, answer := r.obs(http.MethodPost, r.base+"/whip", "x", obsOffer(t, c.pc, "H264", "0", "1", "2"))
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s", res.StatusCode, answer)
	}
	if !strings.Contains(answer, "a=simulcast:recv 0;1;2\r\n") { // OBS counts them, and gives up when one is missing
		t.Fatalf("answer %s", answer)
	}
	c.answered(answer)
	<-up
	c.expose(list)
	s := r.Next(t)
	s.Wait(t, media.Video, 30)
	got := s.Packets(media.Video)
	if !slices.ContainsFunc(got, func(p *media.Packet) bool { return p.Track.Width == 1280 }) {
		t.Errorf("the largest of the layers is not taken, but one of %d", got[len(got)-1].Track.Width)
	}
}
