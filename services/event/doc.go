// Package event is the language that the services speak behind each other's
// backs: what happened, as CloudEvents 1.0, with one Go type and one JSON Schema
// for each kind.
//
// In the walk it stands between a service, which makes an Event of its Data in
// the transaction that changed the state, and backing/outbox, which keeps it there.
// On the other side a subscription gets the Event and makes Data of it again.
//
// Invariants: a type that has been released never changes its meaning and never
// loses a field (fields may be added; a breaking change is a new type, .v2); the
// subject orders events, those of one subject reach a consumer in the order in
// which they were emitted; an Event never shows its data in a log.
//
// It stores nothing, sends nothing and does not know who listens. README.md
// lists the types.
package event
