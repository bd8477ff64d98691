package rtc

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

// gatherWithin bounds the search for the server's own addresses.
const gatherWithin = 5 * time.Second

// Session is what HTTP knows of a connection (RFC 9725 4.2 and 4.3).
type Session struct {
	ID    string // an element of its address; a secret
	ETag  string // of its ICE session
	ufrag string
}

// Answer sets an offer and returns the answer with the server's addresses in it. Tracks
// to be sent are added to pc before. The error wraps ErrOffer or ErrNoMatch where it is
// the peer's.
func Answer(ctx context.Context, pc *webrtc.PeerConnection, offer Offer) (Session, *webrtc.SessionDescription, error) {
	s := Session{ID: rand.Text(), ETag: `"` + rand.Text() + `"`, ufrag: offer.ufrag}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.text}); err != nil {
		return s, nil, fmt.Errorf("%w (%w)", ErrOffer, err)
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil { // pion has no name for a sender without a codec
		return s, nil, fmt.Errorf("%w (%w)", ErrNoMatch, err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return s, nil, fmt.Errorf("%w (%w)", ErrOffer, err)
	}
	ctx, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	select {
	case <-gathered:
	case <-ctx.Done():
		return s, nil, fmt.Errorf("webrtc: candidates: %w", ctx.Err())
	}
	return s, pc.LocalDescription(), nil
}

// Accepted are the kinds of media that a description has a place for.
func Accepted(d *webrtc.SessionDescription) map[string]bool {
	kinds := map[string]bool{}
	parsed, err := d.Unmarshal()
	if err != nil {
		return kinds
	}
	for _, m := range parsed.MediaDescriptions {
		if m.MediaName.Port.Value != 0 {
			kinds[m.MediaName.Media] = true
		}
	}
	return kinds
}

// Patch is the answer to a PATCH with a fragment of SDP: its status, and words when it is
// refused. Candidates are not needed, since an ICE-lite server is asked and does not ask.
// A restart of ICE is refused; peers make a new session (RFC 9725 4.3.2).
func (s Session) Patch(match, fragment string) (status int, words string) {
	switch {
	case match == "":
		return http.StatusPreconditionRequired, "say which ICE session is meant, by If-Match"
	case match == "*" || s.restarts(fragment):
		return http.StatusUnprocessableEntity, "ICE cannot be restarted here: make a new session"
	case match != s.ETag:
		return http.StatusPreconditionFailed, "this is another ICE session"
	}
	return http.StatusNoContent, ""
}

// restarts tells whether a fragment has other credentials than the offer had.
func (s Session) restarts(fragment string) bool {
	for line := range strings.SplitSeq(fragment, "\n") {
		if u, ok := strings.CutPrefix(strings.TrimSpace(line), "a=ice-ufrag:"); ok && u != s.ufrag {
			return true
		}
	}
	return false
}
