package user

import (
	"context"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
)

// Registration is what a new account begins with.
type Registration struct {
	Username string
	Email    string
	Password string
	Language string // BCP 47; empty: not chosen
	TimeZone string // IANA; empty: not chosen
}

// Register makes an account with the role user. Its mail address is not verified: a
// link goes there by an event. It does not sign in. conflict: the username or the
// address is taken; that an address is known shows here, which is why so few may be
// tried from one network.
func (s *Service) Register(ctx context.Context, from Peer, r Registration) (Own, error) {
	if err := s.limits.allow(ctx, "register", netKey(from.Address), s.limits.Register); err != nil {
		return Own{}, err
	}
	a, err := s.create(ctx, from, r, auth.User, false)
	if err != nil {
		return Own{}, err
	}
	return a.own(s.now()), nil
}

// create makes an account; verified ones get no mail.
func (s *Service) create(ctx context.Context, from Peer, r Registration, role auth.Role, operator bool) (*Account, error) {
	named := CheckUsername
	if operator {
		named = checkForm
	}
	a, key, err := s.newAccount(r, role, named)
	if err != nil {
		return nil, err
	}
	if a.PasswordHash, err = s.hasher.Hash(ctx, r.Password); err != nil {
		return nil, err
	}
	if operator {
		a.EmailVerified = &a.Created
	}
	var link string
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if err := s.add(ctx, st, a, key); err != nil {
			return err
		}
		if err := s.note(ctx, st, from, act{user: a.ID, actor: a.ID, kind: kindRegistered}); err != nil {
			return err
		}
		err := emit(ctx, st, event.UserRegistered{UserID: a.ID, Username: a.Username, Email: a.Email, Language: a.Profile.Language})
		if err != nil {
			return err
		}
		if operator {
			return emit(ctx, st, event.UserVerified{UserID: a.ID, Email: a.Email})
		}
		link, err = s.mailVerification(ctx, st, a, a.Email)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.showLink("verify the e-mail address", a.ID, link)
	return a, nil
}

// newAccount checks the input, all of it, so that people need not try again and again.
// named says what is wrong with a username.
func (s *Service) newAccount(r Registration, role auth.Role, named func(string) string) (a *Account, emailKey string, err error) {
	var bad fault.Problems
	bad.Note("username", named(r.Username))
	email, key, problem := parseEmail(r.Email)
	bad.Note("email", problem)
	bad.Note("password", CheckPassword(r.Password, r.Username, r.Email))
	language, problem := checkLanguage(r.Language)
	bad.Note("language", problem)
	bad.Note("time_zone", checkTimeZone(r.TimeZone))
	if err := bad.Err(); err != nil {
		return nil, "", err
	}
	id, err := newID()
	if err != nil {
		return nil, "", err
	}
	now := s.stamp()
	return &Account{
		ID: id, Username: r.Username, Email: email, Role: role, Version: 1, Created: now, Updated: now,
		Profile: Profile{Language: language, TimeZone: r.TimeZone},
	}, key, nil
}

// add takes the name and inserts the account.
func (s *Service) add(ctx context.Context, st Store, a *Account, emailKey string) error {
	free, err := st.claimName(ctx, a.Username, a.ID, a.Created)
	if err != nil {
		return err
	}
	if !free {
		return taken("username", "is taken: choose another one")
	}
	free, err = st.insert(ctx, a, emailKey)
	if err != nil {
		return err
	}
	if !free {
		return taken("email", "has an account already: sign in, or ask for a new password")
	}
	return nil
}

func taken(field, problem string) error {
	e := fault.Newf(fault.Conflict, "the %s %s", field, problem)
	e.Fields = []fault.Field{{Name: "body." + field, Problem: problem}}
	return e
}

// VerifyEmail proves a mail address by the token of a link. A token for a new address
// makes it the account's; conflict: another account has it by now.
func (s *Service) VerifyEmail(ctx context.Context, from Peer, token string) error {
	if err := s.limits.allow(ctx, "token", netKey(from.Address), s.limits.Token); err != nil {
		return err
	}
	return s.within(ctx, func(ctx context.Context, st Store) error {
		t, err := s.useToken(ctx, st, token, purposeVerify)
		if err != nil {
			return err
		}
		a, err := st.held(ctx, t.user)
		if err != nil {
			return err
		}
		if a.Deleted != nil {
			return badLink()
		}
		kind := kindVerified
		if a.Email != t.email {
			kind = kindEmailChanged
			if err := s.emailFree(ctx, st, a.ID, t.email); err != nil {
				return err
			}
			if err := st.dropMailTokens(ctx, a.ID, purposeReset); err != nil { // a link to the old address
				return err
			}
		}
		if err := st.setEmail(ctx, a.ID, t.email, s.stamp()); err != nil {
			return err
		}
		if err := s.note(ctx, st, from, act{user: a.ID, actor: a.ID, kind: kind}); err != nil {
			return err
		}
		return emit(ctx, st, event.UserVerified{UserID: a.ID, Email: t.email})
	})
}

// emailFree refuses an address that another account has.
func (s *Service) emailFree(ctx context.Context, st Store, id uuid.UUID, address string) error {
	_, key, problem := parseEmail(address)
	if problem != "" {
		return fault.Problems{{Name: "body.email", Problem: problem}}.Err()
	}
	other, err := st.byEmail(ctx, key)
	if err == nil && other.ID != id {
		return taken("email", "has an account already")
	}
	if err != nil && !fault.Is(notFound(err, "user"), fault.NotFound) {
		return err
	}
	return nil
}

// RequestVerification sends the link again, to the address that the account has.
func (s *Service) RequestVerification(ctx context.Context, who auth.Identity, from Peer) error {
	if err := s.limitMail(ctx, from, who.User.String()); err != nil {
		return err
	}
	var link string
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		a, err := st.held(ctx, who.User)
		if err != nil {
			return notFound(err, "user")
		}
		if a.Deleted != nil || a.EmailVerified != nil {
			return fault.New(fault.Conflict, "the e-mail address is verified already")
		}
		link, err = s.mailVerification(ctx, st, a, a.Email)
		return err
	})
	s.showLink("verify the e-mail address", who.User, link)
	return err
}
