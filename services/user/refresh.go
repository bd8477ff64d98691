package user

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
)

// Refresh gives new tokens for a refresh token, which is used up by that. The rules,
// for a token of generation g in a session whose present one is n:
//
//   - g = n: rotated; the answer is the token of generation n+1.
//   - g = n-1, within RefreshGrace of the rotation: the same answer as the first time,
//     token n again. So two tabs, or a client that did not get the answer, go on, and
//     there is still one token only: whoever uses n second is found out then.
//   - any other that we made: two have the session's tokens, one of them stole it. The
//     session ends, all its tokens with it, and the owner is told.
//
// What we did not make is refused without effect, so nobody can end the session of
// another by guessing. The answer is unauthenticated in every case but these.
func (s *Service) Refresh(ctx context.Context, from Peer, token string) (Tokens, error) {
	if err := s.limits.allow(ctx, "refresh", netKey(from.Address), s.limits.Refresh); err != nil {
		return Tokens{}, err
	}
	given, err := parseRefresh(token)
	if err != nil {
		return Tokens{}, refused()
	}
	var r rotation
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		r, err = s.rotate(ctx, st, from, given)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	if r.reused { // committed: the session has ended
		s.tellRevocations(ctx)
		s.log.Warn("refresh token used again: session ended", "user", r.session.user, "session", r.session.id, "peer", from.address())
		return Tokens{}, refused()
	}
	return s.tokens(r.account, r.session, r.next)
}

func refused() error {
	return fault.New(fault.Unauthenticated, "the refresh token is not valid any more: sign in again")
}

// rotation is the outcome of a refresh.
type rotation struct {
	session *session
	account *Account
	next    refreshToken
	reused  bool
}

func (s *Service) rotate(ctx context.Context, st Store, from Peer, given refreshToken) (rotation, error) {
	n, err := st.session(ctx, given.session)
	if errors.Is(err, db.ErrNotFound) {
		return rotation{}, refused()
	}
	if err != nil {
		return rotation{}, err
	}
	now := s.stamp()
	if !given.authentic(n.macKey) || !n.live(now) {
		return rotation{}, refused()
	}
	r := rotation{session: n}
	switch g := int64(given.generation); {
	case g == n.generation && given.is(n.hash):
		if r.account, err = s.enter(ctx, st, n.user, now); err != nil {
			return r, err
		}
		r.next = n.advance(given, from, now)
		return r, st.rotate(ctx, n)
	case g == n.generation-1 && given.is(n.previousHash) && now.Sub(n.rotated) <= RefreshGrace:
		if r.account, err = s.enter(ctx, st, n.user, now); err != nil {
			return r, err
		}
		r.next, err = given.unseal(n.sealed, n.macKey)
		return r, err
	case g >= n.generation: // a token from the future: the database was set back
		return r, refused()
	}
	r.reused = true
	if _, err := st.endSession(ctx, n.user, n.id, "reused", now); err != nil {
		return r, err
	}
	return r, s.note(ctx, st, from, act{user: n.user, kind: kindReused})
}

// enter reads the account and refuses who may not go on.
func (s *Service) enter(ctx context.Context, st Store, user uuid.UUID, now time.Time) (*Account, error) {
	a, err := st.account(ctx, user)
	if err != nil {
		return nil, err
	}
	if a.Deleted != nil {
		return nil, refused()
	}
	return a, s.mayEnter(a, now)
}

// advance makes the next token the present one.
func (s *session) advance(given refreshToken, from Peer, now time.Time) refreshToken {
	next := newRefreshToken(s.id, given.generation+1, s.macKey)
	s.generation++
	s.previousHash, s.hash, s.sealed = s.hash, next.hash(), given.seal(next)
	s.rotated, s.seen, s.address, s.userAgent = now, now, from.address(), from.userAgent()
	s.expires = now.Add(RefreshLife)
	if last := s.created.Add(SessionLife); s.expires.After(last) {
		s.expires = last
	}
	return next
}

