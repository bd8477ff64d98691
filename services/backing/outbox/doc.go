// Package outbox keeps events where the state is: in the database, in the same
// transaction. It is the truth of events; brokers only carry copies.
//
// In the walk a service calls Emit with the Q of its transaction; a bus
// (backing/bus) claims the rows, carries them to the consumers, and writes the
// consumer's Mark into the inbox in the transaction of the consumer's effects.
//
// Tables: outbox (emitted, not carried yet), deliveries (where the in-process bus
// keeps what a group still has to handle), inbox (one row for each event that a
// group has handled, or that is dead for it), leases.
//
// Invariants: an event is in the outbox if and only if its transaction was
// committed; rows leave it only when a broker, or deliveries, has them for sure;
// seq grows from one transaction on a subject to the next, so the order of seq is
// the order of the events of a subject, as long as who emits for a subject at the
// same time also locks something of it; Mark succeeds once for a group and event.
//
// It starts no goroutines, and does not know what a broker is.
package outbox
