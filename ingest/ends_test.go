package ingest_test

import (
	"testing"
	"time"

	"weir/ingest"
)

// Whatever a session ends by, its watcher is told.
func TestWhyItEnded(t *testing.T) {
	enough := ingest.Refusal{Words: "enough"}
	for name, x := range map[string]struct {
		reconnect time.Duration
		leave     func(*rig)
		want      error
	}{
		"goodbye":                   {time.Hour, func(r *rig) { r.pub.Close(true) }, ingest.ErrGoodbye},
		"a reason of its own":       {time.Hour, func(r *rig) { r.pub.Quit(enough) }, enough},
		"its own after it was lost": {time.Hour, func(r *rig) { r.pub.Close(false); r.pub.Quit(enough) }, enough},
		"lost":                      {time.Microsecond, func(r *rig) { r.pub.Close(false) }, ingest.ErrLost},
		"goodbye after it was lost": {time.Hour, func(r *rig) { r.pub.Close(false); r.pub.Close(true) }, ingest.ErrGoodbye},
		"sent away":                 {time.Hour, func(r *rig) { r.sessions.Get("x").End(enough) }, enough},
		"the server ends":           {time.Hour, func(r *rig) { r.sessions.Close() }, ingest.ErrClosing},
	} {
		t.Run(name, func(t *testing.T) {
			var w watched
			r := newRig(t, func(c *ingest.Config) { c.Watch, c.Reconnect = &w, x.reconnect })
			r.send(0, 30, 1)
			session := r.sessions.Get("x")
			x.leave(r)
			<-session.Done()
			if got, want := w.lines[len(w.lines)-1], "ended: "+x.want.Error(); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}
