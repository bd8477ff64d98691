package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"weir/bench/rig"
)

const (
	neighbours    = 8 // viewers of one network: the server bounds those
	feedbackEvery = 100 * time.Millisecond
	patience      = 20 * time.Second // for a picture
)

// crowd watches until ctx ends. It says "ready" when pictures come to all viewers.
func crowd(ctx context.Context, address string, viewers int) error {
	var all sync.WaitGroup
	fails, sockets := make(chan error, viewers), make(chan *socket, viewers)
	places := make(chan struct{}, 6) // who waits for a first picture
	all.Go(func() { lookAt(ctx, sockets) })
	for i := range viewers {
		places <- struct{}{}
		all.Go(func() {
			stay, err := view(ctx, address, net.IPv4(127, 0, 0, byte(2+i/neighbours)), sockets)
			<-places
			fails <- err
			if err == nil {
				stay()
			}
		})
	}
	for range viewers {
		if err := <-fails; err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(os.Stdout, "ready"); err != nil {
		return err
	}
	all.Wait()
	return nil
}

// view connects a viewer from an address, and returns when a picture comes; stay then
// tells the server how its packets arrive, until ctx ends.
func view(ctx context.Context, address string, from net.IP, sockets chan<- *socket) (stay func(), err error) {
	s, err := listen(from)
	if err != nil {
		return nil, err
	}
	sockets <- s
	pc, err := connection(s)
	if err != nil {
		return nil, err
	}
	if err := call(ctx, pc, s, address, from); err != nil {
		return nil, err
	}
	select {
	case <-s.seen:
	case <-time.After(patience):
		return nil, fmt.Errorf("no picture came to %v", from)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return func() {
		for rig.Sleep(ctx, feedbackEvery) == nil {
			if say := s.feedback(); len(say) > 0 {
				_ = pc.WriteRTCP(say) // not while its keys are being made
			}
		}
		_ = pc.GracefulClose() // it ends anyway
	}, nil
}

// connection is one that never sees its media, which stays with the socket.
func connection(s *socket) (*webrtc.PeerConnection, error) {
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		m.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, k)
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.TransportCCURI}, k); err != nil {
			return nil, err
		}
	}
	e := webrtc.SettingEngine{}
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	e.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: s}))
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if _, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return nil, err
		}
	}
	return pc, nil
}

// numbered is where an answer says how the numbers of packets are marked.
var numbered = regexp.MustCompile(`a=extmap:(\d+)\S* ` + regexp.QuoteMeta(sdp.TransportCCURI))

// call makes the offer from an address, and takes the answer.
func call(ctx context.Context, pc *webrtc.PeerConnection, s *socket, address string, from net.IP) error {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	answer, err := post(ctx, pc.LocalDescription().SDP, address, from)
	if err != nil {
		return err
	}
	if at := numbered.FindStringSubmatch(answer); at != nil {
		id, err := strconv.Atoi(at[1])
		if err != nil {
			return err
		}
		s.ext.Store(int32(id))
	}
	return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// post asks until there is a place.
func post(ctx context.Context, offer, address string, from net.IP) (answer string, err error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext,
	}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(offer))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/sdp")
		res, err := client.Do(req)
		if err != nil {
			return "", err
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		switch {
		case err != nil:
			return "", err
		case res.StatusCode == http.StatusTooManyRequests:
			if err := rig.Sleep(ctx, time.Second); err != nil {
				return "", err
			}
		case res.StatusCode != http.StatusCreated:
			return "", fmt.Errorf("%s: %s %s", address, res.Status, body)
		default:
			return string(body), nil
		}
	}
}
