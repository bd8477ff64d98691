package user

import (
	"context"
	"crypto/rand"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
)

// What the operator of the machine does, on the command line: nobody is signed in and
// no limits count. There is no route to these methods.

// Operator is who acts on the command line: an admin that is no account.
func Operator() auth.Identity { return auth.Identity{Role: auth.Admin} }

// Create makes an account with any role, its address taken as verified; its name may
// be a reserved one.
func (s *Service) Create(ctx context.Context, r Registration, role auth.Role) (Own, error) {
	if !role.Valid() {
		return Own{}, fault.Bad("role", "must be user, moderator or admin")
	}
	a, err := s.create(ctx, Peer{}, r, role, true)
	if err != nil {
		return Own{}, err
	}
	return a.own(s.now()), nil
}

// First makes the admin of a fresh installation, if there is no account at all, and
// returns the password, which cannot be had again. It is empty when there is one.
func (s *Service) First(ctx context.Context, username, email string) (password string, err error) {
	list, err := s.store().list(ctx, Filter{}, uuid.Nil, s.stamp(), 1)
	if err != nil || len(list) > 0 {
		return "", faultOf(err)
	}
	_, password, err = s.CreateWithPassword(ctx, username, email, auth.Admin)
	if fault.Is(err, fault.Conflict) { // another process was faster
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return password, nil
}

// CreateWithPassword is Create with a random password, which it returns and which
// cannot be had again.
func (s *Service) CreateWithPassword(ctx context.Context, username, email string, role auth.Role) (made Own, password string, err error) {
	password = rand.Text()
	made, err = s.Create(ctx, Registration{Username: username, Email: email, Password: password}, role)
	if err != nil {
		return Own{}, "", err
	}
	return made, password, nil
}

// ResetPassword gives an account, by its username, a new random password and ends its
// sessions.
func (s *Service) ResetPassword(ctx context.Context, username string) (password string, err error) {
	a, err := s.store().byUsername(ctx, username)
	if err != nil {
		return "", notFound(err, "user")
	}
	password = rand.Text()
	err = s.setPassword(ctx, Peer{}, a, "password", password, act{user: a.ID, kind: kindReset}, uuid.Nil)
	if err != nil {
		return "", err
	}
	return password, nil
}

// Lookup is the id of a username.
func (s *Service) Lookup(ctx context.Context, username string) (uuid.UUID, error) {
	p, err := s.ByUsername(ctx, username)
	return p.ID, err
}
