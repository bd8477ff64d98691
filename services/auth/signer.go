package auth

import (
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Bounds of an access token.
const (
	// MaxLife is the longest life of an access token, and so how long a revocation
	// is kept. A token that says it lives longer is refused.
	MaxLife = time.Hour
	// MaxToken is the longest token that is looked at, in bytes.
	MaxToken = 4 << 10

	// tokenType is the typ of RFC 9068 section 2.1.
	tokenType = "at+jwt"
	// Leeway is how far the clocks of two servers may be apart.
	Leeway = 10 * time.Second
	// keep is how long something can matter to a token that was made before it.
	keep = MaxLife + 2*Leeway
)

// SignerConfig is what a Signer needs. All but Now must be set.
type SignerConfig struct {
	Ring     *Ring
	Issuer   string           // iss: the installation
	Audience string           // aud: its services
	Now      func() time.Time // wall clock; nil: time.Now
}

// Signer makes access tokens. It may be used from any goroutine and does not block.
type Signer struct{ config SignerConfig }

// NewSigner returns a Signer.
func NewSigner(c SignerConfig) (*Signer, error) {
	if c.Ring == nil || c.Issuer == "" || c.Audience == "" {
		return nil, fmt.Errorf("auth: a signer needs a ring, an issuer and an audience")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Signer{config: c}, nil
}

// Sign makes an access token of the identity (Expires is not looked at), issued now
// and valid for ttl (at most MaxLife), with the newest key that has begun.
// ErrClaims: the identity lacks a user, a session or a role, a scope has a blank in
// it, ttl is out of range, or the token would be longer than MaxToken.
func (s *Signer) Sign(id Identity, ttl time.Duration) (string, error) {
	if err := signable(id, ttl); err != nil {
		return "", err
	}
	key, err := s.config.Ring.signing()
	if err != nil {
		return "", err
	}
	now := s.config.Now()
	c := &claims{
		Issuer: s.config.Issuer, Audience: s.config.Audience,
		Subject: id.User, Session: id.Session,
		Issued: instantOf(now), Expires: instantOf(now.Add(ttl)),
		Username: id.Username, Role: id.Role, Verified: id.Verified,
	}
	if id.Scopes != nil {
		scope := strings.Join(id.Scopes, " ")
		c.Scope = &scope
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	token.Header["typ"], token.Header["kid"] = tokenType, key.ID
	text, err := token.SignedString(key.Private)
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	if len(text) > MaxToken {
		return "", fmt.Errorf("%w: the token would have %d bytes, at most %d", ErrClaims, len(text), MaxToken)
	}
	return text, nil
}

func signable(id Identity, ttl time.Duration) error {
	switch {
	case id.User == uuid.Nil || id.Session == uuid.Nil:
		return fmt.Errorf("%w: a token needs a user and a session", ErrClaims)
	case !id.Role.Valid():
		return fmt.Errorf("%w: role %q is none", ErrClaims, id.Role)
	case ttl <= 0 || ttl > MaxLife:
		return fmt.Errorf("%w: a token may live up to %v, not %v", ErrClaims, MaxLife, ttl)
	}
	for _, scope := range id.Scopes {
		if scope == "" || len(strings.Fields(scope)) != 1 || strings.TrimSpace(scope) != scope {
			return fmt.Errorf("%w: scope %q is not one word", ErrClaims, scope)
		}
	}
	return nil
}
