package main

import (
	"context"
	"fmt"
	"text/tabwriter"
)

// runConfig is `weir config`.
func runConfig(_ context.Context, p process) error {
	if _, err := parseFlags(flags(p, "config"), p.args, 0, "no arguments"); err != nil {
		return err
	}
	cfg, err := loadConfig(p.environ, envFileName)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVALUE\tDEFAULT\tUNIT\tMEANING")
	for _, row := range cfg.table {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", row.name, orNone(row.shown()), orNone(row.def), row.unit, row.help)
	}
	return w.Flush()
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
