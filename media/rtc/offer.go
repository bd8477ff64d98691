package rtc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"
)

// What is wrong with an offer.
var (
	ErrOffer   = errors.New("this is no SDP offer that can be answered")
	ErrNoMatch = errors.New("nothing in this offer is of a codec that is known here")
)

const maxMedia = 16 // m= lines of an offer

// Offer is a peer's SDP without its candidates.
type Offer struct{ text, ufrag string }

// ParseOffer reads an offer; the error wraps ErrOffer. The peer's candidates are left
// out: an ICE-lite server is asked and does not ask, and an address that a stranger
// names is not to be sent anything.
func ParseOffer(text string) (Offer, error) {
	if strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		return Offer{}, fmt.Errorf("%w (a line ends in CR alone)", ErrOffer) // pion takes it for an end, what is below does not
	}
	var kept strings.Builder
	media := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "a=candidate") {
			continue
		}
		if strings.HasPrefix(line, "m=") {
			media++
		}
		kept.WriteString(line)
	}
	if media > maxMedia {
		return Offer{}, fmt.Errorf("%w (it has %d media)", ErrOffer, media)
	}
	o := Offer{text: kept.String()}
	var err error
	if o.ufrag, err = ufragOf(&webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.text}); err != nil {
		return Offer{}, fmt.Errorf("%w (%w)", ErrOffer, err)
	}
	return o, nil
}

// Has tells whether an offer has a medium of a kind, "video" or "audio".
func (o Offer) Has(kind string) bool { return strings.Contains(o.text, "\nm="+kind) }

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
