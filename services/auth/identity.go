package auth

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Role is what a user may do on the whole installation.
type Role string

// The roles, each holding the rights of the one before.
const (
	User      Role = "user"      // an account
	Moderator Role = "moderator" // may act on other people's chats and reports
	Admin     Role = "admin"     // may do everything
)

func (r Role) rank() int {
	return slices.Index([]Role{User, Moderator, Admin}, r) + 1
}

// Valid reports whether r is one of the three roles.
func (r Role) Valid() bool { return r.rank() > 0 }

// AtLeast reports whether r has the rights of least. An unknown role has none.
func (r Role) AtLeast(least Role) bool { return least.Valid() && r.rank() >= least.rank() }

// Identity is a caller whose token was checked. It is a value; Scopes is shared
// with the Verifier's cache and must not be changed.
type Identity struct {
	User     uuid.UUID // account
	Session  uuid.UUID // the sign-in; of an API token the token's own id
	Username string    // as it was when the token was made
	Role     Role      // as it was when the token was made
	Scopes   []string  // of an API token; nil: all
	Verified bool      // the e-mail address is
	Expires  time.Time // of the token, UTC; zero: an API token without end
}

// Has reports whether the token may be used for scope. A session's token may be
// used for all; an API token for exactly what is listed.
func (id Identity) Has(scope string) bool {
	return id.Scopes == nil || slices.Contains(id.Scopes, scope)
}

type contextKey struct{}

// With returns ctx with the identity in it.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// From returns the identity that With put into ctx; false when nobody is known.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(contextKey{}).(Identity)
	return id, ok
}
