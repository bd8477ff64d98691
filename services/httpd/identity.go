package httpd

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v3"

	"weir/services/auth"
	"weir/services/fault"
)

// Verifier says who holds a token; auth.Verifier is one. The error is a fault:
// Unauthenticated when the token does not hold, or Unavailable.
type Verifier interface {
	Verify(ctx context.Context, bearer string) (auth.Identity, error)
}

const bearerScheme = "bearer"

// Bearer is the Security of an operation that needs an identity: without one it is
// answered 401. With scopes, an API token must have each of them, else 403; a
// session's token has them all.
func Bearer(scopes ...string) []map[string][]string {
	if scopes == nil {
		scopes = []string{}
	}
	return []map[string][]string{{bearerScheme: scopes}}
}

// identify puts the holder of the request's token into its context. A token that
// does not hold fails the request, whether the operation needs one or not.
func (s *Server) identify(c fiber.Ctx, x *exchange) error {
	id, known, err := s.bearer(c.Context(), c.Get(fiber.HeaderAuthorization), x)
	if known {
		c.SetContext(auth.With(c.Context(), id))
	}
	return err
}

// bearer says who holds the token of an Authorization header, if there is one.
func (s *Server) bearer(ctx context.Context, header string, x *exchange) (id auth.Identity, known bool, err error) {
	if header == "" || s.cfg.Verifier == nil {
		return auth.Identity{}, false, nil
	}
	x.presented = true
	scheme, token, _ := strings.Cut(header, " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return auth.Identity{}, false, fault.New(fault.Unauthenticated, `The Authorization header must be "Bearer" and a token.`)
	}
	if id, err = s.cfg.Verifier.Verify(ctx, token); err != nil {
		return auth.Identity{}, false, err
	}
	x.user = id.User.String()
	return id, true, nil
}

// allowed says why an operation with this Security may not be called. One of the
// requirements is enough; an empty one means that anybody may.
func allowed(ctx context.Context, security []map[string][]string) error {
	if len(security) == 0 {
		return nil
	}
	id, known := auth.From(ctx)
	var lacks string
	for _, requirement := range security {
		scopes, needs := requirement[bearerScheme]
		if !needs && len(requirement) == 0 {
			return nil
		}
		if !needs || !known {
			continue
		}
		if lacks = lacking(id, scopes); lacks == "" {
			return nil
		}
	}
	if !known {
		return fault.New(fault.Unauthenticated, "Sign in first: this needs an access token.")
	}
	if lacks == "" {
		return fault.New(fault.Denied, "This cannot be done with a bearer token.")
	}
	return fault.Newf(fault.Denied, "This token lacks the scope %q.", lacks)
}

// lacking is the first scope that the token does not have.
func lacking(id auth.Identity, scopes []string) string {
	for _, scope := range scopes {
		if !id.Has(scope) {
			return scope
		}
	}
	return ""
}
