package webhook

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/httpd"
)

const (
	urlMax   = 2048
	typesMax = 40
)

// Endpoint is an address that is told of events.
type Endpoint struct {
	ID       uuid.UUID  `json:"id"`
	Channel  *uuid.UUID `json:"channel_id,omitempty" doc:"The channel that it is told of; absent: all, and users"`
	URL      string     `json:"url" doc:"What is posted to"`
	Types    []string   `json:"types" doc:"Event types and families such as stream.*; empty: all"`
	Enabled  bool       `json:"enabled"`
	Off      string     `json:"off_reason,omitempty" doc:"Why the server turned it off"`
	Failing  *time.Time `json:"failing_since,omitempty" doc:"Since when nothing could be delivered"`
	OldUntil *time.Time `json:"old_secret_until,omitempty" doc:"Until when the secret before signs too"`
	Created  time.Time  `json:"created_at"`
	Version  int64      `json:"version" doc:"Grows with each change; the ETag"`

	secret, old string // sealed
}

// NewEndpoint is an Endpoint with its secret, which is shown this once.
type NewEndpoint struct {
	Endpoint
	Secret string `json:"secret" doc:"What verifies signatures (Standard Webhooks). Shown this once" example:"whsec_..."`
}

// EndpointChanges are what an Endpoint is made of, and what of it can change; what is absent
// stays, or has its default.
type EndpointChanges struct {
	URL     *string   `json:"url,omitempty" maxLength:"2048" doc:"https://..."`
	Types   *[]string `json:"types,omitempty" maxItems:"40" doc:"Event types and families such as stream.*; empty: all that the endpoint may be told"`
	Enabled *bool     `json:"enabled,omitempty" doc:"Whether it is told; what waits for one that is turned off fails"`
}

// apply checks the changes, all of them, and makes them.
func (s *Service) apply(e *Endpoint, x EndpointChanges) error {
	var bad fault.Problems
	if x.URL != nil {
		var problem string
		e.URL, problem = s.checkURL(*x.URL)
		bad.Note("url", problem)
	}
	if x.Types != nil {
		var problem string
		e.Types, problem = checkTypes(*x.Types, e.Channel == nil)
		bad.Note("types", problem)
	}
	if x.Enabled != nil {
		e.Enabled, e.Off, e.Failing = *x.Enabled, "", nil
	}
	return bad.Err()
}

// checkURL takes absolute addresses that can be told of an event. Where a name leads is
// looked at when it is dialed.
func (s *Service) checkURL(text string) (clean, problem string) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || len(text) > urlMax || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", "must be an address such as https://example.org/hook, in ASCII"
	}
	if u.Scheme != "https" && (u.Scheme != "http" || len(s.guard.Private) == 0) {
		return "", "must begin with https://"
	}
	if u.User != nil {
		return "", "must have no user and password in it: verify the signature instead"
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && s.guard.Check(a) != nil {
		return "", "must have a public address"
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), ""
}

