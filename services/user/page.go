package user

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
)

// PageMax and pageDefault are how many items a page may have, and has.
const (
	PageMax     = 100
	pageDefault = 50
)

func pageSize(limit int) int {
	if limit <= 0 {
		return pageDefault
	}
	return min(limit, PageMax)
}

// cut takes off the item that was read beyond the page, and says where to go on.
func (p *Page[T]) cut(limit int, place func(T) string) {
	if p.Items == nil {
		p.Items = []T{}
	}
	if len(p.Items) > limit {
		p.Items = p.Items[:limit]
		p.Next = place(p.Items[limit-1])
	}
}

// Places in lists are opaque to clients: base64url of an id, or of a time and an id.

func idPlace(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

func parseIDPlace(s string, start uuid.UUID) (uuid.UUID, error) {
	if s == "" {
		return start, nil
	}
	raw, err := decodePlace(s, 16)
	if err != nil {
		return uuid.Nil, err
	}
	return uuid.UUID(raw), nil
}

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
