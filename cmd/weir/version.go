package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// build is what the Go command stamped into the binary.
type build struct{ version, revision, date string }

func buildInfo() build {
	b := build{"(devel)", "unknown", "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			b.version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.revision = s.Value
			case "vcs.time":
				b.date = s.Value
			}
		}
	}
	return b
}

// runVersion is `weir version`.
func runVersion(_ context.Context, p process) error {
	if _, err := parseFlags(flags(p, "version"), p.args, 0, "no arguments"); err != nil {
		return err
	}
	b := buildInfo()
	fmt.Fprintf(p.stdout, "weir %s\ncommit %s of %s\n%s %s/%s\n", b.version, b.revision, b.date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
