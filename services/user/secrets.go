package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
)

// ChangePassword gives the caller a new password and ends all other sessions.
func (s *Service) ChangePassword(ctx context.Context, who auth.Identity, from Peer, old, password string) error {
	a, err := s.password(ctx, who, old)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, from, a, "body.new_password", password, act{user: a.ID, actor: a.ID, kind: kindPassword}, who.Session)
}

// setPassword checks and stores a new password and ends the sessions but one.
func (s *Service) setPassword(ctx context.Context, from Peer, a *Account, field, password string, done act, but uuid.UUID) error {
	if problem := CheckPassword(password, a.Username, a.Email, a.Profile.DisplayName); problem != "" {
		return fault.Bad(field, problem)
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.endAll(ctx, func(ctx context.Context, st Store) error {
		now, err := s.stillSame(ctx, st, a)
		if err != nil {
			return err
		}
		if err := st.setPassword(ctx, a.ID, hash, now); err != nil {
			return err
		}
		if err := st.dropMailTokens(ctx, a.ID, purposeReset); err != nil {
			return err
		}
		if err := st.endOthers(ctx, a.ID, but, done.kind, now); err != nil {
			return err
		}
		return s.note(ctx, st, from, done)
	})
}

// stillSame holds the account and refuses when its password is not the one any more that
// was checked before the transaction.
func (s *Service) stillSame(ctx context.Context, st Store, a *Account) (time.Time, error) {
	held, err := st.held(ctx, a.ID)
	if err == nil && (held.Deleted != nil || held.PasswordHash != a.PasswordHash) {
		err = fault.New(fault.Conflict, "the account was changed at the same time; try again")
	}
	return s.stamp(), err
}

// ChangeEmail sends a link to a new address, which becomes the account's when the link
// is used. The present one stays until then.
func (s *Service) ChangeEmail(ctx context.Context, who auth.Identity, from Peer, password, email string) error {
	address, _, problem := parseEmail(email)
	if problem != "" {
		return fault.Bad("body.email", problem)
	}
	a, err := s.password(ctx, who, password)
	if err != nil {
		return err
	}
	if err := s.limitMail(ctx, from, who.User.String()); err != nil {
		return err
	}
	var link string
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if _, err := s.stillSame(ctx, st, a); err != nil {
			return err
		}
		if err := s.emailFree(ctx, st, a.ID, address); err != nil {
			return err
		}
		if err := s.note(ctx, st, from, act{user: a.ID, actor: a.ID, kind: kindEmailAsked}); err != nil {
			return err
		}
		link, err = s.mailVerification(ctx, st, a, address)
		return err
	})
	s.showLink("verify the new e-mail address", a.ID, link)
	return err
}

// RequestReset sends a link to a new password to that address, if it has an account.
// The answer and the time that it takes are the same if not.
func (s *Service) RequestReset(ctx context.Context, from Peer, email string) error {
	_, key, problem := parseEmail(email)
	if problem != "" {
		return fault.Bad("body.email", problem)
	}
	if err := s.limitMail(ctx, from, key); err != nil {
		return err
	}
	timer := time.NewTimer(s.pace)
	defer timer.Stop()
	err := s.startReset(ctx, from, key)
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return err
}

func (s *Service) startReset(ctx context.Context, from Peer, key string) error {
	var link string
	var user uuid.UUID
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		a, err := st.byEmail(ctx, key)
		if fault.Is(notFound(err, "user"), fault.NotFound) {
			return s.note(ctx, st, from, act{kind: kindResetAsked})
		}
		if err != nil {
			return err
		}
		if a, err = st.held(ctx, a.ID); err != nil || a.Deleted != nil {
			return err
		}
		user = a.ID
		if err := s.note(ctx, st, from, act{user: a.ID, kind: kindResetAsked}); err != nil {
			return err
		}
		link, err = s.mailReset(ctx, st, a)
		return err
	})
	s.showLink("choose a new password", user, link)
	return err
}

// Reset sets a new password by the token of a link, ends all sessions and API
// tokens, and takes the mail address as proven. A second factor stays. A password that is refused does not use up the token.
func (s *Service) Reset(ctx context.Context, from Peer, token, password string) error {
	if err := s.limits.allow(ctx, "token", netKey(from.Address), s.limits.Token); err != nil {
		return err
	}
	if problem := CheckPassword(password); problem != "" {
		return fault.Bad("body.password", problem)
	}
	if len(token) != mailTokenLen {
		return badLink()
	}
	known, err := s.store().hasMailToken(ctx, hashText(token), purposeReset, s.stamp())
	if err != nil {
		return faultOf(err)
	}
	if !known {
		return badLink() // before the costly hash
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.endAll(ctx, func(ctx context.Context, st Store) error { return s.finishReset(ctx, st, from, token, hash, password) })
}

func (s *Service) finishReset(ctx context.Context, st Store, from Peer, token, hash, password string) error {
	t, err := s.useToken(ctx, st, token, purposeReset)
	if err != nil {
		return err
	}
	a, err := st.held(ctx, t.user)
	if err != nil {
		return err
	}
	if a.Deleted != nil || a.Email != t.email {
		return badLink()
	}
	if problem := CheckPassword(password, a.Username, a.Email, a.Profile.DisplayName); problem != "" {
		return fault.Bad("body.password", problem)
	}
	now := s.stamp()
	if err := st.setPassword(ctx, a.ID, hash, now); err != nil {
		return err
	}
	if a.EmailVerified == nil {
		if err := st.setEmail(ctx, a.ID, a.Email, now); err != nil {
			return err
		}
		if err := emit(ctx, st, event.UserVerified{UserID: a.ID, Email: a.Email}); err != nil {
			return err
		}
	}
	if err := st.endAccess(ctx, a.ID, kindReset, now); err != nil {
		return err
	}
	return s.note(ctx, st, from, act{user: a.ID, kind: kindReset})
}