// checkTypes takes types and families that are told of; those of accounts are for the
// installation only.
func checkTypes(types []string, all bool) ([]string, string) {
	if len(types) > typesMax {
		return nil, "are too many"
	}
	out := []string{}
	for _, t := range types {
		g := event.Group{Types: []string{t}}
		known := slices.ContainsFunc(deliverable(all), g.Wants)
		if !known || strings.Contains(strings.TrimSuffix(t, "*"), "*") || strings.HasSuffix(t, "*") && t != "*" && !strings.HasSuffix(t, ".*") {
			return nil, "has what is no type of event to be told here: use such as stream.started.v1 or stream.*"
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out, ""
}

// deliverable are the types that endpoints can be told of, those of channels only unless all.
func deliverable(all bool) []string {
	var list []string
	for _, d := range event.All() {
		if t := d.EventType(); event.WebhookGroup().Wants(t) && (all || ofChannel(t)) {
			list = append(list, t)
		}
	}
	return list
}

// ofChannel says whether events of that type are about a channel, with its id in channel_id.
func ofChannel(typ string) bool { return !strings.HasPrefix(typ, "user.") }

// Endpoints are those of a channel, or of the installation for the nil UUID, oldest first.
func (s *Service) Endpoints(ctx context.Context, who auth.Identity, channel uuid.UUID) ([]Endpoint, error) {
	if err := s.mayManage(ctx, s.db, who, channel, false); err != nil {
		return nil, err
	}
	list, err := store{s.db}.endpoints(ctx, channel)
	return list, noSuch(err, "channel")
}

// Endpoint is one of a channel, as in Endpoints.
func (s *Service) Endpoint(ctx context.Context, who auth.Identity, channel, id uuid.UUID) (Endpoint, error) {
	if err := s.mayManage(ctx, s.db, who, channel, false); err != nil {
		return Endpoint{}, err
	}
	e, err := store{s.db}.endpoint(ctx, channel, id, false)
	return e, noSuch(err, "webhook")
}

// Create makes an endpoint and its secret.
func (s *Service) Create(ctx context.Context, who auth.Identity, channel uuid.UUID, x EndpointChanges) (NewEndpoint, error) {
	made := NewEndpoint{Endpoint: Endpoint{Types: []string{}, Enabled: true, Version: 1, Created: s.stamp()}}
	if channel != uuid.Nil {
		made.Channel = &channel
	}
	var err error
	if made.ID, err = uuid.NewV7(); err != nil {
		return made, err
	}
	err = s.within(ctx, func(ctx context.Context, st store) error {
		if err := s.mayManage(ctx, st.q, who, channel, true); err != nil {
			return err
		}
		if x.URL == nil {
			return fault.Bad("body.url", "must be there")
		}
		if err := s.apply(&made.Endpoint, x); err != nil {
			return err
		}
		list, err := st.endpoints(ctx, channel)
		if err != nil {
			return err
		}
		if len(list) >= PerChannel {
			return fault.Newf(fault.Conflict, "there are %d webhooks, which is the most; delete one first", len(list))
		}
		made.Secret = newSecret()
		made.secret = s.sealed(made.ID, made.Secret)
		return st.insert(ctx, made.Endpoint)
	})
	return made, err
}

// Update changes what x names, if the endpoint still has that version; 0 takes any.
func (s *Service) Update(ctx context.Context, who auth.Identity, channel, id uuid.UUID, version int64, x EndpointChanges) (Endpoint, error) {
	var e Endpoint
	err := s.change(ctx, who, channel, id, &e, func(ctx context.Context, st store) error {
		if version != 0 && version != e.Version {
			return httpd.Changed()
		}
		if err := s.apply(&e, x); err != nil || e.Enabled {
			return err
		}
		return st.cancel(ctx, id, "the webhook was turned off", s.stamp())
	})
	return e, err
}

// Rotate gives an endpoint a new secret. The one before signs too for a day.
func (s *Service) Rotate(ctx context.Context, who auth.Identity, channel, id uuid.UUID) (NewEndpoint, error) {
	var made NewEndpoint
	err := s.change(ctx, who, channel, id, &made.Endpoint, func(context.Context, store) error {
		made.Secret = newSecret()
		until := s.stamp().Add(overlap)
		made.old, made.OldUntil = made.secret, &until
		made.secret = s.sealed(id, made.Secret)
		return nil
	})
	return made, err
}

// change reads an endpoint into e for who manages it, calls do, and stores e.
func (s *Service) change(ctx context.Context, who auth.Identity, channel, id uuid.UUID, e *Endpoint, do func(context.Context, store) error) error {
	return s.within(ctx, func(ctx context.Context, st store) error {
		err := s.mayManage(ctx, st.q, who, channel, false)
		if err != nil {
			return err
		}
		if *e, err = st.endpoint(ctx, channel, id, true); err != nil {
			return noSuch(err, "webhook")
		}
		if err := do(ctx, st); err != nil {
			return err
		}
		e.Version++
		return st.update(ctx, *e, s.stamp())
	})
}

// Delete removes an endpoint with its deliveries.
func (s *Service) Delete(ctx context.Context, who auth.Identity, channel, id uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st store) error {
		if err := s.mayManage(ctx, st.q, who, channel, false); err != nil {
			return err
		}
		if _, err := st.endpoint(ctx, channel, id, true); err != nil {
			return noSuch(err, "webhook")
		}
		return st.remove(ctx, id)
	})
}
