package user

import (
	"context"
	"errors"

	"weir/services/backing/db"
	"weir/services/fault"
)

// Code is the second step of a sign-in.
type Code struct {
	Challenge string // from the first step
	Code      string // of the app, or a recovery code
	Cookie    bool   // as Credentials.Cookie
}

// SignInCode ends a sign-in whose password was right: a challenge and a code are
// exchanged for a session. The challenge opens one session; a wrong code does not use
// it up. All that can be wrong is one answer.
func (s *Service) SignInCode(ctx context.Context, from Peer, c Code) (Tokens, error) {
	if err := s.limits.allow(ctx, "second", netKey(from.Address), s.limits.SignIn); err != nil {
		return Tokens{}, err
	}
	if len(c.Challenge) != mailTokenLen {
		return Tokens{}, wrongSecond()
	}
	hash := hashText(c.Challenge)
	open, err := s.store().challenge(ctx, hash, s.stamp())
	if errors.Is(err, db.ErrNotFound) {
		return Tokens{}, wrongSecond()
	}
	if err != nil {
		return Tokens{}, faultOf(err)
	}
	if err := s.limits.tryCode(ctx, open.user, from.Address, s.now()); err != nil {
		return Tokens{}, err
	}
	t, err := s.open(ctx, from, entry{
		user: open.user, cookie: c.Cookie,
		same: func(a *Account) bool { return hashText(a.PasswordHash) == open.checked },
		second: func(ctx context.Context, st Store, a *Account) (bool, error) {
			if _, err := st.challenge(ctx, hash, s.stamp()); err != nil {
				return false, notFound(err, "challenge")
			}
			right, err := s.useCode(ctx, st, from, a.ID, c.Code)
			if err != nil || !right {
				return false, err
			}
			return st.useChallenge(ctx, hash, s.stamp())
		},
	})
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.NotFound) {
		return Tokens{}, wrongSecond()
	}
	if err != nil {
		return Tokens{}, err
	}
	s.forgiveCodes(ctx, open.user, from)
	return t, nil
}

func wrongSecond() error {
	return fault.New(fault.Unauthenticated, "the code is wrong or was used already, or the sign-in took too long: try the next code, or sign in again")
}

// challenge asks for the second step, in the transaction of the first.
func (s *Service) challenge(ctx context.Context, st Store, a *Account) (Tokens, error) {
	token, hash := newMailToken()
	now := s.stamp()
	c := challenge{hash: hash, user: a.ID, checked: hashText(a.PasswordHash), created: now, expires: now.Add(ChallengeLife)}
	if err := st.insertChallenge(ctx, c, maxChallenges); err != nil {
		return Tokens{}, err
	}
	return Tokens{Challenge: token, ChallengeExpires: c.expires}, nil
}

// hasSecond says whether a second factor is in force.
func (s *Service) hasSecond(ctx context.Context, st Store, a *Account) (bool, error) {
	t, err := st.totp(ctx, a.ID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil && t.confirmed != nil, err
}
