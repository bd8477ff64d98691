package main

import (
	"context"
	"fmt"

	"weir/services/live"
)

// runMigrate is `weir migrate`. What is stored today is the key file, of which
// there is one version; a file of another version is an error.
func runMigrate(_ context.Context, p process) error {
	if _, err := parseFlags(flags(p, "migrate"), p.args, 0, "no arguments"); err != nil {
		return err
	}
	cfg, err := loadConfig(p.environ, envFileName)
	if err != nil {
		return err
	}
	keys, err := live.Open(cfg.Store.DataDir, nil)
	if err != nil {
		return err
	}
	list, err := keys.List()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "nothing to migrate: the key file of %s is of version %d, %d keys\n", cfg.Store.DataDir, live.FileVersion, len(list))
	return nil
}
