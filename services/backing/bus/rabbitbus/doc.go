// Package rabbitbus is the bus over RabbitMQ (3.10 or later).
//
// In the walk its relay publishes the outbox to the topic exchange weir.events, the
// routing key being the event's type, and removes an entry when the broker has
// confirmed it. Each group has a quorum queue weir.GROUP with one active consumer at
// a time (so that several processes keep the order), a delivery limit, and the
// dead-letter exchange weir.dead, from where weir.GROUP.dead is emptied into the
// database: there the dead are listed, retried and dropped.
//
// Invariants: those of package bus. Of one subject at most one event is on its way
// to the broker unconfirmed, so a lost or refused one never ends up behind a later
// one. A confirm that does not come in time counts as lost and the connection as
// broken. A message is acknowledged after the transaction of its effects.
//
// Publishing and consuming have a connection each, since a broker that runs out of
// room stops the ones that publish. Both come back by themselves, with growing
// pauses, and declare everything anew.
//
// A group (Config.Groups) exists from the first time that any process has connected
// that knows it; from then on its queue holds what is to be handled.
package rabbitbus
