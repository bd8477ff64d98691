package auth

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	fetchEvery  = 5 * time.Second // at most, whatever is asked for
	fetchWithin = 5 * time.Second
	maxAge      = 5 * time.Minute // then it is read again, and used as it is if that fails
)

// RemoteConfig is what RemoteKeys needs.
type RemoteConfig struct {
	URL    string           // of the key set: http or https. The kid of a token is never part of it
	Client *http.Client     // copied; nil: a plain one. Redirects are not followed
	Now    func() time.Time // nil: time.Now
}

// RemoteKeys is a KeySource that reads the key set of the user-service over HTTP. A
// set is used for five minutes, for up to MaxLife when there is no newer one to be
// had (no older token can be valid), and read again when a kid is not in it; never
// more than once in five seconds. Key may be called from any goroutine; it blocks
// for a read (5 s at most, or until ctx ends) only when it has no key to give.
type RemoteKeys struct {
	url    string
	client *http.Client
	now    func() time.Time
	turn   chan struct{} // holds one: whoever reads

	mu    sync.Mutex
	keys  map[string]ed25519.PublicKey
	read  time.Time // keys are of then
	tried time.Time
	err   error // of the last try
}

// NewRemoteKeys returns a RemoteKeys that has read nothing yet.
func NewRemoteKeys(c RemoteConfig) (*RemoteKeys, error) {
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("auth: the address of the key set must be http://... or https://...")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := http.Client{}
	if c.Client != nil {
		client = *c.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &RemoteKeys{url: c.URL, client: &client, now: c.Now, turn: make(chan struct{}, 1)}, nil
}

// Key is KeySource.
func (r *RemoteKeys) Key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	key, fresh, _ := r.known(kid)
	switch {
	case fresh:
		return key, nil
	case key != nil: // old: one caller reads, the others go on
		select {
		case r.turn <- struct{}{}:
		default:
			return key, nil
		}
	default:
		select {
		case r.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-r.turn }()
	if _, fresh, _ = r.known(kid); !fresh {
		r.refresh(ctx)
	}
	key, _, err := r.known(kid)
	if key != nil {
		return key, nil
	}
	return nil, err
}

// known is what the set at hand says of kid: its key, and whether it is new enough to
// be used without a look for a newer set; or why there is none.
func (r *RemoteKeys) known(kid string) (ed25519.PublicKey, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := r.now().Sub(r.read)
	if r.keys == nil || age > MaxLife {
		return nil, false, errors.Join(errors.New("there is no key set"), r.err)
	}
	if key, ok := r.keys[kid]; ok {
		return key, age < maxAge, nil
	}
	if r.err != nil { // it may be a new key
		return nil, false, r.err
	}
	return nil, false, ErrUnknownKey
}

// refresh reads the set unless that was tried just now. Only the holder of turn
// calls it. The set is for all, so reading does not end with the caller's request.
func (r *RemoteKeys) refresh(ctx context.Context) {
	r.mu.Lock()
	now := r.now()
	soon := !r.tried.IsZero() && now.Sub(r.tried) < fetchEvery
	if !soon {
		r.tried = now
	}
	r.mu.Unlock()
	if soon {
		return
	}
	keys, err := r.fetch(context.WithoutCancel(ctx))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if err == nil {
		r.keys, r.read = keys, now
	}
}

// fetch reads and parses the document.
func (r *RemoteKeys) fetch(ctx context.Context) (map[string]ed25519.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("key set: status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxJWKS+1))
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	list, err := ParseJWKS(body)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: it has no Ed25519 key", ErrJWKS)
	}
	keys := make(map[string]ed25519.PublicKey, len(list))
	for _, k := range list {
		keys[k.ID] = k.Key
	}
	return keys, nil
}

var _ KeySource = (*RemoteKeys)(nil)
