package auth

import (
	"errors"

	"weir/services/fault"
)

// Why a token was refused. Verify wraps them in a fault (Err); callers see the
// fault's text, logs and tests see these.
var (
	ErrMalformed  = errors.New("token is malformed")                  // not three parts of base64url JSON, or a name twice
	ErrTooLong    = errors.New("token is too long")                   // over MaxToken bytes
	ErrAlgorithm  = errors.New("token is not signed with EdDSA")      // alg none, HS256, RS256 ...
	ErrType       = errors.New("token is not an access token")        // typ is not at+jwt: an ID token, a refresh token
	ErrUnknownKey = errors.New("no trusted key has this id")          // kid unknown, withdrawn, or no kid
	ErrSignature  = errors.New("signature does not match")            // made with another key, or changed
	ErrClaims     = errors.New("claims are missing or not valid")     // right signature, wrong content
	ErrExpired    = errors.New("token has expired")                   // exp
	ErrEarly      = errors.New("token is not valid yet")              // nbf or iat ahead of our clock
	ErrIssuer     = errors.New("token is of another issuer")          // iss
	ErrAudience   = errors.New("token is for another audience")       // aud
	ErrRevoked    = errors.New("token has been revoked")              // session, user or API token
	ErrStale      = errors.New("token is older than what is known")   // while Redis is away, see the package
	ErrUnknown    = errors.New("API token is not known")              // form is wrong or Config.Opaque denied it
	ErrJWKS       = errors.New("key set is not valid")                // RFC 7517 and 8037
	ErrKey        = errors.New("signing key is not valid")            // of a Ring
	ErrCrossSite  = errors.New("request does not come from our page") // BrowserCheck
)

// refuse is the fault of a token that is not accepted; what to do is in its text.
func refuse(reason error) error {
	detail := "the access token is not valid: sign in again"
	switch {
	case errors.Is(reason, ErrExpired):
		detail = "the access token has expired: get a new one with the refresh token"
	case errors.Is(reason, ErrStale):
		detail = "the access token must be renewed now: get a new one with the refresh token"
	case errors.Is(reason, ErrRevoked):
		detail = "the session or token has been revoked: sign in again"
	case errors.Is(reason, ErrEarly):
		detail = "the access token is not valid yet: check the clocks of the servers"
	case errors.Is(reason, ErrTooLong):
		detail = "the access token is too long"
	case errors.Is(reason, ErrUnknown):
		detail = "the API token is not valid: it is wrong, has expired or was deleted"
	}
	return fault.Wrap(fault.Unauthenticated, detail, reason)
}
