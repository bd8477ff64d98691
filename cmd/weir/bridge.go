package main

import (
	"context"
	"errors"

	"weir/ingest"
	"weir/services/live"
)

// This file holds every contact of the two pillars.

// gate lets publishers in by the stream keys of the live service.
type gate struct{ keys keyResolver }

var _ ingest.Gate = gate{}

// Publish resolves a stream key to its name.
func (g gate) Publish(ctx context.Context, r ingest.Request) (string, error) {
	name, err := g.keys.Resolve(ctx, r.Key)
	switch {
	case errors.Is(err, live.ErrName):
		return "", ingest.Refusal{Words: live.ErrName.Error()}
	case errors.Is(err, live.ErrDenied):
		return "", ingest.ErrDenied
	}
	return name, err
}
