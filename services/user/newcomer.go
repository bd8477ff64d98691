package user

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"strings"

	"golang.org/x/text/unicode/norm"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/user/oidc"
)

// errFaster says that the identity or the address got an account meanwhile.
var errFaster = errors.New("somebody else was faster")

const (
	nameTries = 8
	// nameTail is how long the number behind a name that is taken is, with its dash.
	nameTail = 1 + 6
)

// newcomer makes an account for a person that a provider knows: with a verified address
// and without a password.
func (s *Service) newcomer(ctx context.Context, from Peer, p *oidc.Provider, who oidc.Person, address, key string) (identity, error) {
	language, problem := checkLanguage(who.Language)
	if problem != "" {
		language = ""
	}
	user, err := newID()
	if err != nil {
		return identity{}, err
	}
	id, err := newID()
	if err != nil {
		return identity{}, err
	}
	now := s.stamp()
	a := &Account{
		ID: user, Email: address, EmailVerified: &now, Role: auth.User, Version: 1, Created: now, Updated: now,
		Profile: Profile{Language: language},
	}
	i := identity{id: id, user: user, provider: p.Name(), issuer: who.Issuer, subject: who.Subject, email: address, created: now}
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		if err := claimSome(ctx, st, a, nameWish(who.Username, address)); err != nil {
			return err
		}
		for _, insert := range []func() (bool, error){
			func() (bool, error) { return st.insert(ctx, a, key) },
			func() (bool, error) { return st.insertIdentity(ctx, i) },
		} {
			if done, err := insert(); err != nil {
				return err
			} else if !done {
				return errFaster
			}
		}
		if err := s.note(ctx, st, from, act{user: user, actor: user, kind: kindRegistered, detail: p.Name()}); err != nil {
			return err
		}
		if err := emit(ctx, st, event.UserRegistered{UserID: user, Username: a.Username, Email: address, Language: language}); err != nil {
			return err
		}
		return emit(ctx, st, event.UserVerified{UserID: user, Email: address})
	})
	return i, err
}

// claimSome gives the account the wished name, or one like it that is free.
func claimSome(ctx context.Context, st Store, a *Account, wish string) error {
	for try := range nameTries {
		a.Username = wish
		if try > 0 || CheckUsername(wish) != "" {
			var err error
			if a.Username, err = numbered(wish); err != nil {
				return err
			}
		}
		free, err := st.claimName(ctx, a.Username, a.ID, a.Created)
		if err != nil || free {
			return err
		}
	}
	return fault.New(fault.Conflict, "no free username was found: try again")
}

// numbered is a name with a random number behind it. It is a username if name is what
// nameWish returns.
func numbered(name string) (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000))
	if err != nil {
		return "", err
	}
	return name[:min(len(name), UsernameMax-nameTail)] + "-" + n.Add(n, big.NewInt(100_000)).String(), nil
}

// nameWish makes a username of what the provider calls somebody, else of the address,
// else "viewer". It may be too short, or reserved: then it needs a number.
func nameWish(username, address string) string {
	local, _, _ := strings.Cut(address, "@")
	username, _, _ = strings.Cut(username, "@") // some providers give an address
	for _, from := range []string{username, local} {
		wish := plainName(from)
		if wish != "" && !strings.HasPrefix(wish, "deleted-") {
			return wish
		}
	}
	return "viewer"
}

// plainName keeps what a username may have, with a dash for what is between words.
func plainName(s string) string {
	s = s[:min(len(s), 4*UsernameMax)]
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		case r == '.', r == ' ', r == '+':
			return '-'
		}
		return -1
	}, strings.ToLower(norm.NFKD.String(strings.ToValidUTF8(s, ""))))
	return strings.Trim(s[:min(len(s), UsernameMax)], "-_")
}
