// Package fault is the errors of the services: what went wrong, in a word that
// programs can switch on and a sentence that people can read.
//
// A service makes an Error where it knows what the caller did wrong; whatever else
// comes up is Internal, shown as nothing but that, and logged whole at the edge.
// The edge (services/httpd, services/gateway) turns an Error into an answer: the
// status by ONE table, the body as Problem, RFC 9457. A client of another service
// turns the answer back into the same Error.
//
// Invariants: Detail and Fields are what the caller sees, so they hold no secrets
// and nothing of the inside; Err is for the log and never leaves the process.
//
// It logs nothing and knows no framework.
package fault
