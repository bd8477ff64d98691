package user

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
)

// Credentials is what a person signs in with.
type Credentials struct {
	Login    string // e-mail address or username
	Password string
	Cookie   bool // a browser, which keeps the refresh token in a cookie
}

// Tokens is what a session has given out, or, when Challenge is set, nothing yet: the
// sign-in goes on with SignInCode.
type Tokens struct {
	Challenge        string    // opens one session, together with a code
	ChallengeExpires time.Time // the challenge does then

	Access         string
	AccessExpires  time.Time
	Refresh        string
	RefreshExpires time.Time
	Session        uuid.UUID
	Cookie         bool // the session keeps Refresh in a cookie
	User           Own
}

// SignIn checks the password and opens a session, or, when the account has a second
// factor, gives a challenge for it. Wrong password and unknown account
// are the same answer after the same work. denied: the account is suspended, which is
// only told to who knows the password.
func (s *Service) SignIn(ctx context.Context, from Peer, c Credentials) (Tokens, error) {
	if err := s.limits.allow(ctx, "signin", netKey(from.Address), s.limits.SignIn); err != nil {
		return Tokens{}, err
	}
	a, err := s.byLogin(ctx, c.Login)
	if err != nil {
		return Tokens{}, err
	}
	who, stored := "?"+c.Login, ""
	if a != nil {
		who, stored = a.ID.String(), a.PasswordHash
	}
	if err := s.limits.try(ctx, who, from.Address, s.now()); err != nil {
		return Tokens{}, err
	}
	right, upgrade, err := s.hasher.Check(ctx, stored, c.Password)
	if err != nil {
		return Tokens{}, err
	}
	if !right || a == nil {
		return Tokens{}, s.refuse(ctx, from, a)
	}
	if err := s.limits.forgive(ctx, who, from.Address); err != nil {
		s.log.Warn("tries are not forgotten", "err", err)
	}
	if upgrade {
		s.upgrade(ctx, a, c.Password)
	}
	return s.openSession(ctx, from, a.ID, a.PasswordHash, c.Cookie)
}

// byLogin finds the account of a name or an address; nil when there is none.
func (s *Service) byLogin(ctx context.Context, login string) (*Account, error) {
	var a *Account
	var err error
	if strings.Contains(login, "@") {
		_, key, problem := parseEmail(strings.TrimSpace(login))
		if problem != "" {
			return nil, nil
		}
		a, err = s.store().byEmail(ctx, key)
	} else {
		name := strings.ToLower(strings.TrimSpace(login))
		if checkForm(name) != "" {
			return nil, nil
		}
		a, err = s.store().byUsername(ctx, name)
	}
	if errors.Is(err, db.ErrNotFound) || err == nil && a.Deleted != nil {
		return nil, nil
	}
	return a, faultOf(err)
}

// refuse notes the wrong password and answers. An unknown account is noted as well,
// which takes as long.
func (s *Service) refuse(ctx context.Context, from Peer, a *Account) error {
	bad := act{kind: kindSignInFailed}
	if a != nil {
		bad.user = a.ID
	}
	err := s.within(ctx, func(ctx context.Context, st Store) error { return s.note(ctx, st, from, bad) })
	if err != nil {
		return err
	}
	return wrongPassword()
}

func wrongPassword() error {
	return fault.New(fault.Unauthenticated, "the name or the password is wrong")
}

// upgrade stores the password with the present cost. That it fails is no reason to keep
// somebody out.
func (s *Service) upgrade(ctx context.Context, a *Account, password string) {
	hash, err := s.hasher.Hash(ctx, password)
	if err == nil {
		err = s.store().upgradePassword(ctx, a.ID, a.PasswordHash, hash)
	}
	if err != nil {
		s.log.Warn("password hash not upgraded", "user", a.ID, "err", err)
		return
	}
	a.PasswordHash = hash
}

// openSession signs an account in, however it has shown who it is. checked is the hash
// that was checked: when the password has been changed since, the sign-in fails.
// An account with a second factor gets a challenge instead.
func (s *Service) openSession(ctx context.Context, from Peer, user uuid.UUID, checked string, cookie bool) (Tokens, error) {
	return s.open(ctx, from, entry{user: user, cookie: cookie, same: func(a *Account) bool { return a.PasswordHash == checked }})
}

// entry is what open needs to know of a sign-in.
type entry struct {
	user   uuid.UUID
	cookie bool
	same   func(*Account) bool // the password is still the one that was checked
	by     *identity           // what the provider spoke of; nil: a password was checked
	// second checks the second factor; nil: it was not given. What it has written stays,
	// also when it says no.
	second func(context.Context, Store, *Account) (bool, error)
}

// provider is the name of who the sign-in was done at; empty: here.
func (e entry) provider() string {
	if e.by == nil {
		return ""
	}
	return e.by.provider
}

