// Package bus carries events from the outbox to those who subscribed, in order, with
// retries, until each has taken effect once or is dead.
//
// In the walk: a service emitted an event (backing/outbox). A Relay takes it from
// there; membus puts it to its groups in the same database, rabbitbus publishes it
// to RabbitMQ. A Consumer runs the handler of a Subscription, in one transaction
// with the inbox mark.
//
// Invariants, the same for both buses (bustest holds them to it): what was emitted
// in a committed transaction reaches every group that subscribed to its type, over
// restarts of everything; its effects happen once; events of one subject reach a
// group in the order in which they were emitted, and one that fails holds the later
// ones back until it is handled or dead; a failing event is tried MaxAttempts times
// with growing pauses, then it is dead: listed, and retried or dropped by hand.
//
// It is no log of events: a group that subscribes for the first time gets what is
// emitted from then on.
package bus
