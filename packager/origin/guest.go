package origin

import (
	"net/http"
	"time"

	"weir/packager/door"
)

// Admit lets in a viewer who watches what is live under a name by another way than
// requests for media. watching is to be called again and again while that viewer is
// there: it counts it, and asks the door again. The errors are door.ErrHidden, also
// where nothing is live, or a door.Refusal.
func (h *Handler) Admit(r *http.Request, b door.Bearer, name string) (watching func() error, err error) {
	v := &visit{Bearer: b}
	s, err := h.enter(v, name)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, door.ErrHidden
	}
	id := h.viewer(r, v, s)
	return func() error {
		if err := s.admit(v); err != nil {
			return err
		}
		s.Audience.count(id, b.From, time.Now())
		return nil
	}, nil
}
