package main

import (
	"fmt"
	"testing"
	"time"
)

// Names that somebody makes up by the thousand keep no camera from being watched.
func TestCamerasKeepRoom(t *testing.T) {
	c := &cameras{asked: map[string]asked{}}
	if anybody, admitted := c.demand("yard"); anybody || admitted {
		t.Error("somebody watches already")
	}
	for i := range 2 * manyNames {
		c.want(fmt.Sprint("none-", i), false)
	}
	if n := len(c.asked); n > manyNames {
		t.Errorf("%d names", n)
	}
	c.want("yard", false)
	c.demand("gate") // a new camera
	c.want("gate", true)
	for name, pass := range map[string]bool{"yard": false, "gate": true} {
		if anybody, admitted := c.demand(name); !anybody || admitted != pass {
			t.Errorf("%s: %v %v", name, anybody, admitted)
		}
	}
	c.forget(time.Now().Add(unwatched))
	if n := len(c.asked); n != 0 {
		t.Errorf("%d names are not forgotten", n)
	}
}
