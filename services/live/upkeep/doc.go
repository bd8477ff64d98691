// Package upkeep is what things of channels have in common that media nodes work on, such
// as targets and cameras: a secret that is sealed in their row (as that of stream keys is), news of how they do, which
// are in Redis for some seconds and not in the database, and rows that go with the channel.
package upkeep
