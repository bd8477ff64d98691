package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"weir/services/backing/db"
	"weir/services/backing/outbox"
)

const eventsUsage = "dead list, dead retry ID, or dead drop ID"

// listedDead is how many dead events are listed at once.
const listedDead = 1000

// runEvents is `weir events`: what to do with events that nobody could handle. It
// works on the database, also while weir runs.
func runEvents(ctx context.Context, p process) error {
	if len(p.args) == 1 && isHelp(p.args[0]) {
		printUsage(p.stdout, p, "events")
		return nil
	}
	if len(p.args) < 2 || p.args[0] != "dead" {
		return usagef("%s events takes %s", p.called(), eventsUsage)
	}
	verb := p.args[1]
	want, ok := map[string]int{"list": 0, "retry": 1, "drop": 1}[verb]
	if !ok {
		return usagef("%s events takes %s", p.called(), eventsUsage)
	}
	args, err := parseFlags(flags(p, "events dead "+verb), p.args[2:], want, map[string]string{"list": "nothing more", "retry": "one ID", "drop": "one ID"}[verb])
	if err != nil {
		return err
	}
	return withDatabase(ctx, p, func(_ *Settings, d *db.DB) error {
		switch verb {
		case "retry":
			return settle(p, "will be handled again", outbox.Retry(ctx, d, args[0], time.Now()))
		case "drop":
			return settle(p, "dropped", outbox.Drop(ctx, d, args[0], time.Now()))
		}
		return listDead(ctx, p, d)
	})
}

func settle(p process, done string, err error) error {
	if errors.Is(err, outbox.ErrNoDead) {
		return fmt.Errorf("%w; `%s events dead list` shows them", err, p.called())
	}
	if err == nil {
		fmt.Fprintln(p.stdout, done)
	}
	return err
}

// listDead shows no data of the events: it can hold secrets.
func listDead(ctx context.Context, p process, d *db.DB) error {
	list, err := outbox.ListDead(ctx, d, listedDead)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTYPE\tSUBJECT\tSINCE\tATTEMPTS\tERROR")
	for _, e := range list {
		why := e.Error
		if e.Retrying {
			why = "being tried again; before: " + why
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", e.ID, e.Event.Type, e.Event.Subject, e.Time.UTC().Format(time.RFC3339), e.Attempts, oneLine(why))
	}
	return w.Flush()
}
