package main

import (
	"sync"

	"weir/media"
)

// gopsMost is of how many names it is remembered: where anybody may publish anything,
// names come without end.
const gopsMost = 10_000

// gops is how far apart the key frames of publishers were, by name, where that changes
// how the name's next session is cut. It lives as long as the process.
type gops struct {
	usual media.Time // what is no longer changes nothing

	mu sync.Mutex
	by map[string]media.Time
}

// of is the distance that is known of a name, or 0.
func (g *gops) of(name string) media.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.by[name]
}

// seen is told at the end of a stream; 0 means that it had no second key frame. Beyond
// gopsMost it forgets one of the others, whichever it meets.
func (g *gops) seen(name string, gop media.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if gop <= 0 {
		return
	}
	if gop <= g.usual {
		delete(g.by, name)
		return
	}
	if _, known := g.by[name]; !known && len(g.by) >= gopsMost {
		for other := range g.by {
			delete(g.by, other)
			break
		}
	}
	g.by[name] = gop
}
