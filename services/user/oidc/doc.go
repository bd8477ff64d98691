// Package oidc asks somebody else who a person is: an OpenID provider (authorization code
// flow of OpenID Connect Core 1.0, with PKCE, RFC 7636), or GitHub, which speaks OAuth
// 2.0 only and is asked over its REST API.
//
// Place in the walk: user.Service keeps the attempt, this package makes the address that
// the browser is sent to, and turns the code that it comes back with into a Person.
//
// Invariants: it asks addresses of the operator's settings only, and those that the
// issuer among them names, never by a redirect; answers and waiting are bounded; New
// asks nothing, so that a provider that is away stops no start. A Person is returned only for an id_token of the configured issuer, for this
// client, signed with a key of the issuer by a public-key algorithm, not expired, with
// the nonce of the attempt. Its errors hold no code, token or secret.
//
// It knows no accounts and no cookies. A state that is used once and belongs to one
// browser is the caller's.
package oidc
