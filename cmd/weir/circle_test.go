package main

import (
	"slices"
	"testing"

	"github.com/google/uuid"
)

func TestCircles(t *testing.T) {
	here, there := uuid.New(), uuid.New()
	hops := slices.Repeat([]string{markOf(there)}, mostHops)
	for _, tt := range []struct {
		channel uuid.UUID
		via     []string
		goes    bool
	}{
		{here, nil, true},
		{here, []string{markOf(there)}, true},
		{here, []string{markOf(here)}, false},
		{here, []string{markOf(here), markOf(there)}, false},
		{here, hops, true},
		{here, append(hops, "x"), false},
		{uuid.Nil, []string{markOf(uuid.Nil)}, true}, // names without a channel have no restreams
	} {
		if words := circles(tt.channel, tt.via); (words == "") != tt.goes {
			t.Errorf("%v: %q", tt.via, words)
		}
	}
}
