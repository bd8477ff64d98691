package rtsp

import (
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
)

// Legible is a description (SDP) that the library can be given: the same, or none where it
// would panic. That happens in goroutines of its own, and would end the program; what is
// only wrong it refuses itself.
func Legible(body []byte) (same []byte) {
	defer func() {
		if recover() != nil {
			same = nil
		}
	}()
	if d, err := sdpunmarshaler.Unmarshal(body); err == nil {
		_ = new(description.Session).Unmarshal2(d)
	}
	return body
}
