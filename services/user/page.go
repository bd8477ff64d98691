package user

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
)

// Places in lists are opaque to clients: base64url of an id, or of a time and an id.

func (p place) String() string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(p.at.UnixMicro())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(append(raw, p.id[:]...))
}

// parsePlace reads what String wrote; empty is the beginning, which is the newest.
func parsePlace(s string) (place, error) {
	const year9999 = 253402300799 * 1_000_000 // what the databases can hold
	if s == "" {
		return place{at: time.UnixMicro(year9999).UTC(), id: uuid.Max}, nil
	}
	raw, err := decodePlace(s, 24)
	if err != nil {
		return place{}, err
	}
	micro := binary.BigEndian.Uint64(raw)
	if micro > year9999 {
		return place{}, badPlace()
	}
	return place{at: time.UnixMicro(int64(micro)).UTC(), id: uuid.UUID(raw[8:])}, nil
}

func decodePlace(s string, size int) ([]byte, error) {
	if len(s) != base64.RawURLEncoding.EncodedLen(size) { // the decoder passes over line ends
		return nil, badPlace()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != size {
		return nil, badPlace()
	}
	return raw, nil
}

func badPlace() error {
	return fault.Bad("query.after", "must be the next of the page before, or absent")
}
