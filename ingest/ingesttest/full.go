package ingesttest

import (
	"context"

	"weir/ingest"
)

// Full has no room, and names a server that has. Asked has the newest request.
type Full struct{ Asked ingest.Request }

var _ ingest.Opener = (*Full)(nil)

// FullAt is the server's host and port.
const FullAt = "b.example.com:4711"

// Open is ingest.Opener.
func (f *Full) Open(_ context.Context, r ingest.Request) (ingest.Hold, error) {
	f.Asked = r
	return nil, &ingest.Elsewhere{Reason: ingest.Refusal{Words: "no room"}, To: r.Scheme + "://" + FullAt}
}
