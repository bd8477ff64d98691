package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/av"
	"weir/media/codec"
)

// newPion is a connection of the pion library's, on this machine only.
func newPion(t *testing.T, more ...func(*webrtc.API)) *webrtc.PeerConnection {
	t.Helper()
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	e := webrtc.SettingEngine{}
	e.SetIncludeLoopbackCandidate(true)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	e.SetICEMaxBindingRequests(300) // one each 0.2 s; the library gives up after 7, which is early on a busy machine
	pc, err := webrtc.NewAPI(append(more, webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(e))...).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	})
	return pc
}

// call offers a connection to an endpoint of WHIP or WHEP and takes the answer. It may be
// called from any goroutine.
func (s *station) call(ctx context.Context, pc *webrtc.PeerConnection, path string) error {
	_, err := s.session(ctx, pc, path)
	return err
}

// session is call that says where the session is.
func (s *station) session(ctx context.Context, pc *webrtc.PeerConnection, path string) (location string, err error) {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	<-gathered
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.web+path, strings.NewReader(pc.LocalDescription().SDP))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/sdp")
	res, err := s.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusCreated {
		err = fmt.Errorf("POST %s: %d %s", path, res.StatusCode, answer)
	}
	if err != nil {
		return "", err
	}
	return res.Header.Get("Location"), pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(answer)})
}

// lens sends one track.
type lens struct {
	*webrtc.TrackLocalStaticRTP
	ssrc webrtc.SSRC
	rate int64
	seq  uint16
}

// openLens adds a track to a connection.
func openLens(t *testing.T, pc *webrtc.PeerConnection, mime string, rate int64) *lens {
	t.Helper()
	k, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime, "flashes")
	if err != nil {
		t.Fatal(err)
	}
	sender, err := pc.AddTrack(k)
	if err != nil {
		t.Fatal(err)
	}
	return &lens{TrackLocalStaticRTP: k, ssrc: sender.GetParameters().Encodings[0].SSRC, rate: rate}
}

// shoot sends the payloads of one frame.
func (l *lens) shoot(at media.Time, payloads ...[]byte) error {
	for i, p := range payloads {
		l.seq++
		head := rtp.Header{Version: 2, SequenceNumber: l.seq, Timestamp: uint32(at.In(l.rate)), Marker: i == len(payloads)-1}
		if err := l.WriteRTP(&rtp.Packet{Header: head, Payload: p}); err != nil {
			return err
		}
	}
	return nil
}

// report says when a frame was taken, by the tape and not by when it was sent: this test
// is not one of how punctual a busy machine sends.
func (l *lens) report(start time.Time, at media.Time) rtcp.Packet {
	wall := start.Add(at.Duration())
	const ntpEpoch = 2_208_988_800
	ntp := uint64(wall.Unix()+ntpEpoch)<<32 | uint64(wall.Nanosecond())<<32/1e9
	return &rtcp.SenderReport{SSRC: uint32(l.ssrc), NTPTime: ntp, RTPTime: uint32(at.In(l.rate))}
}

// publishWHIP sends the tape by the pion library.
func publishWHIP(t *testing.T, s *station, f flashes, name string) func() error {
	x, pc := readTape(t, f.opus), newPion(t, webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pictures, sounds := openLens(t, pc, webrtc.MimeTypeH264, 90000), openLens(t, pc, webrtc.MimeTypeOpus, 48000)
	up := make(chan struct{})
	opened := sync.OnceFunc(func() { close(up) }) // it may falter, and stand again
	pc.OnConnectionStateChange(func(c webrtc.PeerConnectionState) {
		if c == webrtc.PeerConnectionStateConnected {
			opened()
		}
	})
	if err := s.call(limited(t), pc, "/live/"+name+"/whip"); err != nil {
		t.Fatal(err)
	}
	<-up
	head, start := annexB(t, x.tracks[0].Config), time.Now()
	var cutter codecs.H264Payloader
	end := roll(x, func(p *media.Packet, at media.Time) error {
		if p.Kind() == media.Audio {
			return sounds.shoot(at, p.Data)
		}
		var data []byte
		if p.Key {
			data = append(data, head...)
			if err := pc.WriteRTCP([]rtcp.Packet{pictures.report(start, at), sounds.report(start, at)}); err != nil {
				return err
			}
		}
		data, err := codec.AppendAnnexB(data, p.Data)
		if err != nil {
			return err
		}
		return pictures.shoot(at, cutter.Payload(1200, data)...)
	}, func() {})
	t.Cleanup(func() { _ = end() })
	return func() error { return errors.Join(end(), pc.GracefulClose()) }
}

// annexB are the parameter sets of an AVCDecoderConfigurationRecord.
func annexB(t *testing.T, config []byte) (b []byte) {
	t.Helper()
	sets, err := codec.ParseAVCC(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(sets.SPS, sets.PPS...) {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

// reel is what came of one track.
type reel struct {
	mu      sync.Mutex
	packets []*rtp.Packet
	report  *rtcp.SenderReport // the newest
}

// watchByPion watches by WHEP with the pion library for some seconds of pictures, and
// decodes what came.
func watchByPion(ctx context.Context, t *testing.T, s *station, name string, seconds int) (onsets, error) {
	pc := newPion(t)
	reels := map[webrtc.RTPCodecType]*reel{webrtc.RTPCodecTypeVideo: {}, webrtc.RTPCodecTypeAudio: {}}
	for k := range reels {
		if _, err := pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			return onsets{}, err
		}
	}
	more := make(chan struct{}, 1)
	pc.OnTrack(func(k *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		x := reels[k.Kind()]
		go x.reports(r)
		for {
			p, _, err := k.ReadRTP()
			if err != nil {
				return
			}
			x.mu.Lock()
			x.packets = append(x.packets, p)
			x.mu.Unlock()
			select {
			case more <- struct{}{}:
			default:
			}
		}
	})
	if err := s.call(ctx, pc, "/live/"+name+"/whep"); err != nil {
		return onsets{}, err
	}
	for { // until enough came, should some get lost
		for !reels[webrtc.RTPCodecTypeVideo].lasts(seconds*90000) || !reels[webrtc.RTPCodecTypeAudio].lasts(seconds*48000) {
			select {
			case <-more:
			case <-ctx.Done():
				return onsets{}, fmt.Errorf("WHEP, %v: %w", pc.ConnectionState(), ctx.Err())
			}
		}
		flashes, err := reels[webrtc.RTPCodecTypeVideo].flashes()
		if err != nil {
			return onsets{}, err
		}
		beeps, err := reels[webrtc.RTPCodecTypeAudio].beeps()
		o := onsets{flashes, beeps, true}
		if _, pairs := o.worst(); err != nil || pairs >= enoughPairs {
			return o, err
		}
		seconds += flashRound
	}
}

func (r *reel) reports(from *webrtc.RTPReceiver) {
	for {
		packets, _, err := from.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if sr, ok := p.(*rtcp.SenderReport); ok {
				r.mu.Lock()
				r.report = sr
				r.mu.Unlock()
			}
		}
	}
}

// lasts tells whether the reel is so long, in units of its clock, and has a report.
func (r *reel) lasts(ticks int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.packets)
	return r.report != nil && n > 0 && int32(r.packets[n-1].Timestamp-r.packets[0].Timestamp) >= int32(ticks)
}

// ordered are the packets as they were sent, each once.
func (r *reel) ordered() []*rtp.Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Clone(r.packets)
	first := list[0].SequenceNumber
	by := func(p *rtp.Packet) int16 { return int16(p.SequenceNumber - first) }
	slices.SortStableFunc(list, func(a, b *rtp.Packet) int { return cmp.Compare(by(a), by(b)) })
	return slices.CompactFunc(list, func(a, b *rtp.Packet) bool { return a.SequenceNumber == b.SequenceNumber })
}

