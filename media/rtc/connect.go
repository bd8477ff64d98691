package rtc

import (
	"fmt"
	"slices"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Bounds of the bandwidth estimate of a viewer, bit/s.
const (
	firstEstimate = 4_000_000
	leastEstimate = 100_000
	mostEstimate  = 100_000_000
)

const mostRTCP = 1500 // bytes of a compound packet; what is longer is cut

// Outlet is a connection that only sends.
type Outlet struct {
	PC     *webrtc.PeerConnection
	Burst  *Burst
	sender *sender
}

// Rate is how much can be sent, by the viewer's own feedback, in bit/s. It does not grow far
// above what is sent. It may be asked from anywhere, as Congested may.
func (o *Outlet) Rate() int { return int(o.sender.rate.Load()) }

// Congested tells whether packets become later and later now, or are lost.
func (o *Outlet) Congested() bool { return o.sender.congested.Load() }

// Listen takes what the viewer says of a track until the connection ends: without it nothing
// is sent again, and the estimate stays as it is. wantKey is called when the viewer asks for a
// key frame.
func (o *Outlet) Listen(track *webrtc.RTPSender, wantKey func()) {
	b := make([]byte, mostRTCP)
	for {
		n, _, err := track.Read(b)
		if err != nil {
			return
		}
		if o.sender.listen(b[:n]) {
			wantKey()
		}
	}
}

// Close ends the connection.
func (o *Outlet) Close() {
	_ = o.PC.GracefulClose() // the peer may be gone already
	o.Burst.follow(nil)
}

// Viewer makes a connection for H.264 and Opus. The caller closes it, also when excess is
// called: the peer makes up senders then, each of which costs memory as long as the connection
// stands. excess may be called from anywhere and more than once, and must not wait.
func (p *Port) Viewer(excess func()) (*Outlet, error) {
	s := newSender()
	o := &Outlet{Burst: &Burst{wire: p.wire}, sender: s}
	m := &webrtc.MediaEngine{}
	if err := register(m, h264(), opus()); err != nil {
		return nil, err
	}
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, k); err != nil {
			return nil, fmt.Errorf("webrtc: %w", err)
		}
	}
	r := &interceptor.Registry{}
	r.Add(s)
	var err error
	if o.PC, err = p.connect(m, r, &inboxes{excess: excess}); err != nil {
		return nil, err
	}
	o.PC.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(o.Burst.follow)
	return o, nil
}

// Publisher makes a connection that only receives: H.264, H.265, AV1, VP8, VP9 and Opus,
// several layers of a picture too. The caller closes it; excess is as with Viewer.
func (p *Port) Publisher(excess func()) (*webrtc.PeerConnection, error) {
	m := &webrtc.MediaEngine{}
	if err := register(m, slices.Concat(h264(), newer(), vpx()), opus()); err != nil {
		return nil, err
	}
	r := &interceptor.Registry{}
	missing, err := nack.NewGeneratorInterceptor(nack.WithGeneratorLoggerFactory(p.logs))
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	r.Add(missing)
	reports, err := report.NewReceiverInterceptor(report.WithReceiverLoggerFactory(p.logs))
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	r.Add(reports)
	if err := webrtc.ConfigureSimulcastExtensionHeaders(m); err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	if err := webrtc.ConfigureTWCCSender(m, r); err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	return p.connect(m, r, &inboxes{media: mediaRoom, excess: excess})
}

func (p *Port) connect(m *webrtc.MediaEngine, r *interceptor.Registry, in *inboxes) (*webrtc.PeerConnection, error) {
	engine := p.engine
	engine.BufferFactory = in.open
	api := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(engine))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("webrtc: %w", err)
	}
	return pc, nil
}

// feedback is what is negotiated for pictures.
func feedback() []webrtc.RTCPFeedback {
	return []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}, {Type: webrtc.TypeRTCPFBTransportCC}}
}

// h264 are the forms of H.264 that browsers offer, packetization-mode 1 (RFC 6184)
// alone: constrained baseline, baseline, main, high.
func h264() []webrtc.RTPCodecParameters {
	var list []webrtc.RTPCodecParameters
	for i, profile := range []string{"42e01f", "42001f", "4d001f", "64001f"} {
		list = append(list, webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: webrtc.MimeTypeH264, ClockRate: 90000, RTCPFeedback: feedback(),
				SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=" + profile,
			},
			PayloadType: webrtc.PayloadType(102 + i),
		})
	}
	return list
}

// newer are H.265 (RFC 7798), Main and Main 10, and AV1, Main: what costs less bits and is
// taken after H.264, which has not to be encoded anew for most viewers.
func newer() []webrtc.RTPCodecParameters {
	var list []webrtc.RTPCodecParameters
	for i, c := range []webrtc.RTPCodecCapability{
		{MimeType: webrtc.MimeTypeH265, SDPFmtpLine: "profile-id=1;tier-flag=0;tx-mode=SRST"},
		{MimeType: webrtc.MimeTypeH265, SDPFmtpLine: "profile-id=2;tier-flag=0;tx-mode=SRST"},
		{MimeType: webrtc.MimeTypeAV1, SDPFmtpLine: "profile=0"},
	} {
		c.ClockRate, c.RTCPFeedback = 90000, feedback()
		list = append(list, webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: webrtc.PayloadType(45 + i)})
	}
	return list
}

// vpx are what browsers send that cannot or may not encode H.264.
func vpx() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: feedback()}, PayloadType: 96},
		{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP9, ClockRate: 90000, SDPFmtpLine: "profile-id=0", RTCPFeedback: feedback()}, PayloadType: 98},
	}
}

func opus() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1",
			RTCPFeedback: []webrtc.RTCPFeedback{{Type: webrtc.TypeRTCPFBTransportCC}},
		},
		PayloadType: 111,
	}}
}

func register(m *webrtc.MediaEngine, pictures, sounds []webrtc.RTPCodecParameters) error {
	for _, c := range pictures {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeVideo); err != nil {
			return fmt.Errorf("webrtc: %w", err)
		}
	}
	for _, c := range sounds {
		if err := m.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return fmt.Errorf("webrtc: %w", err)
		}
	}
	return nil
}
