//go:build soak

package main

import (
	"context"
	"testing"
	"time"
)

func TestSoakProtocolChanges(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	changeProtocols(ctx, t, 20)
}
