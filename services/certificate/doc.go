// Package certificate holds the TLS certificate of this process, which may be renewed
// in its files while it is used: who connects after that gets the new one, and nothing
// has to be started again. What cannot be used is not taken: the old one stays.
package certificate
