// Package trace opens and closes what takes the spans of a process to an
// OpenTelemetry collector, and does nothing where no collector is named.
//
// cmd/weir opens one Provider and gives it to every httpd.Server and to the
// gateway. It is no global: what makes spans is handed the Provider. A collector
// that is away costs spans, which are dropped from a bounded queue, and a line in
// the log now and then; requests never wait for it.
//
// It knows neither HTTP nor events: trace ids cross both as W3C traceparent, see
// httpd.Outgoing and event.New.
package trace
