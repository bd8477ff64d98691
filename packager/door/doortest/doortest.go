// Package doortest is the door of tests: open, until it is told to say something else.
package doortest

import (
	"net/http"
	"sync"
	"testing"

	"weir/packager/door"
)

// Door counts how often it is asked. It may be used from any goroutine.
type Door struct {
	t testing.TB

	mu    sync.Mutex
	shut  map[string]error
	asked map[string]int
}

// New is an open door for viewers of this machine.
func New(t testing.TB) *Door {
	return &Door{t: t, shut: map[string]error{}, asked: map[string]int{}}
}

// Admit implements door.Admit.
func (d *Door) Admit(_ *http.Request, b door.Bearer, _ string) (watching func() error, err error) {
	if !b.From.IsLoopback() {
		d.t.Errorf("it comes from %v", b.From)
	}
	ask := func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.asked[b.Pass]++
		return d.shut[b.Pass]
	}
	return ask, ask()
}

// Close makes the door say something to a pass from now on.
func (d *Door) Close(pass string, says error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut[pass] = says
}

// Asked is how often it was asked about a pass.
func (d *Door) Asked(pass string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[pass]
}
