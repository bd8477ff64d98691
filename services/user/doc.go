// Package user is the user-service: accounts, sign-in, sessions, profiles and who
// follows whom. Every other part of weir trusts the access tokens that it signs.
//
// Place in the walk: gateway -> httpd -> http*.go -> Service (one method a use case)
// -> store*.go (SQL) -> backing/db, and in the same transaction the outbox -> bus.
// Other roles reach it through Client, which speaks to the same routes.
//
// What it keeps and how:
//
//   - Passwords as argon2id in PHC form, made and checked by a Hasher that runs a few
//     at once and refuses the rest, so that a flood of sign-ins costs bounded memory.
//   - Access tokens are JWTs of ten minutes, signed with a key ring in the database
//     that gets a new key each month; the public halves are the JWKS.
//   - A session is the family of a refresh token. Its row holds the hash of the present
//     token and of the one before, never a token; an older one that comes back ends
//     the session (see refresh.go).
//   - A second factor (TOTP) that is in force makes the first step of a sign-in answer a
//     challenge; every sign-in goes through Service.open, which asks for it.
//   - Accounts elsewhere (identities) are known by issuer and subject, asked for by package
//     oidc. One whose address has an account here is linked after a proof of that account
//     only; a sign-in that is under way there is in Redis, for once (see elsewhere.go).
//   - API tokens carry scopes, end with suspension, password reset and deletion, and are
//     looked up by their hash (Service.Opaque).
//   - Tokens in mails work once, end by themselves and are hashed as well.
//   - Pictures are decoded within a budget of memory, drawn anew and kept in blob under
//     names of their own; an export of a person's data is a zip that Run streams there.
//     A row says which objects have to go, and is there before the object is.
//   - A channel is a user for now: a follow is a pair of user ids, and the two numbers
//     that people see are kept beside it, not counted.
//
// Invariants: what changes an account, its audit entry and its events are one
// transaction; a session that ended is in Redis within the same call, or, when Redis is
// away, at the next look of Run; a route that takes an id answers not_found for what
// does not belong to the caller; an account that does not exist costs the same work as
// one that does; no password, token or link is ever in a log, an error or a metric (one
// exception, a setting for development: Config.LogLinks).
//
// It sends no mail (the notification-service does, on its events), keeps no streams and
// knows no channels.
package user