// open is the one door into an account: every sign-in ends here.
func (s *Service) open(ctx context.Context, from Peer, e entry) (Tokens, error) {
	id, err := newID()
	if err != nil {
		return Tokens{}, err
	}
	now := s.stamp()
	n := &session{
		id: id, user: e.user, generation: 1, macKey: rand.Text(), rotated: now, cookie: e.cookie,
		address: from.address(), userAgent: from.userAgent(), created: now, seen: now, expires: now.Add(RefreshLife),
	}
	token := newRefreshToken(id, 1, n.macKey)
	n.hash = token.hash()
	var a *Account
	var asked Tokens
	var in, ended bool
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if a, err = s.entering(ctx, st, e, now); err != nil {
			return err
		}
		if asked, in, err = s.passSecond(ctx, st, e, a); err != nil || !in {
			return err
		}
		if ended, err = s.makeRoom(ctx, st, e.user, now); err != nil {
			return err
		}
		if err := st.insertSession(ctx, n); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: e.user, actor: e.user, kind: kindSignedIn, detail: e.provider()})
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case asked.Challenge != "":
		return asked, nil
	case !in:
		return Tokens{}, wrongSecond()
	}
	if ended {
		s.tellRevocations(ctx)
	}
	return s.tokens(a, n, token)
}

// entering holds the account and refuses it when it must not be entered.
func (s *Service) entering(ctx context.Context, st Store, e entry, now time.Time) (*Account, error) {
	a, err := st.held(ctx, e.user)
	if err != nil {
		return nil, notFound(err, "user")
	}
	if a.Deleted != nil || !e.same(a) {
		return nil, wrongPassword()
	}
	if e.by != nil {
		if linked, err := st.useIdentity(ctx, *e.by, now); err != nil {
			return nil, err
		} else if !linked {
			return nil, expired()
		}
	}
	return a, s.mayEnter(a, now)
}

// passSecond lets in who has given the second factor or needs none. Else it asks for
// it, or, when what was given is wrong, does nothing.
func (s *Service) passSecond(ctx context.Context, st Store, e entry, a *Account) (asked Tokens, in bool, err error) {
	if e.second != nil {
		in, err = e.second(ctx, st, a)
		return Tokens{}, in, err
	}
	needed, err := s.hasSecond(ctx, st, a)
	if err != nil || !needed {
		return Tokens{}, err == nil, err
	}
	asked, err = s.challenge(ctx, st, a)
	return asked, false, err
}

// mayEnter refuses who is suspended.
func (s *Service) mayEnter(a *Account, now time.Time) error {
	sus := a.suspended(now)
	switch {
	case sus == nil:
		return nil
	case sus.Until == nil:
		return fault.Newf(fault.Denied, "this account is suspended: %s", sus.Reason)
	}
	return fault.Newf(fault.Denied, "this account is suspended until %s: %s", sus.Until.Format(time.RFC3339), sus.Reason)
}

// makeRoom ends the oldest session when there are too many.
func (s *Service) makeRoom(ctx context.Context, st Store, user uuid.UUID, now time.Time) (ended bool, err error) {
	open, err := st.sessions(ctx, user, now, maxSessions+1)
	if err != nil || len(open) < maxSessions {
		return false, err
	}
	for _, old := range open[maxSessions-1:] {
		if _, err := st.endSession(ctx, user, old.id, "too many", now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// tokens signs the access token and puts both together.
func (s *Service) tokens(a *Account, n *session, refresh refreshToken) (Tokens, error) {
	access, err := s.signer.Sign(a.identity(n.id), AccessLife)
	if err != nil {
		return Tokens{}, faultOf(err)
	}
	return Tokens{
		Access: access, AccessExpires: s.stamp().Add(AccessLife), Refresh: refresh.String(), RefreshExpires: n.expires,
		Session: n.id, Cookie: n.cookie, User: a.own(s.now()),
	}, nil
}

// freshLife is how long after a sign-in the owner of an account without a password
// counts as proven.
const freshLife = 10 * time.Minute

// password checks the password of who is signed in, before what must not be done by
// somebody who found an open browser. Where there is none, the sign-in has to be new.
func (s *Service) password(ctx context.Context, who auth.Identity, password string) (*Account, error) {
	if err := s.limits.allow(ctx, "password", who.User.String(), s.limits.Password); err != nil {
		return nil, err
	}
	a, err := s.store().account(ctx, who.User)
	if err != nil {
		return nil, notFound(err, "user")
	}
	if a.PasswordHash == "" && a.Deleted == nil {
		return a, s.fresh(ctx, who)
	}
	right, _, err := s.hasher.Check(ctx, a.PasswordHash, password)
	if err != nil {
		return nil, err
	}
	if !right || a.Deleted != nil {
		return nil, fault.Bad("body.password", "is wrong")
	}
	return a, nil
}

// fresh refuses who has not signed in within freshLife.
func (s *Service) fresh(ctx context.Context, who auth.Identity) error {
	n, err := s.store().session(ctx, who.Session)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return faultOf(err)
	}
	if err != nil || n.user != who.User || s.now().Sub(n.created) >= freshLife {
		return fault.New(fault.Denied, "your account has no password: sign in again, and repeat this within ten minutes")
	}
	return nil
}
