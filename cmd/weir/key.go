package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
	"weir/services/live"
)

// runKey is `weir key`.
func runKey(ctx context.Context, p process) error {
	const usage = "create NAME, list, or revoke ID"
	if len(p.args) == 0 {
		return usagef("%s key takes %s", p.called(), usage)
	}
	if isHelp(p.args[0]) {
		printUsage(p.stdout, p, "key")
		return nil
	}
	verb, wants := p.args[0], map[string]int{"create": 1, "list": 0, "revoke": 1}
	want, ok := wants[verb]
	if !ok {
		return usagef("%s key takes %s", p.called(), usage)
	}
	args, err := parseFlags(flags(p, "key "+verb), p.args[1:], want, map[string]string{"create": "one NAME", "list": "nothing more", "revoke": "one ID"}[verb])
	if err != nil {
		return err
	}
	return withLive(ctx, p, func(cfg *Settings, keys *live.Service) error {
		switch verb {
		case "create":
			return createKey(ctx, p, cfg, keys, args[0])
		case "revoke":
			return revokeKey(ctx, p, keys, args[0])
		}
		return listKeys(ctx, p, keys)
	})
}

// createKey prints the key alone on stdout, for scripts, and the rest on stderr.
func createKey(ctx context.Context, p process, cfg *Settings, keys *live.Service, name string) error {
	made, err := keys.IssueKey(ctx, name, "made by weir key")
	if errors.Is(err, live.ErrName) {
		return usagef("%v", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, made.Secret)
	fmt.Fprintf(p.stderr, "This is the stream key of %q (ID %s); it cannot be shown again. Publish to\n", name, made.ID)
	if cfg.Ingest.RTMPAddr != "" {
		fmt.Fprintf(p.stderr, "  rtmp://%s/live/%s\n", forPeople(string(cfg.Ingest.RTMPAddr), "1935"), made.Secret)
	}
	return nil
}

func revokeKey(ctx context.Context, p process, keys *live.Service, id string) error {
	parsed, err := uuid.Parse(id)
	if err == nil {
		err = keys.Revoke(ctx, parsed)
	} else {
		err = fault.New(fault.NotFound, "there is no such key")
	}
	if fault.Is(err, fault.NotFound) {
		return fmt.Errorf("there is no key with the ID %.80q; `%s key list` shows them", id, p.called())
	}
	if err == nil {
		fmt.Fprintln(p.stdout, "revoked; who is live with it is sent away within a second")
	}
	return err
}

func listKeys(ctx context.Context, p process, keys *live.Service) error {
	list, err := keys.AllKeys(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tLABEL\tCREATED\tUSED")
	for _, k := range list {
		used := "never"
		if k.Used != nil {
			used = k.Used.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Label, k.Created.Format(time.RFC3339), used)
	}
	return w.Flush()
}
