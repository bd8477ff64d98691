package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// pgConns is the size of the pool when nobody says another one.
	pgConns = 16
	// pgConnectWithin bounds the connecting to a server.
	pgConnectWithin = 10 * time.Second
)

// errURL tells the form and not what was given: a badly written URL shows its password
// in places where nobody expects it.
var errURL = errors.New("db: the database URL cannot be understood: write postgres://USER:PASSWORD@HOST:5432/NAME?sslmode=verify-full, " +
	"with special characters of user and password percent-encoded (@ is %40, / is %2F, : is %3A)")

// pgConfig reads the URL.
func pgConfig(text string, conns int) (*pgxpool.Config, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errURL
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		why := "a setting in it is not known"
		if inner := errors.Unwrap(err); inner != nil {
			why = scrub(inner.Error(), u)
		}
		return nil, fmt.Errorf("%w; %s", errURL, why)
	}
	switch {
	case conns > 0:
		config.MaxConns = int32(min(conns, 1000)) //nolint:gosec // bounded
	case !u.Query().Has("pool_max_conns"):
		config.MaxConns = pgConns
	}
	config.MaxConns = max(config.MaxConns, 2)
	if config.ConnConfig.ConnectTimeout == 0 || config.ConnConfig.ConnectTimeout > pgConnectWithin {
		config.ConnConfig.ConnectTimeout = pgConnectWithin
	}
	config.AfterConnect = utcTimes
	return config, nil
}

// scrub takes the password out of a text, as it is and as it was written.
func scrub(text string, u *url.URL) string {
	secrets := []string{u.Query().Get("password"), u.Query().Get("sslpassword")}
	if u.User != nil {
		password, _ := u.User.Password()
		_, written, _ := strings.Cut(u.User.String(), ":")
		secrets = append(secrets, password, written)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// pgOpenFault says why the server did not let us in and what to do.
func pgOpenFault(ctx context.Context, c *pgx.ConnConfig, err error) error {
	where := fmt.Sprintf("database %q at %s:%d as %q", c.Database, c.Host, c.Port, c.User)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		if ctx.Err() != nil {
			err = ended(ctx, err)
		}
		return fmt.Errorf("%w: %s: no answer: is the server running, the address right and the way open? %w", ErrUnavailable, where, err)
	}
	switch pg.Code {
	case "28P01", "28000":
		return fmt.Errorf("db: %s: the server refuses the user or the password: correct the database URL, or the server's pg_hba.conf: %w", where, pg)
	case "3D000":
		return fmt.Errorf("db: %s: there is no such database: create it (CREATE DATABASE ... OWNER ...) or correct the database URL: %w", where, pg)
	case "42501":
		return fmt.Errorf("db: %s: the user may not connect: GRANT CONNECT ON DATABASE ... TO ...: %w", where, pg)
	case "53300":
		return fmt.Errorf("%w: %s: too many connections: raise the server's max_connections or lower pool_max_conns in the database URL: %w", ErrUnavailable, where, pg)
	case "57P03":
		return fmt.Errorf("%w: %s: the server is starting or stopping: try again in a moment: %w", ErrUnavailable, where, pg)
	}
	return fmt.Errorf("db: %s: %w", where, pg)
}
