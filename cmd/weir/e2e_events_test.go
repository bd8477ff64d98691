package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/outbox"
	"weir/services/event"
)

// TestDeadEvents: what nobody could handle is listed, handled once more by the server that
// runs, and dropped, each by command.
func TestDeadEvents(t *testing.T) {
	t.Parallel()
	s := startStation(t)
	d := dbtest.Open(t, db.Config{Path: filepath.Join(s.dir, databaseFile)})
	command := func(args ...string) result {
		return weir(context.Background(), []string{"WEIR_DATA_DIR=" + s.dir}, append([]string{"events", "dead"}, args...)...)
	}
	bury := func() string {
		t.Helper()
		user := uuid.Must(uuid.NewV7())
		e, err := event.New(t.Context(), "/weir/user", event.UserSuspended{UserID: user, Reason: "a secret reason"})
		if err != nil {
			t.Fatal(err)
		}
		if done, err := outbox.Bury(t.Context(), d, outbox.Dead{Group: event.LiveGroup().Name, Event: e, Attempts: 8, Error: "it\nfailed", Time: time.Now()}); err != nil || !done {
			t.Fatalf("%t %v", done, err)
		}
		r := command("list")
		line := ""
		for l := range strings.Lines(r.stdout) {
			if strings.Contains(l, e.ID) {
				line = l
			}
		}
		for _, want := range []string{"live/" + e.ID, "user.suspended.v1", user.String(), " 8 ", "failed"} {
			if !strings.Contains(line, want) {
				t.Errorf("the list is without %q: %+v", want, r)
			}
		}
		if strings.Contains(r.stdout, "secret") {
			t.Errorf("the data are shown: %s", r.stdout)
		}
		return "live/" + e.ID
	}
	for verb, words := range map[string]string{"retry": "will be handled again", "drop": "dropped"} {
		id := bury()
		if r := command(verb, id); r.code != 0 || !strings.Contains(r.stdout, words) {
			t.Errorf("%s: %+v", verb, r)
		}
		eventually(t, verb+": it is settled", func() bool { return !strings.Contains(command("list").stdout, id) })
		if r := command(verb, id); r.code != 1 || !strings.Contains(r.stderr, "no such dead event") {
			t.Errorf("%s, once more: %+v", verb, r)
		}
	}
}