// wall is when something was, in seconds of the sender's clock.
func (r *reel) wall(at uint32, rate float64) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	second := float64(r.report.NTPTime>>32%10000) + float64(r.report.NTPTime&0xffffffff)/(1<<32)
	return second + float64(int32(at-r.report.RTPTime))/rate
}

// flashes decodes the pictures.
func (r *reel) flashes() ([]float64, error) {
	h := codecs.H264Packet{IsAVC: true}
	var d *av.Decoder
	var l light
	var au []byte
	var before *rtp.Packet
	for _, p := range r.ordered() {
		if before != nil && p.SequenceNumber != before.SequenceNumber+1 {
			l.dark = false // the beginning of a flash may be lost
		}
		before = p
		data, err := h.Unmarshal(p.Payload)
		if err != nil {
			return nil, err
		}
		if au = append(au, data...); !p.Marker {
			continue
		}
		if d == nil {
			if d, err = decoderOf(au); err != nil {
				return nil, err
			}
			defer d.Close()
		}
		err = decode(d, au, func(f *av.Frame) error {
			i420, err := f.Picture()
			if err != nil {
				return err
			}
			middle := i420[f.Width()*f.Height()/2+f.Width()/2] // the whole picture is of one brightness
			l.see(r.wall(p.Timestamp, 90000), float64(middle))
			return nil
		})
		if err != nil {
			return nil, err
		}
		au = nil
	}
	return l.onsets, nil
}

// decoderOf is a decoder for the pictures from a key frame on.
func decoderOf(au []byte) (*av.Decoder, error) {
	sps, pps := codec.ParameterSets(au)
	k, err := codec.NewTrack(media.H264, codec.BuildAVCC(sps, pps))
	if err != nil {
		return nil, fmt.Errorf("the first picture: %w", err)
	}
	return av.OpenDecoder(k)
}

// decode hands what a unit decodes to to take.
func decode(d *av.Decoder, data []byte, take func(*av.Frame) error) error {
	if err := d.Send(data, 0); err != nil {
		return err
	}
	for {
		f, err := d.Receive()
		if errors.Is(err, av.ErrAgain) {
			return nil
		}
		if err != nil {
			return err
		}
		err = take(f)
		f.Free()
		if err != nil {
			return err
		}
	}
}

// beeps decodes the sound. It begins where it is loud after a tenth of a second of
// silence.
func (r *reel) beeps() (onsets []float64, err error) {
	d, err := av.OpenDecoder(&media.Track{Kind: media.Audio, Codec: media.Opus, SampleRate: 48000, Channels: 2, Config: codec.BuildDOps(codec.OpusInfo{Channels: 2, InputRate: 48000})})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	silent := 0
	var before *rtp.Packet
	for _, p := range r.ordered() {
		at := r.wall(p.Timestamp, 48000)
		if before != nil && p.SequenceNumber != before.SequenceNumber+1 {
			silent = 0 // the beginning of a beep may be lost
		}
		before = p
		err := decode(d, p.Payload, func(f *av.Frame) error {
			left, _, err := f.Sound()
			for i, x := range left {
				if x < 0.1 && x > -0.1 {
					silent++
					continue
				}
				if silent > 4800 {
					onsets = append(onsets, at+float64(i)/48000)
				}
				silent = 0
			}
			at += float64(f.Samples()) / 48000
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return onsets, nil
}
