package main

import (
	"context"
	"fmt"

	"weir/services/backing/db"
	"weir/services/live"
)

// runMigrate is `weir migrate`: the database; and the key file, of which there is
// one version, so that a file of another is an error.
func runMigrate(ctx context.Context, p process) error {
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
	return withDatabase(ctx, p, func(cfg *Settings, d *db.DB) error {
		where := "SQLite in " + cfg.Store.DataDir
		if d.Postgres() {
			where = "PostgreSQL"
		}
		fmt.Fprintf(p.stdout, "the database (%s) and the key file of %s (version %d, %d keys) are up to date\n", where, cfg.Store.DataDir, live.FileVersion, len(list))
		return nil
	})
}
