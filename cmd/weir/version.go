package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// runVersion is `weir version`. All of it comes from what the Go command stamped
// into the binary.
func runVersion(_ context.Context, p process) error {
	if _, err := parseFlags(flags(p, "version"), p.args, 0, "no arguments"); err != nil {
		return err
	}
	version, revision, date := "(devel)", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				revision = s.Value
			case "vcs.time":
				date = s.Value
			}
		}
	}
	fmt.Fprintf(p.stdout, "weir %s\ncommit %s of %s\n%s %s/%s\n", version, revision, date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
