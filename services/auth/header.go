package auth

import (
	"encoding/base64"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// parts are those of a JWS in compact form (RFC 7515 section 3.1), decoded.
type parts struct {
	header, claims, signature []byte
	signed                    string // what the signature is over; a piece of the token
}

// split checks that the token is three words of canonical base64url with dots
// between, and decodes them. (The decoder of the standard library would skip line
// ends.)
func split(token string) (parts, error) {
	dots := 0
	for i := range len(token) {
		if token[i] == '.' {
			dots++
		} else if !isWordByte(token[i]) {
			return parts{}, ErrMalformed
		}
	}
	if dots != 2 {
		return parts{}, ErrMalformed
	}
	head, rest, _ := strings.Cut(token, ".")
	body, signature, _ := strings.Cut(rest, ".")
	p := parts{signed: token[:len(head)+1+len(body)]}
	strict := base64.RawURLEncoding.Strict()
	var errs [3]error
	p.header, errs[0] = strict.DecodeString(head)
	p.claims, errs[1] = strict.DecodeString(body)
	p.signature, errs[2] = strict.DecodeString(signature)
	if errs != [3]error{} {
		return parts{}, ErrMalformed
	}
	return p, nil
}

// keyID checks the header of a JWT (RFC 7515 section 4) and returns its kid. The kid
// is a name to look up, and has an alphabet in which no path and no address can be
// written.
func keyID(data []byte) (string, error) {
	header, err := parseObject(data)
	if err != nil {
		return "", err
	}
	var alg, typ, kid string
	for _, m := range []member{{"alg", &alg}, {"typ", &typ}, {"kid", &kid}} {
		if _, err := header.get(m.name, m.out); err != nil {
			return "", err
		}
	}
	if alg != jwt.SigningMethodEdDSA.Alg() {
		return "", ErrAlgorithm
	}
	if typ != tokenType {
		return "", ErrType
	}
	for _, extension := range []string{"crit", "b64"} { // we know none: RFC 7515 section 4.1.11
		if _, there := header[extension]; there {
			return "", ErrMalformed
		}
	}
	if !validKeyID(kid) {
		return "", ErrUnknownKey
	}
	return kid, nil
}
