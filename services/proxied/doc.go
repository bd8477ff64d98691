// Package proxied reads the PROXY header with which a proxy in front says whose connection
// it passes on. Only proxies that are named are believed, and to everybody else a header
// is part of what the client sends. HTTP's own headers are not its matter.
package proxied
