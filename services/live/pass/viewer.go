package pass

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Cookie is a new viewer of a stream, signed: 38 letters, digits, - and _. Empty when
// the ring has no key.
func (r *Ring) Cookie(stream string, now time.Time) string {
	k, ok := r.signing(now)
	if !ok {
		return ""
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 28), k.number)
	b = binary.BigEndian.AppendUint64(b, NewViewer())
	return base64.RawURLEncoding.EncodeToString(append(b, mac(k.viewers, b, []byte(stream))...))
}

// Viewer reads a cookie of a stream; false: it was not made by Cookie for it.
func (r *Ring) Viewer(stream, cookie string) (uint64, bool) {
	if len(cookie) != 38 {
		return 0, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil || len(raw) != 12+macSize {
		return 0, false
	}
	k, ok := r.find(binary.BigEndian.Uint32(raw))
	if !ok || !hmac.Equal(raw[12:], mac(k.viewers, raw[:12], []byte(stream))) {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[4:]), true
}
