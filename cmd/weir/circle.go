package main

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/google/uuid"
)

// A stream that is sent on, or played over RTSP, carries the marks of all channels that it
// was in, so that it is not taken again by one of those, from a restream or as a camera:
// what comes back would go round for ever, without a publisher. Other servers between two
// weirs keep no marks.

// mostHops is how often a stream may have been sent on.
const mostHops = 8

// markOf is what a stream carries that was in a channel. It tells nobody which one.
func markOf(channel uuid.UUID) string {
	sum := sha256.Sum256(append([]byte("weir via "), channel[:]...))
	return hex.EncodeToString(sum[:8])
}

// circles says why a stream that was there already may not come to a channel, or nothing.
func circles(channel uuid.UUID, via []string) string {
	switch {
	case channel != uuid.Nil && slices.Contains(via, markOf(channel)):
		return "this stream comes from this channel itself: it would go in a circle"
	case len(via) > mostHops:
		return "this stream was sent on too often on its way here"
	}
	return ""
}

// via is where the stream of a publisher was before.
func (c *control) via(d *desk) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return d.via
}

// marks are what the stream of a name carries on.
func (c *control) marks(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.names[name]; d != nil {
		return marksOf(d.via, d.grant.Channel)
	}
	return nil
}

// marksOf are what a stream carries on that came to a channel.
func marksOf(via []string, channel uuid.UUID) []string {
	return append(slices.Clone(via), markOf(channel))
}
