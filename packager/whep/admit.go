package whep

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/media"
	"weir/media/hub"
	"weir/media/ring"
)

var (
	errOffer = errors.New("this is no SDP offer that can be answered")
	errCrowd = errors.New("there are too many viewers, come back later")
)

// gatherWithin bounds the search for the server's own addresses.
const gatherWithin = 5 * time.Second

// admit answers an offer and starts the viewer. The error wraps errOffer, errNoMatch
// or errCrowd where it is the viewer's.
func (h *Handler) admit(r *http.Request, s *hub.Stream, offer string, watching func() error) (*viewer, string, error) {
	if strings.Count(offer, "\nm=") > maxMedia {
		return nil, "", errOffer
	}
	seat, ok := h.crowd.take(r.RemoteAddr)
	if !ok {
		return nil, "", errCrowd
	}
	v := &viewer{
		handler: h, id: rand.Text(), etag: `"` + rand.Text() + `"`, tracks: map[media.Kind]*track{},
		queue: ring.New[*frame](queue()), up: make(chan struct{}), over: make(chan struct{}), holds: map[string]bool{}, watching: watching,
	}
	senders, answer, err := v.answer(r.Context(), s, offer)
	if err == nil && !h.start(v, s, senders, func() { h.crowd.leave(seat) }) {
		err = errCrowd
	}
	if err != nil {
		h.crowd.leave(seat)
		if v.pc != nil {
			_ = v.pc.GracefulClose()
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
	h.viewers[v.id] = v
	h.wait.Go(func() {
		defer done()
		v.run(h.ctx, senders)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.viewers, v.id)
		if c.viewers--; c.viewers == 0 {
			c.off()
			delete(h.channels, s)
		}
	})
	return true
}

// answer makes the connection and the answer for it.
func (v *viewer) answer(ctx context.Context, s *hub.Stream, offer string) ([]*webrtc.RTPSender, string, error) {
	var err error
	if v.pc, v.estimate, err = v.handler.cfg.Port.Viewer(); err != nil {
		return nil, "", err
	}
	v.pc.OnConnectionStateChange(v.state)
	var senders []*webrtc.RTPSender
	for _, k := range []media.Kind{media.Video, media.Audio} {
		if trackOf(s, k) == nil || !strings.Contains(offer, "\nm="+k.String()) {
			continue
		}
		t := newTrack(k)
		tr, err := v.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		if err != nil {
			return nil, "", fmt.Errorf("whep: %w", err)
		}
		v.tracks[k] = t
		senders = append(senders, tr.Sender())
	}
	if len(senders) == 0 {
		return nil, "", errNoMatch
	}
	description := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}
	if err := v.pc.SetRemoteDescription(description); err != nil {
		return nil, "", fmt.Errorf("%w (%w)", errOffer, err)
	}
	if v.ufrag, err = ufragOf(&description); err != nil {
		return nil, "", fmt.Errorf("%w (%w)", errOffer, err)
	}
	answer, err := v.pc.CreateAnswer(nil)
	if err != nil { // pion has no name for a sender without a codec
		return nil, "", fmt.Errorf("%w (%w)", errNoMatch, err)
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(answer); err != nil {
		return nil, "", fmt.Errorf("%w (%w)", errOffer, err)
	}
	ctx, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	select {
	case <-gathered:
	case <-ctx.Done():
		return nil, "", fmt.Errorf("whep: candidates: %w", ctx.Err())
	}
	local := v.pc.LocalDescription()
	if !v.accepted(local) {
		return nil, "", errNoMatch
	}
	return senders, local.SDP, nil
}

// accepted tells whether the answer has a place for the picture, or for the sound of
// a stream without one. Tracks without a place are forgotten.
func (v *viewer) accepted(answer *webrtc.SessionDescription) bool {
	d, err := answer.Unmarshal()
	if err != nil {
		return false
	}
	sent := map[string]bool{}
	for _, m := range d.MediaDescriptions {
		if m.MediaName.Port.Value != 0 {
			sent[m.MediaName.Media] = true
		}
	}
	if v.tracks[media.Video] != nil && !sent[media.Video.String()] {
		return false
	}
	if !sent[media.Audio.String()] {
		delete(v.tracks, media.Audio)
	}
	return len(v.tracks) > 0
}

// ufragOf is the ICE user name of an offer, of the session or of its first medium.
func ufragOf(offer *webrtc.SessionDescription) (string, error) {
	d, err := offer.Unmarshal()
	if err != nil {
		return "", err
	}
	if u, ok := d.Attribute("ice-ufrag"); ok {
		return u, nil
	}
	for _, m := range d.MediaDescriptions {
		if u, ok := m.Attribute("ice-ufrag"); ok {
			return u, nil
		}
	}
	return "", errors.New("no ice-ufrag")
}
