package origin

import (
	"errors"
	"net/http"
)

// Elsewhere knows the streams of other processes. It may be called from anywhere.
type Elsewhere interface {
	// Serve answers for a stream that another process has; false: none has it, and
	// nothing is written. It may wait for a stream that is about to go on, here or there.
	Serve(w http.ResponseWriter, r *http.Request, name string) bool
	// Has says whether Serve of that request would answer now.
	Has(r *http.Request, name string) bool
	// Moved is closed when Has may answer otherwise.
	Moved() <-chan struct{}
}

// errElsewhere ends the wait for a stream that began in another process.
var errElsewhere = errors.New("another process has the stream")

// elsewhere answers for a name that is not on the air here but in another process.
func (h *Handler) elsewhere(w http.ResponseWriter, r *http.Request, name string) bool {
	return h.Elsewhere != nil && h.Live(name) == nil && h.Elsewhere.Serve(w, r, name)
}

// moved is closed when another process may have the stream; nil: never. The error is
// errElsewhere when one has it already.
func (h *Handler) moved(r *http.Request, name string) (<-chan struct{}, error) {
	if h.Elsewhere == nil {
		return nil, nil
	}
	moved := h.Elsewhere.Moved() // before the look, or a change between the two is missed
	if h.Live(name) == nil && h.Elsewhere.Has(r, name) {
		return nil, errElsewhere
	}
	return moved, nil
}

// Began is closed when the next stream goes on the air here.
func (h *Handler) Began() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}
