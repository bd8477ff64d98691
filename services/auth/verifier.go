package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"

	"weir/services/fault"
)

const (
	defaultCache    = 10_000
	defaultMaxStale = time.Minute

	// trustLife is how long a checked token is believed before its signature is
	// checked again: a key that was withdrawn ends then.
	trustLife = time.Minute
)

// Config is what a Verifier needs.
type Config struct {
	Keys     KeySource // required
	Redis    Redis     // required; where revocations are
	Issuer   string    // required; the iss that tokens must have
	Audience string    // required; one of their aud

	// Opaque says who holds an API token (OpaquePrefix and what follows). Its Session
	// is the token's id. It is asked at most once a second for each token, with up to
	// 5 s of time. fault.Unauthenticated or NotFound: there is no such token. nil:
	// there are no API tokens.
	Opaque func(ctx context.Context, token string) (Identity, error)

	CacheSize int           // tokens of each kind that are remembered, some 400 bytes each; 0: 10,000
	MaxStale  time.Duration // see the package; 0: one minute
	Now       func() time.Time
	Log       *slog.Logger
}

// Verifier checks tokens. Verify may be called from any goroutine, before and while
// Run runs.
type Verifier struct {
	config    Config
	validator *jwt.Validator
	mono      func() time.Time // measures gaps: a wall clock that is set must not make one
	start     time.Time        // on mono

	pingEvery, readEvery time.Duration

	seen    *lru[seen]
	opaque  *lru[asked]
	asking  singleflight.Group
	revoked *revoked
	asOf    atomic.Pointer[time.Time] // on mono: revoked held everything then; nil: never
}

// seen is a token whose signature and claims are right.
type seen struct {
	identity Identity
	issued   instant
	checked  time.Time // on mono
}

// New returns a Verifier that knows no revocation yet; Sync or Run reads them. It
// does no I/O.
func New(c Config) (*Verifier, error) {
	if c.Keys == nil || c.Redis == nil || c.Issuer == "" || c.Audience == "" {
		return nil, errors.New("auth: a verifier needs keys, redis, an issuer and an audience")
	}
	if c.CacheSize <= 0 {
		c.CacheSize = defaultCache
	}
	if c.MaxStale <= 0 {
		c.MaxStale = defaultMaxStale
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Verifier{
		config: c,
		validator: jwt.NewValidator(
			jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
			jwt.WithIssuer(c.Issuer), jwt.WithAudience(c.Audience),
			jwt.WithLeeway(Leeway), jwt.WithTimeFunc(c.Now),
		),
		mono:  time.Now,
		start: time.Now(),

		pingEvery: pingEvery,
		readEvery: readEvery,

		seen:    newLRU[seen](c.CacheSize),
		opaque:  newLRU[asked](c.CacheSize),
		revoked: newRevoked(),
	}, nil
}

// Verify says who holds the token: what follows the word "Bearer". The error is a
// fault: Unauthenticated (with the reason from this package in its chain), or
// Unavailable when keys or an API token cannot be looked up now. It keeps nothing
// of bearer. For an access token that was seen within the last minute it calls
// nothing; for a new one the KeySource.
func (v *Verifier) Verify(ctx context.Context, bearer string) (Identity, error) {
	if len(bearer) > MaxToken {
		return Identity{}, refuse(ErrTooLong)
	}
	key := digest(sha256.Sum256([]byte(bearer)))
	if strings.HasPrefix(bearer, OpaquePrefix) {
		return v.verifyOpaque(ctx, bearer, key)
	}
	s, ok := v.seen.get(key)
	if !ok || v.mono().Sub(s.checked) >= trustLife {
		var err error
		if s, err = v.check(ctx, bearer); err != nil {
			v.seen.drop(key)
			return Identity{}, err
		}
		v.seen.put(key, s)
	}
	if err := v.admit(s); err != nil {
		return Identity{}, refuse(err)
	}
	return s.identity, nil
}

// admit checks what changes while a token lives.
func (v *Verifier) admit(s seen) error {
	now := v.config.Now()
	switch {
	case !now.Before(s.identity.Expires.Add(Leeway)):
		return ErrExpired
	case v.revoked.has(s.identity.Session, s.identity.User, s.issued):
		return ErrRevoked
	case v.gap() > v.config.MaxStale && now.Sub(s.issued.time()) > v.config.MaxStale:
		return ErrStale
	}
	return nil
}

// check is everything about an access token that does not change. The order is the
// point: nothing of the claims is read before the signature over them is right.
func (v *Verifier) check(ctx context.Context, token string) (seen, error) {
	p, err := split(token)
	if err != nil {
		return seen{}, refuse(err)
	}
	kid, err := keyID(p.header)
	if err != nil {
		return seen{}, refuse(err)
	}
	key, err := v.config.Keys.Key(ctx, kid)
	if errors.Is(err, ErrUnknownKey) {
		return seen{}, refuse(ErrUnknownKey)
	}
	if err != nil {
		return seen{}, fault.Wrap(fault.Unavailable, "tokens cannot be checked now: try again", fmt.Errorf("signing keys: %w", err))
	}
	if jwt.SigningMethodEdDSA.Verify(p.signed, p.signature, key) != nil {
		return seen{}, refuse(ErrSignature)
	}
	c, err := v.content(p.claims)
	if err != nil {
		return seen{}, refuse(err)
	}
	return seen{identity: c.identity(), issued: c.Issued, checked: v.mono()}, nil
}

// content reads and checks the claims of a token whose signature is right.
func (v *Verifier) content(data []byte) (*claims, error) {
	var c claims
	if err := c.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	if err := v.validator.Validate(&c); err != nil {
		return nil, reasonOf(err)
	}
	return &c, c.valid()
}

// reasonOf makes the library's answer one of ours.
func reasonOf(err error) error {
	for _, known := range [][2]error{
		{jwt.ErrTokenInvalidIssuer, ErrIssuer},
		{jwt.ErrTokenInvalidAudience, ErrAudience},
		{jwt.ErrTokenExpired, ErrExpired},
		{jwt.ErrTokenNotValidYet, ErrEarly},
		{jwt.ErrTokenUsedBeforeIssued, ErrEarly},
	} {
		if errors.Is(err, known[0]) {
			return known[1]
		}
	}
	return ErrClaims
}
