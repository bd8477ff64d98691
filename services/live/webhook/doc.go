// Package webhook tells other systems by HTTP what happens: the events of a channel to
// whom its managers named, and all events to whom the operator named.
//
// Place in the walk: bus -> Service.Subscription, which adds a row for each endpoint that
// wants the event, in the transaction that marks it as handled; Run takes rows that are
// due and posts them. Managers and admins come in by http.go. It is a part of the
// live-service, whose migrations make its tables; who manages a channel it asks through
// Channels.
//
// What is sent: the event as CloudEvents JSON, with the headers of Standard Webhooks
// (webhook-id, webhook-timestamp, webhook-signature). webhook-id is the event's id: a
// receiver that sees it again has it already.
//
// Invariants: events with secrets in them are never taken (event.WebhookGroup); a row is
// sent by one process at a time, which its count of attempts decides, and its next
// attempt is due only after all time limits of the one before; addresses that users
// chose are dialed through outside.Guard; secrets are sealed in the database and shown
// once; addresses and secrets are in no log.
//
// It does not keep an order: what fails is sent later than what came after it.
package webhook
