package pass

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/google/uuid"
)

// Kind is by what right somebody watches.
type Kind byte

// The kinds of holders.
const (
	Anybody Kind = iota // the name was known
	User                // Holder.ID is a user's
	Link                // Holder.ID is a share link's
)

// Holder is who got a pass.
type Holder struct {
	Kind Kind
	ID   uuid.UUID // the nil UUID for Anybody
}

// Pass lets one viewer watch one channel, live and recorded.
type Pass struct {
	Channel uuid.UUID
	Name    string // of the channel, at most 63 bytes
	Viewer  uint64 // made by NewViewer, never 0
	Holder  Holder
	Issued  time.Time    // to the millisecond
	Expires time.Time    // to the second
	Network netip.Prefix // where it holds; the zero Prefix: everywhere
}

// Errors of Read.
var (
	ErrInvalid = errors.New("this pass is not valid: ask for a new one")
	ErrExpired = errors.New("this pass has expired: ask for a new one")
	ErrAddress = errors.New("this pass is for another address: ask for one from here")
	ErrName    = errors.New("this pass is for another channel")
)

const (
	version = 1
	longest = 400 // bytes of a pass as text
)

// NewViewer is a viewer whom nobody else has.
func NewViewer() uint64 {
	var b [8]byte
	for {
		rand.Read(b[:])
		if n := binary.BigEndian.Uint64(b[:]); n != 0 {
			return n
		}
	}
}

// Sign makes the text of a pass; empty when the ring has no key.
func (r *Ring) Sign(p Pass, now time.Time) string {
	k, ok := r.signing(now)
	if !ok || len(p.Name) > 63 {
		return ""
	}
	b := make([]byte, 0, 160)
	b = append(b, version)
	b = binary.BigEndian.AppendUint32(b, k.number)
	b = append(b, p.Channel[:]...)
	b = binary.BigEndian.AppendUint64(b, p.Viewer)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Issued.UnixMilli())) //nolint:gosec // after 1970
	b = binary.BigEndian.AppendUint32(b, uint32(p.Expires.Unix()))     //nolint:gosec // until 2106
	b = append(b, byte(p.Holder.Kind))
	if p.Holder.Kind != Anybody {
		b = append(b, p.Holder.ID[:]...)
	}
	if p.Network.IsValid() {
		address := p.Network.Masked().Addr().AsSlice()
		b = append(b, byte(p.Network.Bits()), byte(len(address)))
		b = append(b, address...)
	} else {
		b = append(b, 255)
	}
	b = append(b, byte(len(p.Name)))
	b = append(b, p.Name...)
	b = append(b, mac(k.pass, b)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Read checks a pass that is shown at an address, which may be the zero Addr: then a pass
// for one network does not hold. ErrInvalid, ErrExpired, ErrAddress.
func (r *Ring) Read(text string, from netip.Addr, now time.Time) (Pass, error) {
	var p Pass
	if len(text) > longest {
		return p, ErrInvalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 5+macSize || raw[0] != version {
		return p, ErrInvalid
	}
	k, ok := r.find(binary.BigEndian.Uint32(raw[1:]))
	body, sum := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !ok || !hmac.Equal(sum, mac(k.pass, body)) {
		return p, ErrInvalid
	}
	if !p.decode(body[5:]) {
		return Pass{}, ErrInvalid
	}
	switch {
	case !now.Before(p.Expires):
		return Pass{}, ErrExpired
	case p.Network.IsValid() && !p.Network.Contains(from.Unmap()):
		return Pass{}, ErrAddress
	}
	return p, nil
}

// decode reads what is signed. Only this package signs, so false means a bug or another
// version.
func (p *Pass) decode(b []byte) bool {
	take := func(n int) []byte {
		if n > len(b) {
			b = nil
			return make([]byte, n)
		}
		out := b[:n]
		b = b[n:]
		return out
	}
	copy(p.Channel[:], take(16))
	p.Viewer = binary.BigEndian.Uint64(take(8))
	p.Issued = time.UnixMilli(int64(binary.BigEndian.Uint64(take(8)))).UTC() //nolint:gosec // we wrote it
	p.Expires = time.Unix(int64(binary.BigEndian.Uint32(take(4))), 0).UTC()
	if p.Holder.Kind = Kind(take(1)[0]); p.Holder.Kind != Anybody {
		copy(p.Holder.ID[:], take(16))
	}
	if bits := take(1)[0]; bits != 255 {
		a, ok := netip.AddrFromSlice(take(int(take(1)[0])))
		if !ok {
			return false
		}
		p.Network = netip.PrefixFrom(a, int(bits))
		if !p.Network.IsValid() {
			return false
		}
	}
	n := int(take(1)[0])
	p.Name = string(take(n))
	return len(b) == 0 && p.Name != "" && p.Viewer != 0
}
