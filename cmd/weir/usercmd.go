package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/httpd"
	"weir/services/user"
)

// runUser is `weir user`. It works on the database, also while weir runs.
func runUser(ctx context.Context, p process) error {
	if len(p.args) > 0 && isHelp(p.args[0]) {
		printUsage(p.stdout, p, "user")
		return nil
	}
	verbs := userVerbs()
	at := slices.IndexFunc(verbs, func(v userVerb) bool { return len(p.args) > 0 && v.name == p.args[0] })
	if at < 0 {
		return usagef("%s user takes %s", p.called(), strings.Join(userLines(), ", or "))
	}
	verb := verbs[at]
	f := flags(p, "user "+p.args[0])
	admin := new(bool)
	if p.args[0] == "create" {
		admin = f.Bool("admin", false, "make an administrator")
	}
	args, err := parseRange(f, p.args[1:], verb.least, verb.most, verb.words)
	if err != nil {
		return err
	}
	return withUsers(ctx, p, func(s *user.Service) error { return verb.run(ctx, p, s, args, *admin) })
}

// userVerb is what can be done to an account.
type userVerb struct {
	name, args  string
	least, most int
	words       string // the arguments, for who gave others
	run         func(ctx context.Context, p process, s *user.Service, args []string, admin bool) error
}

func userVerbs() []userVerb {
	roles := strings.Join([]string{string(auth.User), string(auth.Moderator), string(auth.Admin)}, "|")
	return []userVerb{
		{"create", "[--admin] NAME MAIL", 2, 2, "NAME and MAIL", createUser},
		{"list", "[PREFIX]", 0, 1, "at most the beginning of a name or of a mail address", listUsers},
		{"suspend", "NAME REASON", 2, 2, "NAME and REASON", onUser(suspendUser)},
		{"unsuspend", "NAME", 1, 1, "one NAME", onUser(unsuspendUser)},
		{"role", "NAME " + roles, 2, 2, "NAME and one of " + roles, onUser(setRole)},
		{"reset-password", "NAME", 1, 1, "one NAME", resetPassword},
		{"reset-totp", "NAME", 1, 1, "one NAME", resetTOTP},
	}
}

// userLines are the verbs as they are typed.
func userLines() []string {
	var lines []string
	for _, v := range userVerbs() {
		lines = append(lines, v.name+" "+v.args)
	}
	return lines
}

// withDatabase opens the database of the settings beside a weir that may run.
func withDatabase(ctx context.Context, p process, do func(cfg *Settings, d *db.DB) error) error {
	cfg, err := loadConfig(p.environ, envFileName)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Store.DataDir, 0o750); err != nil {
		return fmt.Errorf("WEIR_DATA_DIR=%s cannot be made: %w", cfg.Store.DataDir, err)
	}
	d, err := openDatabase(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer d.Close()
	return do(cfg, d)
}

// withUsers opens the user-service without Redis: a weir that runs tells the others
// which sessions have ended.
func withUsers(ctx context.Context, p process, do func(*user.Service) error) error {
	return withDatabase(ctx, p, func(cfg *Settings, d *db.DB) error {
		box, err := openSeal(cfg)
		if err != nil {
			return err
		}
		s, err := user.Open(ctx, user.Config{DB: d, Box: box, PublicURL: cfg.HTTP.PublicURL})
		if err != nil {
			return sealError(err)
		}
		return do(s)
	})
}

// createUser prints the password alone on stdout, for scripts.
func createUser(ctx context.Context, p process, s *user.Service, args []string, admin bool) error {
	role := auth.User
	if admin {
		role = auth.Admin
	}
	made, password, err := s.CreateWithPassword(ctx, args[0], args[1], role)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, password)
	fmt.Fprintf(p.stderr, "This is the password of %q (ID %s, role %s); it cannot be shown again.\n", made.Username, made.ID, made.Role)
	return nil
}

func listUsers(ctx context.Context, p process, s *user.Service, args []string, _ bool) error {
	filter := user.Filter{}
	if len(args) > 0 {
		filter.Prefix = args[0]
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tMAIL\tROLE\tSTATE\tCREATED\tID")
	for after := ""; ; {
		page, err := s.List(ctx, user.Operator(), filter, after, httpd.PageMax)
		if err != nil {
			return err
		}
		for _, u := range page.Items {
			state := "active"
			switch {
			case u.Deleted != nil:
				state = "deleted"
			case u.Suspension != nil:
				state = "suspended"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Username, u.Email, u.Role, state, u.Created.Format(time.DateOnly), u.ID)
		}
		if after = page.Next; after == "" {
			return w.Flush()
		}
	}
}

// onUser is for verbs whose first argument is a username: do gets its id.
func onUser(do func(ctx context.Context, s *user.Service, id uuid.UUID, args []string) (string, error)) func(context.Context, process, *user.Service, []string, bool) error {
	return func(ctx context.Context, p process, s *user.Service, args []string, _ bool) error {
		id, err := s.Lookup(ctx, args[0])
		if err != nil {
			return err
		}
		done, err := do(ctx, s, id, args)
		if err == nil {
			fmt.Fprintln(p.stdout, done)
		}
		return err
	}
}

func suspendUser(ctx context.Context, s *user.Service, id uuid.UUID, args []string) (string, error) {
	_, err := s.Suspend(ctx, user.Operator(), user.Peer{}, id, nil, args[1])
	return args[0] + " is suspended; all their sessions have ended", err
}

func unsuspendUser(ctx context.Context, s *user.Service, id uuid.UUID, args []string) (string, error) {
	_, err := s.Unsuspend(ctx, user.Operator(), user.Peer{}, id)
	return args[0] + " can sign in again", err
}

func setRole(ctx context.Context, s *user.Service, id uuid.UUID, args []string) (string, error) {
	changed, err := s.SetRole(ctx, user.Operator(), user.Peer{}, id, auth.Role(args[1]))
	return fmt.Sprintf("%s is %s now", changed.Username, changed.Role), err
}

func resetPassword(ctx context.Context, p process, s *user.Service, args []string, _ bool) error {
	password, err := s.ResetPassword(ctx, args[0])
	if err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, password)
	fmt.Fprintf(p.stderr, "This is the new password of %q; it cannot be shown again. Their sessions have ended.\n", args[0])
	return nil
}

// resetTOTP turns off the second factor of who has lost the app and the recovery codes.
func resetTOTP(ctx context.Context, p process, s *user.Service, args []string, _ bool) error {
	id, err := s.Lookup(ctx, args[0])
	if err != nil {
		return err
	}
	if err := s.ResetTOTP(ctx, user.Operator(), user.Peer{}, id); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s signs in with the password alone now\n", args[0])
	return nil
}
