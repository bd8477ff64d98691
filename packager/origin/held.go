package origin

import (
	"errors"
	"net/http"

	"weir/media/seats"
)

const (
	holdsAll  = 10_000
	holdsEach = 1000 // a hall full of viewers behind one address; ten such fill the server
)

// Wait takes a place among the requests that are held for a stream to begin. leave gives it
// back; there is an error where all places are taken, or all that the network of peer
// host:port may have.
func (h *Handler) Wait(peer string) (leave func(), err error) {
	h.bound.Do(func() {
		h.waiting.All, h.waiting.Each = holdsAll, holdsEach
		if h.Holds != 0 {
			h.waiting.All = h.Holds
		}
		if h.HoldsEach != 0 {
			h.waiting.Each = h.HoldsEach
		}
	})
	seat, err := h.waiting.Take(peer)
	if err != nil {
		return nil, err
	}
	return func() { h.waiting.Leave(seat) }, nil
}

// crowded answers who got no place to wait. It is no 429 where the network has too many:
// players ask again after a 503, and give up after what begins with 4.
func crowded(w http.ResponseWriter, err error) {
	words := "too many viewers are waiting"
	if errors.Is(err, seats.ErrEach) {
		words = "too many viewers of your network are waiting"
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, words, http.StatusServiceUnavailable)
}
