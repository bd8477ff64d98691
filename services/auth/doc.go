// Package auth says who a caller is. A service gives the token of a request to
// its Verifier and gets an Identity, or a fault that tells the caller what to do;
// the user-service alone makes tokens, with a Signer.
//
// There are two kinds of token. An access token is a JWT of at most MaxLife,
// signed with Ed25519 and checked here without asking anyone. An API token begins
// with OpaquePrefix, means nothing by itself, and is looked up by Config.Opaque,
// at most once per OpaqueLife.
//
// # Access tokens
//
// Header: alg EdDSA, typ at+jwt (so that no other JWT of the same issuer passes
// for one, RFC 8725 section 3.11), kid. Claims: iss, aud, sub (user), sid
// (session), iat, exp, preferred_username, role, email_verified, scope (absent:
// all). The key is chosen by kid from the trusted KeySource only; jku, jwk, x5u and
// x5c are not looked at. The two times are NumericDates with microseconds.
//
// A ring of keys rotates: the newest key that has begun signs, an older one is
// trusted until the last token that it can have signed is over. Give a new key a
// Created some minutes ahead, so that it is published before it is used.
//
// # Revocation
//
// A Verifier knows every revocation in memory, so a check costs two map lookups.
// They are written to a sorted set in Redis and published (Revoker); a Verifier
// reads the set when it subscribes, at every new connection and each 30 s, and asks
// on the subscription every 2 s whether it still lives (6 s of silence end it). So a
// revocation counts everywhere as soon as a message takes. Entries end when no token can be left that
// they speak of. The sorted set is a copy: the truth is in the database of the
// user-service, which adds the revocations of the last MaxLife again at its start
// (Revoker.Add), and a Verifier that finds Redis emptied puts back what it knows.
//
// # While Redis is away
//
// What was known still counts, and Ready says what is wrong. What was not heard
// counts too, but later: once the set is older than MaxStale, access tokens older
// than MaxStale are refused (ErrStale, as if they had expired). Their holders
// refresh, the user-service asks its database, and who was revoked gets nothing.
// New sign-ins and refreshed sessions go on. So a revocation counts after 1 s with
// Redis and after MaxStale without; the price is a refresh per client and MaxStale.
// (A token revoked at r is refused from max(begin of the gap, issue) + MaxStale,
// which is at most r + MaxStale. A set that is full counts as unknown.) API tokens do not depend on it: their truth is
// asked every OpaqueLife.
//
// # Invariants
//
// Nothing that comes from outside is used before it is bounded: MaxToken, strict
// base64, JSON without duplicate or differently cased names; and no claim is read
// before the signature over it is right. A token itself is never
// kept (caches are keyed by SHA-256), logged, or part of an error. A Verifier that
// has seen a token calls nothing to see it again.
//
// It makes no sessions, stores no keys, reads no cookies and answers no HTTP.
package auth
