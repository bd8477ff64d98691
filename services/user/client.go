package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

const (
	maxAnswer    = 1 << 20 // bytes of another service's answer that are read
	clientWithin = 5 * time.Second
)

// Directory is what other services ask the user-service: a Service in the same process,
// or a Client of one elsewhere. Both answer with the same faults.
type Directory interface {
	// User is the public view of a user; not_found when there is none.
	User(ctx context.Context, id uuid.UUID) (Public, error)
	// ByUsername is User by the name.
	ByUsername(ctx context.Context, name string) (Public, error)
	// Keys is where a Verifier finds the keys of access tokens.
	Keys() auth.KeySource
}

var (
	_ Directory = (*Service)(nil)
	_ Directory = (*Client)(nil)
)

// Client reaches the user-service over HTTP. Its methods may be called from any
// goroutine; they block for 5 s at most, or until ctx ends, and try once.
type Client struct {
	base string // without a slash at its end
	http *http.Client
	keys *auth.RemoteKeys
}

// NewClient returns a Client of the service at base, such as http://user:8081; client
// may be nil for a plain one. It does no I/O.
func NewClient(base string, client *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("user: the address of the user-service must be like http://user:8081")
	}
	base = strings.TrimRight(base, "/")
	c := &Client{base: base + httpd.DefaultPublic, http: &http.Client{}}
	if client != nil {
		copied := *client
		c.http = &copied
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.keys, err = auth.NewRemoteKeys(auth.RemoteConfig{URL: base + "/.well-known/jwks.json", Client: client})
	return c, err
}

// Keys reads and keeps the JWKS.
func (c *Client) Keys() auth.KeySource { return c.keys }

// User is Directory.
func (c *Client) User(ctx context.Context, id uuid.UUID) (Public, error) {
	var p Public
	err := c.get(ctx, "/users/"+id.String(), "", &p)
	return p, err
}

// ByUsername is Directory.
func (c *Client) ByUsername(ctx context.Context, name string) (Public, error) {
	if checkForm(name) != "" {
		return Public{}, fault.New(fault.NotFound, "there is no such user")
	}
	var p Public
	err := c.get(ctx, "/users/by-name/"+url.PathEscape(name), "", &p)
	return p, err
}

// Opaque says who holds an API token, as auth.Config.Opaque wants it.
func (c *Client) Opaque(ctx context.Context, token string) (auth.Identity, error) {
	var v IdentityView
	if err := c.get(ctx, "/auth/identity", token, &v); err != nil {
		return auth.Identity{}, err
	}
	who := auth.Identity{User: v.User, Session: v.Session, Username: v.Username, Role: v.Role, Scopes: v.Scopes, Verified: v.Verified}
	if v.All {
		who.Scopes = nil
	} else if who.Scopes == nil {
		who.Scopes = []string{}
	}
	if v.Expires != nil {
		who.Expires = *v.Expires
	}
	return who, nil
}

// get reads one answer. A token is in a header only, and in no error.
func (c *Client) get(ctx context.Context, path, token string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, clientWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return fmt.Errorf("user: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	httpd.Outgoing(ctx, req.Header)
	res, err := c.http.Do(req)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "the user-service does not answer; try again", err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return fault.FromResponse(res)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, "the user-service gave an answer that cannot be read", err)
	}
	return nil
}
