package origin

import (
	"hash/fnv"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"weir/media/seats"
)

// viewerCookie tells viewers apart that come from one address. It is made up anew for
// each browser and stream, and says nothing about a person.
const viewerCookie = "weir_viewer"

// Viewers makes and reads the cookies that tell viewers apart, so that nobody else can.
// Its methods may be called from any goroutine and must not block.
type Viewers interface {
	// Cookie is a new viewer of a stream: letters, digits, - and _.
	Cookie(stream string) string
	// Viewer is the number of a viewer, the same at every node; false: the cookie is not
	// one of this stream.
	Viewer(stream, cookie string) (uint64, bool)
}

const (
	// crowdPace is how many viewers of a stream can be new each second from one network.
	// Those who come faster are counted when they ask again.
	crowdPace = 20
	// crowdBurst is how many can be new at once.
	crowdBurst = 200
	// crowdMost is how many viewers from one network count at once.
	crowdMost = 2000
	// knownFor is how long a viewer who does not ask is known.
	knownFor = 20 * time.Second
	// knownMost bounds the viewers that are known, crowdsMost the networks.
	knownMost  = 1 << 20
	crowdsMost = 1 << 16
)

// Audience collects who asked for a stream's media since it was last taken. A viewer
// is who has a pass or brings the same cookie, or, where players keep none, the same
// address and User-Agent. Whoever pretends to be many is held to what one network may
// bring. The zero value is empty.
type Audience struct {
	mu     sync.Mutex
	known  map[uint64]*sighting
	crowds map[netip.Prefix]*crowd
}

// sighting is a viewer who was seen lately.
type sighting struct {
	at    time.Time
	fresh bool // since the last call of Take
	crowd *crowd
}

// crowd is what came from one network.
type crowd struct {
	at      time.Time // when credit was reckoned last
	credit  float64   // viewers that may be new now
	present int
}

// count notes that a viewer asked for media from an address.
func (a *Audience) count(id uint64, from netip.Addr, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.known[id]; s != nil {
		s.at, s.fresh = now, true
		return
	}
	if a.known == nil {
		a.known, a.crowds = make(map[uint64]*sighting), make(map[netip.Prefix]*crowd)
	}
	network := seats.Of(from, 24, 48) // a /24, or what providers give to customers
	c := a.crowds[network]
	if c == nil && len(a.crowds) >= crowdsMost {
		return
	}
	if c == nil {
		c = &crowd{at: now, credit: crowdBurst}
		a.crowds[network] = c
	}
	c.credit = min(crowdBurst, c.credit+now.Sub(c.at).Seconds()*crowdPace)
	c.at = now
	if c.credit < 1 || c.present >= crowdMost || len(a.known) >= knownMost {
		return
	}
	c.credit--
	c.present++
	a.known[id] = &sighting{at: now, fresh: true, crowd: c}
}

// Take returns the viewers since the last call, in no order.
func (a *Audience) Take() []uint64 { return a.take(time.Now()) }

func (a *Audience) take(now time.Time) []uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []uint64
	for id, s := range a.known {
		if s.fresh {
			s.fresh = false
			ids = append(ids, id)
		}
		if now.Sub(s.at) >= knownFor {
			s.crowd.present--
			delete(a.known, id)
		}
	}
	for network, c := range a.crowds {
		// whoever left has its whole credit again after this
		if c.present == 0 && now.Sub(c.at).Seconds()*crowdPace >= crowdBurst {
			delete(a.crowds, network)
		}
	}
	return ids
}

// see counts the viewer of a request for media.
func (h *Handler) see(r *http.Request, v *visit, s *Stream) {
	s.Audience.count(h.viewer(r, v, s), v.From, time.Now())
}

// viewer is the same number for the same viewer at every node.
func (h *Handler) viewer(r *http.Request, v *visit, s *Stream) uint64 {
	if v.viewer != 0 {
		return v.viewer
	}
	if cookie := cookieOf(r); cookie != "" && h.Viewers != nil {
		if id, ok := h.Viewers.Viewer(s.Name, cookie); ok {
			return id
		}
	}
	f := fnv.New64a()
	_, _ = f.Write([]byte(v.From.String() + "\x00" + r.UserAgent())) // a hash does not fail
	return f.Sum64()
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

// welcome gives a viewer without a pass or a cookie that holds one, for this stream only.
func (h *Handler) welcome(w http.ResponseWriter, r *http.Request, v *visit, s *Stream) {
	if h.Viewers == nil || v.viewer != 0 {
		return
	}
	if cookie := cookieOf(r); cookie != "" {
		if _, ok := h.Viewers.Viewer(s.Name, cookie); ok {
			return
		}
	}
	// The path is the browser's default: the folder of the playlist, as the viewer sees it.
	w.Header().Add("Set-Cookie", viewerCookie+"="+h.Viewers.Cookie(s.Name)+"; HttpOnly; SameSite=Lax; Max-Age=86400")
}
