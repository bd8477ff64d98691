package rtc

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"weir/media/seats"
)

const (
	offersPerSecond = 5
	offersAtOnce    = 20
	halfOpen        = 8 // connections of one network that are answered and do not stand yet
	halfOpenWait    = 2 * time.Second
	networkBits     = 48      // of IPv6: what one customer may have
	maxNetworks     = 1 << 16 // known at once; all others count as one
	forgetAfter     = 10 * time.Second
)

// Turnstile bounds what one network can start, an IPv4 address or an IPv6 /48: how
// often it makes an offer, and how many of its connections are half open. An answer
// costs more than an offer does. The zero value is ready.
type Turnstile struct {
	Now func() time.Time // default time.Now

	mu    sync.Mutex
	by    map[netip.Prefix]*visitor
	swept time.Time
}

// visitor is one network.
type visitor struct {
	tokens float64 // offers that it may make at once
	at     time.Time
	open   int
}

// Enter takes an offer of the peer host:port. stood is to be called when its connection
// stands, or is gone; a second call does nothing. wait is how long to stay away when it
// is too much, and 0 otherwise.
func (t *Turnstile) Enter(peer string) (stood func(), wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.Now != nil {
		now = t.Now()
	}
	v := t.visitor(seats.Network(peer, 32, networkBits), now)
	v.tokens = min(offersAtOnce, v.tokens+max(0, now.Sub(v.at).Seconds())*offersPerSecond)
	v.at = now
	switch {
	case v.open >= halfOpen:
		return nil, halfOpenWait
	case v.tokens < 1:
		return nil, time.Duration((1 - v.tokens) / offersPerSecond * float64(time.Second))
	}
	v.tokens--
	v.open++
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		v.open--
	}), 0
}

// visitor finds a network; the lock is held.
func (t *Turnstile) visitor(from netip.Prefix, now time.Time) *visitor {
	if now.Sub(t.swept) >= forgetAfter {
		t.swept = now
		for n, v := range t.by {
			if v.open == 0 && now.Sub(v.at) >= forgetAfter { // its tokens are all there again
				delete(t.by, n)
			}
		}
	}
	if t.by == nil {
		t.by = map[netip.Prefix]*visitor{}
	}
	if t.by[from] == nil && len(t.by) >= maxNetworks {
		from = netip.Prefix{}
	}
	v := t.by[from]
	if v == nil {
		v = &visitor{tokens: offersAtOnce, at: now}
		t.by[from] = v
	}
	return v
}

// Slow answers an offer that is too much for now.
func Slow(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	http.Error(w, "your network makes too many connections at once, try again in a moment", http.StatusTooManyRequests)
}
