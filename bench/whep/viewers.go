package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"

	"weir/bench/rig"
)

// neighbours are the viewers of one network: the server bounds those.
const neighbours = 8

// crowd watches until ctx ends. It says "ready" when pictures come to all viewers.
func crowd(ctx context.Context, address string, viewers int) error {
	var all sync.WaitGroup
	fails := make(chan error, viewers)
	places := make(chan struct{}, 6) // who waits for a first picture
	for i := range viewers {
		places <- struct{}{}
		all.Add(1)
		go func() {
			defer func() { <-places }()
			fails <- view(ctx, address, net.IPv4(127, 0, 0, byte(2+i/neighbours)), all.Done)
		}()
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

// view connects a viewer from an address, and returns when a picture comes; over is called
// when it has left, after ctx has ended.
func view(ctx context.Context, address string, from net.IP, over func()) error {
	pc, err := connection()
	if err != nil {
		over()
		return err
	}
	seen := make(chan struct{}, 2)
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		buf := make([]byte, 1500)
		for first := true; ; first = false {
			if _, _, err := t.Read(buf); err != nil {
				return
			}
			if first && t.Kind() == webrtc.RTPCodecTypeVideo {
				seen <- struct{}{}
			}
		}
	})
	context.AfterFunc(ctx, func() {
		defer over()
		_ = pc.GracefulClose() // it ends anyway
	})
	if err := call(ctx, pc, address, from); err != nil {
		return err
	}
	select {
	case <-seen:
		return nil
	case <-time.After(20 * time.Second):
		return fmt.Errorf("no picture came to %v", from)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connection is one that does what browsers do for what they receive.
func connection() (*webrtc.PeerConnection, error) {
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	r := &interceptor.Registry{}
	missing, err := nack.NewGeneratorInterceptor()
	if err != nil {
		return nil, err
	}
	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, err
	}
	r.Add(missing)
	r.Add(reports)
	if err := webrtc.ConfigureTWCCSender(m, r); err != nil {
		return nil, err
	}
	e := webrtc.SettingEngine{}
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
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

// call makes the offer from an address, and takes the answer.
func call(ctx context.Context, pc *webrtc.PeerConnection, address string, from net.IP) error {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext,
	}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(pc.LocalDescription().SDP))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/sdp")
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		switch {
		case err != nil:
			return err
		case res.StatusCode == http.StatusTooManyRequests:
			if err := rig.Sleep(ctx, time.Second); err != nil {
				return err
			}
		case res.StatusCode != http.StatusCreated:
			return fmt.Errorf("%s: %s %s", address, res.Status, answer)
		default:
			return pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
		}
	}
}
