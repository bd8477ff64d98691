package whep

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
	"weir/media/rtc"
)

var errCrowd = errors.New("there are too many viewers, come back later")

// admit answers an offer and starts the viewer. The error wraps errCrowd, rtc.ErrOffer
// or rtc.ErrNoMatch where it is the viewer's. stood is called when the connection stands
// or is gone.
func (h *Handler) admit(r *http.Request, s *hub.Stream, offer rtc.Offer, watching func() error, stood func()) (*viewer, string, error) {
	seat, err := h.seats.Take(r.RemoteAddr)
	if err != nil {
		stood()
		return nil, "", errCrowd
	}
	done := func() { h.seats.Leave(seat); stood() }
	v := &viewer{
		handler: h, tracks: map[media.Kind]*track{},
		queue: ring.New[*frame](queue()), up: make(chan struct{}), over: make(chan struct{}), holds: map[string]bool{}, watching: watching, stood: stood,
	}
	senders, answer, err := v.answer(r.Context(), s, offer)
	if err == nil && !h.start(v, s, senders, done) {
		err = errCrowd
	}
	if err != nil {
		done()
		if v.out != nil {
			v.out.Close()
		}
		return nil, "", err
	}
	return v, answer, nil
}

// start runs a viewer; it reports false when the handler is closed. done is called
// when the viewer is gone.
func (h *Handler) start(v *viewer, s *hub.Stream, senders []*webrtc.RTPSender, done func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	c := h.channels[s]
	if c == nil {
		c = newChannel(h, s)
		h.channels[s] = c
	}
	c.viewers++
	v.channel = c
	h.viewers[v.ID] = v
	h.wait.Go(func() {
		defer done()
		v.run(h.ctx, senders)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.viewers, v.ID)
		if c.viewers--; c.viewers == 0 {
			c.off()
			delete(h.channels, s)
		}
	})
	return true
}

// answer makes the connection and the answer for it.
func (v *viewer) answer(ctx context.Context, s *hub.Stream, offer rtc.Offer) ([]*webrtc.RTPSender, string, error) {
	var err error
	if v.out, err = v.handler.cfg.Port.Viewer(v.leave); err != nil {
		return nil, "", err
	}
	v.out.PC.OnConnectionStateChange(v.state)
	var senders []*webrtc.RTPSender
	for _, k := range []media.Kind{media.Video, media.Audio} {
		if s.Track(k) == nil || !offer.Has(k.String()) {
			continue
		}
		t := newTrack(k)
		tr, err := v.out.PC.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return nil, "", fmt.Errorf("whep: %w", err)
		}
		v.tracks[k] = t
		senders = append(senders, tr.Sender())
	}
	if len(senders) == 0 {
		return nil, "", rtc.ErrNoMatch
	}
	var local *webrtc.SessionDescription
	if v.Session, local, err = rtc.Answer(ctx, v.out.PC, offer); err != nil {
		return nil, "", err
	}
	accepted := rtc.Accepted(local)
	for k := range v.tracks {
		if !accepted[k.String()] {
			if k == media.Video {
				return nil, "", rtc.ErrNoMatch
			}
			delete(v.tracks, k)
		}
	}
	if len(v.tracks) == 0 {
		return nil, "", rtc.ErrNoMatch
	}
	return senders, local.SDP, nil
}
