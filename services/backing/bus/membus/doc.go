// Package membus is the bus without a broker: the database carries the events too.
//
// In the walk it stands where rabbitbus stands when WEIR_AMQP_URL is empty. Its relay
// copies an entry of the outbox to each group that wants it (table deliveries), in
// one transaction; each group's consumer works those off.
//
// Invariants: those of package bus. An event is on disk until its effects are, so a
// SIGKILL loses nothing; a delivery that ends the process each time it is taken up
// is dead after DeliveryLimit times.
//
// It is for one process (`weir all`): a second one on the same database would copy
// events only to the groups that it knows itself. Roles in several processes need
// RabbitMQ.
package membus
