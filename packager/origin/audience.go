package origin

import (
	"crypto/rand"
	"encoding/hex"
	"hash/fnv"
	"net"
	"net/http"
	"strings"
	"sync"
)

// viewerCookie tells viewers apart that come from one address. It is made up anew for
// each browser and stream, and says nothing about a person.
const viewerCookie = "weir_viewer"

// Audience collects who asked for a stream's media since it was last taken. A viewer
// is who brings the same cookie, or, where players keep none, the same address and
// User-Agent. The zero value is empty.
type Audience struct {
	mu   sync.Mutex
	seen map[uint64]struct{}
}

// audienceMost bounds what is collected between two calls of Take.
const audienceMost = 1 << 20

// see counts the viewer of a request for media.
func (a *Audience) see(r *http.Request) {
	id := viewer(r)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen == nil {
		a.seen = make(map[uint64]struct{})
	}
	if len(a.seen) < audienceMost {
		a.seen[id] = struct{}{}
	}
}

// Take returns the viewers since the last call, in no order.
func (a *Audience) Take() []uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]uint64, 0, len(a.seen))
	for id := range a.seen {
		ids = append(ids, id)
	}
	a.seen = nil
	return ids
}

// viewer is the same number for the same viewer at every node.
func viewer(r *http.Request) uint64 {
	h := fnv.New64a()
	if id := cookieOf(r); id != "" {
		_, _ = h.Write([]byte(id)) // a hash does not fail
		return h.Sum64()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	_, _ = h.Write([]byte(host + "\x00" + r.UserAgent()))
	return h.Sum64()
}

// cookieOf is the viewer's cookie, empty without one. http.Request.Cookie would parse
// all of them, for every part of every viewer.
func cookieOf(r *http.Request) string {
	for _, line := range r.Header["Cookie"] {
		for len(line) > 0 {
			var one string
			one, line, _ = strings.Cut(line, ";")
			if value, ok := strings.CutPrefix(strings.TrimLeft(one, " "), viewerCookie+"="); ok && len(value) <= 64 {
				return value
			}
		}
	}
	return ""
}

// welcome gives a viewer without a cookie one, for this stream only.
func welcome(w http.ResponseWriter, r *http.Request) {
	if cookieOf(r) != "" {
		return
	}
	var id [12]byte
	rand.Read(id[:]) // never fails, says crypto/rand
	// The path is the browser's default: the folder of the playlist, as the viewer sees it.
	w.Header().Add("Set-Cookie", viewerCookie+"="+hex.EncodeToString(id[:])+"; HttpOnly; SameSite=Lax; Max-Age=86400")
}
