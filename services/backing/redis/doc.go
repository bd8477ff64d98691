// Package redis opens the one Redis client of a process.
//
// It stands below every service that shares what is quick to lose: sessions'
// revocations, limits, presence, locks, counters of viewers. With a URL the client
// talks to that server; without one it talks to miniredis in this process, through
// the same go-redis client, so that a caller cannot tell the difference.
//
// Invariants:
//
//   - The embedded server has no port: each connection is a socket pair that never
//     leaves the process. (Its parser ends the process on some malformed requests, so
//     nobody else may speak to it.)
//   - TTLs pass by themselves on both. On the embedded server they are counted in
//     steps of Tick; a key may go up to one step early.
//   - Nothing lives only in Redis that a restart must not lose: the embedded server
//     keeps nothing on disk, and a real one is run as a cache.
//   - Close ends every goroutine that Open started.
//
// Not on the embedded server: SPUBLISH, FUNCTION, BITFIELD, CLUSTER; INFO is short.
// There is no limit on its memory: every key that grows with the number of people
// gets a TTL or a bounded length from the one who writes it.
//
// It has no locks, limiters or caches of its own; they belong to their users.
package redis
