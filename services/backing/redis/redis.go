package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Nil is the error of a read that found no key; compare with errors.Is.
const Nil = goredis.Nil

// ErrURL is the error of Open for a URL that cannot be used.
var ErrURL = errors.New("the Redis URL is not valid")

// openTimeout bounds the first PING, with all of its dials.
const openTimeout = 10 * time.Second

// Config says which server to use.
type Config struct {
	// URL is redis://[user:password@]host:port/db, rediss:// for TLS, or unix://path;
	// the options of go-redis' ParseURL are accepted as its query. "" is the server
	// in this process.
	URL string
	// Log gets the client's own complaints, such as lost connections. The client
	// library has one logger in a process: that of the last Open wins. Nil leaves
	// it alone.
	Log *slog.Logger
}

// Client is a go-redis client, safe for any number of goroutines. Calls end when
// their context does.
type Client struct {
	*goredis.Client
	server *server // nil: a real one
}

// Open connects and waits, ten seconds at most, for the first answer. Its errors
// never hold the URL or the password. The caller closes the Client.
func Open(ctx context.Context, c Config) (*Client, error) {
	if c.Log != nil {
		goredis.SetLogger(clientLog{c.Log})
	}
	client, err := connect(c.URL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		where := client.Options().Addr
		return nil, errors.Join(fmt.Errorf("redis at %s does not answer (check WEIR_REDIS_URL, its password and that the server runs): %w", where, err), client.Close())
	}
	return client, nil
}

func connect(rawURL string) (*Client, error) {
	if rawURL == "" {
		s, err := serve()
		if err != nil {
			return nil, fmt.Errorf("redis in process: %w", err)
		}
		return &Client{Client: goredis.NewClient(settle(&goredis.Options{Addr: "in-process", Dialer: s.dial})), server: s}, nil
	}
	options, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	return &Client{Client: goredis.NewClient(settle(options))}, nil
}

// parse drops the library's error where it may quote a part of the password: a "/"
// or "@" in one that was not escaped moves it to the host, the port or the path.
func parse(rawURL string) (*goredis.Options, error) {
	options, err := goredis.ParseURL(rawURL)
	if err == nil {
		return options, nil
	}
	if u, bad := url.Parse(rawURL); bad == nil && u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix" {
		return nil, fmt.Errorf("%w: it begins with neither redis://, rediss:// nor unix://", ErrURL)
	}
	return nil, fmt.Errorf("%w: write redis://user:password@host:6379/0, with the characters / ? # @ of a password as %%2F %%3F %%23 %%40", ErrURL)
}

// settle sets what is the same for both servers.
func settle(o *goredis.Options) *goredis.Options {
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	// Asks for a command that neither server knows.
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o
}

// Embedded says whether the server runs in this process, and is lost with it.
func (c *Client) Embedded() bool { return c.server != nil }

// Close closes the connections, then the embedded server, and returns when its
// goroutines have ended. Subscriptions are the caller's to close first.
func (c *Client) Close() error {
	err := c.Client.Close()
	if c.server != nil {
		c.server.close()
	}
	return err
}

// clientLog is the client library's logger.
type clientLog struct{ log *slog.Logger }

// Printf implements go-redis' internal.Logging.
func (l clientLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.WarnContext(ctx, "redis client", "err", fmt.Sprintf(format, v...))
}
