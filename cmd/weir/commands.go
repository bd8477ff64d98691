package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"weir/services/fault"
)

// process is what a command sees of the world outside.
type process struct {
	program        string   // as it was typed; empty means weir
	args           []string // after the command's name
	environ        []string // NAME=VALUE
	stdout, stderr io.Writer
}

// called is the program as its user can type it once more.
func (p process) called() string {
	if p.program == "" {
		return "weir"
	}
	return p.program
}

// getenv is a variable of the environment that is no setting of weir's; empty when
// it is not there.
func (p process) getenv(name string) string {
	for _, entry := range slices.Backward(p.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// errUsage marks a command line that cannot be understood: exit code 2.
var errUsage = errors.New("usage")

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

// command is one subcommand.
type command struct {
	name, args, help string
	run              func(ctx context.Context, p process) error
	verbs            []string // what args can be, where that is too much for one line
}

func commands() []command {
	return []command{
		{"all", "[--demo]", "run every role in one process; --demo publishes a test picture too", runAll, nil},
		{"run", "ROLE[,ROLE...]", "run some roles: " + strings.Join(roleNames(), ", "), runSome, nil},
		{"demo", "[--name NAME]", "publish a moving test picture to the weir that runs on this data folder", runDemoCommand, nil},
		{"key", "create NAME | list | revoke ID", "stream keys, also while weir runs", runKey, nil},
		{"user", "VERB ...", "accounts, also while weir runs", runUser, userLines()},
		{"events", "dead list|retry ID|drop ID", "events that nobody could handle, also while weir runs", runEvents, nil},
		{"config", "", "print every setting and its value in force", runConfig, nil},
		{"doctor", "", "check ports, folders and whatever else is configured", runDoctor, nil},
		{"migrate", "", "bring stored data to this version's form", runMigrate, nil},
		{"version", "", "print the version", runVersion, nil},
	}
}

// dispatch runs the command that the arguments name and returns the exit code: 0
// when it did its work or was asked to stop, 1 when it failed, 2 for bad usage.
// A failure is one line on stderr; several wrong settings have a line each below.
func dispatch(ctx context.Context, p process) int {
	var err error
	switch {
	case len(p.args) == 0:
		err = usagef("say what to do, such as `%[1]s all`; `%[1]s help` lists the commands", p.called())
	case isHelp(p.args[0]) && len(p.args) == 1:
		printHelp(p)
		return 0
	case isHelp(p.args[0]):
		p.args = []string{p.args[1], "--help"}
		err = runNamed(ctx, p)
	default:
		err = runNamed(ctx, p)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(p.stderr, "weir:", oneLine(strings.TrimPrefix(err.Error(), "usage: ")))
		return 2
	default:
		printFailure(p.stderr, err)
		return 1
	}
}

func isHelp(arg string) bool {
	return arg == "help" || arg == "-h" || arg == "-help" || arg == "--help"
}

func printFailure(w io.Writer, err error) {
	var wrong wrongSettings
	if !errors.As(err, &wrong) || len(wrong) < 2 {
		fmt.Fprintln(w, "weir:", oneLine(inWords(err)))
		return
	}
	fmt.Fprintf(w, "weir: %d settings are wrong\n", len(wrong))
	for _, e := range wrong {
		fmt.Fprintln(w, "  "+oneLine(e.Error()))
	}
}

// inWords is the text of an error: of a fault what its caller is shown.
func inWords(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code == fault.Internal {
		return err.Error()
	}
	if len(f.Fields) == 0 {
		return f.Detail
	}
	var parts []string
	for _, field := range f.Fields {
		parts = append(parts, strings.TrimPrefix(field.Name, "body.")+" "+field.Problem)
	}
	return strings.Join(parts, "; ")
}

func runNamed(ctx context.Context, p process) error {
	name := p.args[0]
	var names []string
	for _, c := range commands() {
		if c.name == name {
			p.args = p.args[1:]
			return c.run(ctx, p)
		}
		names = append(names, c.name)
	}
	if near := nearest(name, names); isNear(name, near) {
		return usagef("there is no command %q; the nearest is %q", name, near)
	}
	return usagef("there is no command %q; `%s help` lists them", name, p.called())
}

func printHelp(p process) {
	fmt.Fprint(p.stdout, "weir: live video, from the encoder to the browser\n\n")
	for _, c := range commands() {
		fmt.Fprintf(p.stdout, "  %s %-38s %s\n", p.called(), c.name+" "+c.args, c.help)
		printVerbs(p.stdout, c)
	}
	fmt.Fprintf(p.stdout, "\nSettings are WEIR_ variables or lines of ./weir.env; `%s config` shows them all.\n", p.called())
}

// flags makes the flag set of a command; its errors are bad usage.
func flags(p process, name string) *flag.FlagSet {
	f := flag.NewFlagSet(p.called()+" "+name, flag.ContinueOnError)
	f.SetOutput(p.stdout)
	f.Usage = func() {
		printUsage(f.Output(), p, name)
		f.PrintDefaults()
	}
	return f
}

// printUsage says what the command is for whose name name begins with.
func printUsage(w io.Writer, p process, name string) {
	first, _, _ := strings.Cut(name, " ")
	for _, c := range commands() {
		if c.name == first {
			fmt.Fprintf(w, "%s\n  %s\n", strings.TrimSpace(p.called()+" "+c.name+" "+c.args), c.help)
			printVerbs(w, c)
		}
	}
}

func printVerbs(w io.Writer, c command) {
	for _, v := range c.verbs {
		fmt.Fprintf(w, "      %s\n", v)
	}
}

// parseFlags reads the flags and returns what is left. want is the number of
// arguments, words what they are.
func parseFlags(f *flag.FlagSet, args []string, want int, words string) ([]string, error) {
	return parseRange(f, args, want, want, words)
}

// parseRange is parseFlags where some of the arguments can be left out.
func parseRange(f *flag.FlagSet, args []string, least, most int, words string) ([]string, error) {
	out := f.Output()
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.SetOutput(out)
		f.Usage()
		return nil, err
	}
	if err != nil {
		return nil, usagef("%s: %v", f.Name(), err)
	}
	if f.NArg() < least || f.NArg() > most {
		return nil, usagef("%s takes %s", f.Name(), words)
	}
	return f.Args(), nil
}

// oneLine joins lines, so that a failure is one line whatever it was made of.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
