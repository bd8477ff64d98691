package auth

import (
	"sync"

	"github.com/google/uuid"
)

// maxRevoked bounds the revocations that a Verifier holds (some 50 bytes each).
// Beyond it the Verifier goes on as without Redis (MaxStale), and Ready says so.
const maxRevoked = 1 << 18

// revoked is the set of revocations in memory. It forgets by time only: what Redis
// lost is still known.
type revoked struct {
	mu       sync.RWMutex
	sessions map[uuid.UUID]instant // revoked at; the latest is kept
	users    map[uuid.UUID]instant // tokens issued until then; the latest counts
	full     bool                  // one was left out
}

func newRevoked() *revoked {
	return &revoked{sessions: map[uuid.UUID]instant{}, users: map[uuid.UUID]instant{}}
}

// add takes a revocation in, whether it was known or not.
func (s *revoked) add(r Revocation) {
	at := instantOf(r.At)
	s.mu.Lock()
	defer s.mu.Unlock()
	set, id := s.users, r.User
	if r.Session != uuid.Nil {
		set, id = s.sessions, r.Session
	}
	known, ok := set[id]
	switch {
	case ok:
		set[id] = max(known, at)
	case len(s.sessions)+len(s.users) >= maxRevoked:
		s.full = true
	default:
		set[id] = at
	}
}

// has reports whether a token of this session, user and time of issue is revoked.
func (s *revoked) has(session, user uuid.UUID, issued instant) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, ok := s.sessions[session]; ok {
		return true
	}
	until, ok := s.users[user]
	return ok && issued <= until
}

// prune forgets what no token is left of.
func (s *revoked) prune(now instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range []map[uuid.UUID]instant{s.sessions, s.users} {
		for id, at := range set {
			if at+instant(keep.Microseconds()) <= now {
				delete(set, id)
			}
		}
	}
	s.full = false
}

// list is everything that is known.
func (s *revoked) list() []Revocation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Revocation, 0, len(s.sessions)+len(s.users))
	for id, at := range s.sessions {
		all = append(all, Revocation{Session: id, At: at.time()})
	}
	for id, at := range s.users {
		all = append(all, Revocation{User: id, At: at.time()})
	}
	return all
}

func (s *revoked) overflowed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.full
}
