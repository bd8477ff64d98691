package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"weir/services/live"
)

// runKey is `weir key`.
func runKey(_ context.Context, p process) error {
	const usage = "create NAME, list, or revoke ID"
	if len(p.args) == 0 {
		return usagef("%s key takes %s", p.called(), usage)
	}
	if isHelp(p.args[0]) {
		printUsage(p, "key")
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
	cfg, err := loadConfig(p.environ, envFileName)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Store.DataDir, 0o750); err != nil {
		return fmt.Errorf("WEIR_DATA_DIR=%s cannot be made: %w", cfg.Store.DataDir, err)
	}
	keys, err := live.Open(cfg.Store.DataDir, nil)
	if err != nil {
		return err
	}
	switch verb {
	case "create":
		return createKey(p, cfg, keys, args[0])
	case "revoke":
		return revokeKey(p, keys, args[0])
	}
	return listKeys(p, keys)
}

// createKey prints the key alone on stdout, for scripts, and the rest on stderr.
func createKey(p process, cfg *Settings, keys *live.Keys, name string) error {
	id, key, err := keys.Create(name)
	if errors.Is(err, live.ErrName) {
		return usagef("%v", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, key)
	fmt.Fprintf(p.stderr, "This is the stream key of %q (ID %s); it cannot be shown again. Publish to\n", name, id)
	if cfg.Ingest.RTMPAddr != "" {
		fmt.Fprintf(p.stderr, "  rtmp://%s/live/%s\n", forPeople(string(cfg.Ingest.RTMPAddr), "1935"), key)
	}
	return nil
}

func revokeKey(p process, keys *live.Keys, id string) error {
	err := keys.Revoke(id)
	if errors.Is(err, live.ErrNotFound) {
		return fmt.Errorf("%w; `%s key list` shows them", err, p.called())
	}
	if err == nil {
		fmt.Fprintln(p.stdout, "revoked; a publisher that is live now stays until it leaves")
	}
	return err
}

func listKeys(p process, keys *live.Keys) error {
	list, err := keys.List()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tCREATED")
	for _, k := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.ID, k.Name, k.Created.Format(time.RFC3339))
	}
	return w.Flush()
}
