// Command tally reads the output of `go test -json`, prints what a person wants
// to see of it (one line a package, everything about what failed) and appends
// "PASSED FAILED NAME" to a file: tally FILE NAME.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is a line of `go test -json`, see `go doc test2json`.
type event struct {
	Action, Package, Test, ImportPath, Output string
	Elapsed                                   float64
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go test -json ... | tally FILE NAME")
		os.Exit(2)
	}
	passed, failed, err := tally(os.Stdin, os.Stdout)
	if err == nil {
		err = appendCounts(os.Args[1], fmt.Sprintf("%d %d %s\n", passed, failed, os.Args[2]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func appendCounts(path, line string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, line)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// tally counts tests and subtests. A package that fails without a failed test (it
// does not build, it crashed) counts as one failure, and so does no output at all.
func tally(in io.Reader, out io.Writer) (passed, failed int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	kept := map[string]*strings.Builder{} // output of tests and packages that have not ended
	bad := map[string]int{}               // failed tests by package
	events := 0
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		events++
		id := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			io.WriteString(out, e.Output)
		case "output":
			if kept[id] == nil {
				kept[id] = &strings.Builder{}
			}
			kept[id].WriteString(e.Output)
		case "pass", "fail", "skip":
			if e.Test != "" && e.Action == "pass" {
				passed++
			}
			if e.Action == "fail" && (e.Test != "" || bad[e.Package] == 0) {
				failed++
				bad[e.Package]++
			}
			report(out, e, kept[id])
			delete(kept, id)
		}
	}
	if events == 0 {
		failed++
	}
	return passed, failed, lines.Err()
}

// report prints a package's line, and all that a failed test or package said.
func report(out io.Writer, e event, said *strings.Builder) {
	switch {
	case e.Action == "fail" && said != nil:
		io.WriteString(out, said.String())
	case e.Test == "" && e.Action == "pass":
		fmt.Fprintf(out, "ok  \t%s\t%.3fs\n", e.Package, e.Elapsed)
	}
}