// SignOut ends the session of a refresh token, also of one that has been used. A token
// that is not valid, or of a session that has ended, is no error: the caller is signed
// out.
func (s *Service) SignOut(ctx context.Context, from Peer, token string) error {
	if err := s.limits.allow(ctx, "refresh", netKey(from.Address), s.limits.Refresh); err != nil {
		return err
	}
	given, err := parseRefresh(token)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		n, err := st.session(ctx, given.session)
		if errors.Is(err, db.ErrNotFound) || err == nil && !given.authentic(n.macKey) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.end(ctx, st, from, n.user, n.user, n.id, kindSignedOut)
	})
	if err == nil {
		s.tellRevocations(ctx)
	}
	return err
}

// end ends one session; that there is none that is live is no error.
func (s *Service) end(ctx context.Context, st Store, from Peer, user, actor, id uuid.UUID, kind string) error {
	done, err := st.endSession(ctx, user, id, kind, s.stamp())
	if err != nil || !done {
		return err
	}
	return s.note(ctx, st, from, act{user: user, actor: actor, kind: kind, detail: id.String()})
}

// Sessions lists the caller's sign-ins, newest first; there are at most 50.
func (s *Service) Sessions(ctx context.Context, who auth.Identity) ([]SessionView, error) {
	list, err := s.store().sessions(ctx, who.User, s.stamp(), maxSessions)
	if err != nil {
		return nil, faultOf(err)
	}
	views := make([]SessionView, len(list))
	for i, n := range list {
		views[i] = SessionView{
			ID: n.id, Current: n.id == who.Session, Browser: n.cookie, Address: n.address, UserAgent: n.userAgent,
			Created: n.created, Seen: n.seen, Expires: n.expires,
		}
	}
	return views, nil
}

// EndSession ends one of the caller's sessions; not_found for one of somebody else.
func (s *Service) EndSession(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID) error {
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		done, err := st.endSession(ctx, who.User, id, kindSessionEnded, s.stamp())
		if err != nil {
			return err
		}
		if !done {
			return fault.New(fault.NotFound, "there is no such session")
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindSessionEnded, detail: id.String()})
	})
	if err == nil {
		s.tellRevocations(ctx)
	}
	return err
}

// EndSessions ends all of the caller's sessions, or all but the present one.
func (s *Service) EndSessions(ctx context.Context, who auth.Identity, from Peer, keepCurrent bool) error {
	but := uuid.Nil
	if keepCurrent {
		but = who.Session
	}
	return s.endAll(ctx, func(ctx context.Context, st Store) error {
		if _, err := st.endSessions(ctx, who.User, but, kindSessionsEnded, s.stamp()); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindSessionsEnded})
	})
}

// endAll is within, for what ends sessions: Redis is told when it is committed.
func (s *Service) endAll(ctx context.Context, do func(context.Context, Store) error) error {
	if err := s.within(ctx, do); err != nil {
		return err
	}
	s.tellRevocations(ctx)
	return nil
}

// tellRevocations sends what was noted. The rows stay until that has worked: when it
// fails here, Run does it a second later.
func (s *Service) tellRevocations(ctx context.Context) {
	if err := s.sendRevocations(context.WithoutCancel(ctx), false); err != nil {
		s.log.Warn("ended sessions are told later", "err", err)
	}
}

// sendRevocations tells Redis of what it was not told, or, with all, of everything that
// can still matter: Redis may have lost it.
func (s *Service) sendRevocations(ctx context.Context, all bool) error {
	const batch = 1000
	if s.revoker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	after := s.stamp().Add(-auth.MaxLife - time.Minute)
	for {
		list, err := s.store().revocations(ctx, after, all, batch)
		if err != nil || len(list) == 0 {
			return faultOf(err)
		}
		plain := make([]auth.Revocation, len(list))
		for i, r := range list {
			plain[i] = r.Revocation
		}
		if err := s.revoker.Add(ctx, plain...); err != nil {
			return err
		}
		if err := s.within(ctx, func(ctx context.Context, st Store) error {
			for _, r := range list {
				if err := st.markSent(ctx, r.id); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(list) < batch {
			return nil
		}
		if all {
			after = list[len(list)-1].At
		}
	}
}
