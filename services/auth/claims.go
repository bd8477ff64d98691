package auth

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// instant is a NumericDate (RFC 7519 section 2) in microseconds since 1970: with
// whole seconds a revocation could not tell the token before from the one after.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMicro()) }

func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// numeric is what golang-jwt's validator compares; nil when there is none.
func (i instant) numeric() *jwt.NumericDate {
	if i == 0 {
		return nil
	}
	return &jwt.NumericDate{Time: i.time()}
}

// MarshalJSON writes seconds with six decimals.
func (i instant) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%06d", i/1e6, i%1e6), nil
}

// UnmarshalJSON reads seconds from 1970 to the year 9999. A float64 has the
// microsecond right until then.
func (i *instant) UnmarshalJSON(data []byte) error {
	const year9999 = 253402300800
	f, err := strconv.ParseFloat(string(data), 64)
	if err != nil || !(f > 0 && f < year9999) {
		return ErrMalformed
	}
	*i = instant(math.Round(f * 1e6))
	return nil
}

// claims is the content of an access token.
type claims struct {
	Issuer    string    `json:"iss"`
	Audience  string    `json:"aud"`
	Subject   uuid.UUID `json:"sub"`
	Session   uuid.UUID `json:"sid"`
	Issued    instant   `json:"iat"`
	NotBefore instant   `json:"nbf,omitempty"`
	Expires   instant   `json:"exp"`
	Username  string    `json:"preferred_username,omitempty"`
	Role      Role      `json:"role"`
	Verified  bool      `json:"email_verified,omitempty"`
	Scope     *string   `json:"scope,omitempty"` // words with blanks between (RFC 8693 section 4.2); nil: all

	audiences jwt.ClaimStrings // as read
}

// UnmarshalJSON reads exactly the names that this package writes; others may be
// there and mean nothing.
func (c *claims) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	for _, m := range []member{
		{"iss", &c.Issuer}, {"aud", &c.audiences}, {"sub", &c.Subject}, {"sid", &c.Session},
		{"iat", &c.Issued}, {"nbf", &c.NotBefore}, {"exp", &c.Expires},
		{"preferred_username", &c.Username}, {"role", (*string)(&c.Role)}, {"email_verified", &c.Verified},
	} {
		if _, err := o.get(m.name, m.out); err != nil {
			return err
		}
	}
	var scope string
	if there, err := o.get("scope", &scope); err != nil {
		return err
	} else if there {
		c.Scope = &scope
	}
	return nil
}

// valid checks what a right signature does not say.
func (c *claims) valid() error {
	life := c.Expires.time().Sub(c.Issued.time())
	if c.Subject == uuid.Nil || c.Session == uuid.Nil || !c.Role.Valid() || c.Issued == 0 || life <= 0 || life > MaxLife {
		return ErrClaims
	}
	return nil
}

func (c *claims) identity() Identity {
	id := Identity{
		User: c.Subject, Session: c.Session, Username: c.Username,
		Role: c.Role, Verified: c.Verified, Expires: c.Expires.time(),
	}
	if c.Scope != nil {
		id.Scopes = strings.Fields(*c.Scope)
		if id.Scopes == nil {
			id.Scopes = []string{} // nil would mean all
		}
	}
	return id
}

// GetExpirationTime is exp; this and the five below are golang-jwt's Claims.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires.numeric(), nil }

// GetIssuedAt is iat.
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error) { return c.Issued.numeric(), nil }

// GetNotBefore is nbf.
func (c *claims) GetNotBefore() (*jwt.NumericDate, error) { return c.NotBefore.numeric(), nil }

// GetIssuer is iss.
func (c *claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject is sub.
func (c *claims) GetSubject() (string, error) { return c.Subject.String(), nil }

// GetAudience is aud, one or more.
func (c *claims) GetAudience() (jwt.ClaimStrings, error) { return c.audiences, nil }

var _ jwt.Claims = (*claims)(nil)
