// Package live is the control plane of live streams. Today that is the stream
// keys: who may publish, and as which name.
//
// A key is an opaque word of 32 characters that is shown once, when it is made.
// Keys keeps only its SHA-256 (the key has 192 random bits, so a slow hash would
// protect nothing), in one small file that every weir process on the data folder
// shares: a change made by `weir key` is seen by the next Resolve of a running
// server, and a revoked key is refused from then on.
//
// Invariants: the file is replaced whole (written beside, synced, renamed), so a
// reader never sees half of it and needs no lock; writers take a file lock; a key
// in clear is never written and never logged.
//
// It carries no media and ends no session that was granted earlier.
package live
