// Package outside connects to addresses that users have chosen, and only to those that
// everybody could reach: never to this machine, its networks, or what a cloud tells its
// machines about themselves.
//
// Place in the walk: services/live/webhook and the restreams of cmd/weir dial through a
// Guard. Addresses of the operator's own settings need none.
//
// Invariants: the address is looked at when the connection is made, after the name was
// resolved, so that no answer of a name server leads elsewhere; all the forms that an
// IPv4 address has in IPv6 are refused or looked at as what they stand for; proxies of
// the environment are not used, and redirects not followed.
//
// It does not resolve names itself and keeps no connections.
package outside
