package user

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
)

// Bounds of API tokens.
const (
	APITokensMax    = 50                   // of an account
	APITokenNameMax = 50                   // characters
	APITokenLife    = 90 * 24 * time.Hour  // when nothing else is asked for
	APITokenLongest = 365 * 24 * time.Hour // at most

	// apiTokenTouch is how exactly the last use is known.
	apiTokenTouch = time.Minute
	// apiTokenLen is the length of an API token, in characters.
	apiTokenLen = len(auth.OpaquePrefix) + mailTokenLen
)

// An API token is for programs: it stands for its account, with some of the account's
// rights, until it expires or is ended. It ends for good with a suspension, a password
// reset and the deletion of the account. A change of password by who knows the old one
// leaves it, and so does the end of sessions.

// TokenRequest is what an API token is to be.
type TokenRequest struct {
	Name     string
	Scopes   []string
	Expires  time.Time // zero: in APITokenLife
	Password string    // of the account
}

// TokenView is an API token as its owner sees it.
type TokenView struct {
	ID      uuid.UUID  `json:"id"`
	Name    string     `json:"name"`
	Scopes  []string   `json:"scopes"`
	Created time.Time  `json:"created_at"`
	Expires time.Time  `json:"expires_at"`
	Used    *time.Time `json:"used_at,omitempty" doc:"Last use, to the minute; absent: never"`
}

func (t apiToken) view() TokenView {
	return TokenView{ID: t.id, Name: t.name, Scopes: t.scopes, Created: t.created, Expires: t.expires, Used: t.used}
}

// CreateToken makes an API token of the caller and returns it, which cannot be had
// again: its hash is what is kept. conflict: there are too many.
func (s *Service) CreateToken(ctx context.Context, who auth.Identity, from Peer, r TokenRequest) (made TokenView, token string, err error) {
	t, err := s.newAPIToken(who, r)
	if err != nil {
		return TokenView{}, "", err
	}
	a, err := s.password(ctx, who, r.Password)
	if err != nil {
		return TokenView{}, "", err
	}
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	token = auth.OpaquePrefix + base64.RawURLEncoding.EncodeToString(secret)
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		now, err := s.stillSame(ctx, st, a)
		if err != nil {
			return err
		}
		if err := s.mayEnter(a, now); err != nil {
			return err
		}
		have, err := st.apiTokens(ctx, a.ID, now, APITokensMax)
		if err != nil {
			return err
		}
		if len(have) >= APITokensMax {
			return fault.Newf(fault.Conflict, "there are %d API tokens already: end one that is not needed", APITokensMax)
		}
		if err := st.insertAPIToken(ctx, t, hashText(token)); err != nil {
			return err
		}
		return s.note(ctx, st, from, act{user: a.ID, actor: a.ID, kind: kindTokenMade, detail: t.name})
	})
	if err != nil {
		return TokenView{}, "", err
	}
	return t.view(), token, nil
}

// newAPIToken checks what is asked for.
func (s *Service) newAPIToken(who auth.Identity, r TokenRequest) (apiToken, error) {
	var bad fault.Problems
	name, problem := plainLine(r.Name, APITokenNameMax)
	if name == "" && problem == "" {
		problem = "is missing: say what the token is for"
	}
	bad.Note("name", problem)
	scopes := slices.Compact(slices.Sorted(slices.Values(r.Scopes)))
	bad.Note("scopes", checkScopes(scopes, who.Role))
	now := s.stamp()
	expires := r.Expires.UTC().Truncate(time.Microsecond)
	if r.Expires.IsZero() {
		expires = now.Add(APITokenLife)
	}
	if !expires.After(now) || expires.After(now.Add(APITokenLongest)) {
		bad.Note("expires_at", "must be in the future, at most 365 days from now")
	}
	if err := bad.Err(); err != nil {
		return apiToken{}, err
	}
	id, err := newID()
	return apiToken{id: id, user: who.User, name: name, scopes: scopes, created: now, expires: expires}, err
}

func checkScopes(scopes []string, role auth.Role) string {
	if len(scopes) == 0 {
		return "are missing: use " + strings.Join(auth.TokenScopes(), ", ")
	}
	for _, scope := range scopes {
		switch {
		case !slices.Contains(auth.TokenScopes(), scope):
			return "must be of " + strings.Join(auth.TokenScopes(), ", ")
		case scope == auth.ScopeUsersAdmin && !role.AtLeast(auth.Admin):
			return fmt.Sprintf("%s is for admins only", auth.ScopeUsersAdmin)
		}
	}
	return ""
}

// APITokens lists the caller's tokens, newest first; those that have expired are not
// shown.
func (s *Service) APITokens(ctx context.Context, who auth.Identity) ([]TokenView, error) {
	list, err := s.store().apiTokens(ctx, who.User, s.stamp(), APITokensMax)
	if err != nil {
		return nil, faultOf(err)
	}
	views := make([]TokenView, len(list))
	for i, t := range list {
		views[i] = t.view()
	}
	return views, nil
}

// EndToken ends one of the caller's tokens, everywhere within a second; not_found for
// one of somebody else.
func (s *Service) EndToken(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID) error {
	return s.endAll(ctx, func(ctx context.Context, st Store) error {
		name, err := st.endAPIToken(ctx, who.User, id, s.stamp())
		if err != nil {
			return notFound(err, "API token")
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindTokenEnded, detail: name})
	})
}

// Opaque says who holds an API token, as auth.Config.Opaque wants it: the account as it
// is now, the scopes of the token, and the token's id as the session. It notes the use,
// at most once a minute. unauthenticated: there is no such token, it has expired, or
// its account may not sign in.
func (s *Service) Opaque(ctx context.Context, token string) (auth.Identity, error) {
	if len(token) != apiTokenLen || !strings.HasPrefix(token, auth.OpaquePrefix) {
		return auth.Identity{}, badAPIToken()
	}
	now := s.stamp()
	t, err := s.store().apiToken(ctx, hashText(token), now)
	if errors.Is(err, db.ErrNotFound) {
		return auth.Identity{}, badAPIToken()
	}
	if err != nil {
		return auth.Identity{}, faultOf(err)
	}
	a, err := s.store().account(ctx, t.user)
	if err != nil && !errors.Is(err, db.ErrNotFound) {
		return auth.Identity{}, faultOf(err)
	}
	if err != nil || a.Deleted != nil || a.suspended(now) != nil {
		return auth.Identity{}, badAPIToken()
	}
	if t.used == nil || now.Sub(*t.used) >= apiTokenTouch {
		if err := s.store().touchAPIToken(ctx, t.id, now, now.Add(-apiTokenTouch)); err != nil {
			s.log.Warn("use of an API token is not noted", "token", t.id, "err", err)
		}
	}
	who := a.identity(t.id)
	who.Scopes, who.Expires = t.scopes, t.expires
	return who, nil
}

func badAPIToken() error {
	return fault.New(fault.Unauthenticated, "the API token is not valid, or not any more")
}
