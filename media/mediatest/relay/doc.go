// Package relay stands between UDP peers and a server: a network that loses, delays and
// has no room. For tests and measurements only. What it does is seeded, so that it is the
// same each time, as far as its peers are.
package relay
