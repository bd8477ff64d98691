package origin

import (
	"errors"
	"net/http"

	"weir/packager/door"
)

// visit is one request as its viewer's.
type visit struct {
	door.Bearer
	path   string // without the pass
	viewer uint64 // whom the pass was made for; 0: nobody
}

// admit asks the stream's door. It is asked again whenever a request has waited.
func (s *Stream) admit(v *visit) error {
	if s.Door == nil {
		return nil
	}
	viewer, err := s.Door(v.Bearer)
	v.viewer = viewer
	return err
}

// turnAway answers who may not watch; what is hidden, or was not there at all, is not found.
func turnAway(w http.ResponseWriter, err error) {
	if errors.As(err, &door.Refusal{}) {
		door.Refuse(w, err)
		return
	}
	notFound(w)
}
