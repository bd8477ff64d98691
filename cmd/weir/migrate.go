package main

import (
	"context"
	"fmt"

	"weir/services/backing/db"
	"weir/services/live"
)

// runMigrate is `weir migrate`: the database, and stream keys of an older weir.
func runMigrate(ctx context.Context, p process) error {
	if _, err := parseFlags(flags(p, "migrate"), p.args, 0, "no arguments"); err != nil {
		return err
	}
	return withDatabase(ctx, p, func(cfg *Settings, d *db.DB) error {
		s, err := live.Open(live.Config{DB: d})
		if err != nil {
			return err
		}
		if err := s.Import(ctx, cfg.Store.DataDir); err != nil {
			return err
		}
		where := "SQLite in " + cfg.Store.DataDir
		if d.Postgres() {
			where = "PostgreSQL"
		}
		fmt.Fprintf(p.stdout, "the database (%s) is up to date\n", where)
		return nil
	})
}
