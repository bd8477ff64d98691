// Package live is the live-stream-service: channels, stream keys, who may publish, what
// becomes of each session, and what is kept of it: recordings and clips.
//
// Place in the walk: gateway -> httpd -> http*.go -> Service (one method a use case) ->
// store*.go (SQL) -> backing/db, and in the same transaction the outbox -> bus. The
// media role of the same process calls Admit, Begin, Playable, Dropped, Returned, Finish,
// Seen, Record and Recorded through cmd/weir's bridge: a node that has streams needs this
// package and the database, not the process that serves the API.
//
// What it keeps and how:
//
//   - A channel has a name that is never given twice, an owner (or none: the operator's),
//     and members with a role. What somebody may not know of is not found.
//   - A stream key has 192 random bits, is shown once, and kept as its SHA-256: a slow
//     hash would protect nothing and make every publisher wait. What digests of it are
//     made of is sealed beside that (digest.go).
//   - Admit decides by one read. What is refused about a known channel is kept for its
//     owner, and told by an event at most once a minute.
//   - A Broadcast is a session of this process. What happens to it is written by RunNode,
//     in order, with its events, until that has worked: a stream does not notice a
//     database that is away.
//   - Whoever wants a session to end (a revoked key, a ban, a suspension, the owner)
//     writes that into its row; its node looks once a second.
//   - Viewers are in Redis: a sorted set by their last request, and a HyperLogLog.
//   - A recording is a row from before its first object until after its last one. RunRecordings,
//     in processes that have the store, makes clips, removes what is deleted, too old or too
//     much, and closes what a node left. The store itself is behind the port Vault.
//   - Who watches a channel that is not public shows a pass (package pass), which Playback
//     gives to those who may. MayWatch checks it by what this process holds: the keys, and
//     what was taken back, which RunPasses reads from the database once a second.
//   - A node says in Redis that it lives; sessions of one that was missed for 20 s, with
//     Redis answering, are ended by any process that runs Run.
//
// Invariants: a change and its events are one transaction; stream.started.v1 is emitted
// once viewers can watch, and a session that they never could watch has no events; a
// stream key, a share link or a pass is in no log, no error and no event.
//
// It carries no media.
package live
