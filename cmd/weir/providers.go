package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"

	"weir/services/user/oidc"
)

// ProviderNames is a list of where people can sign in beside here.
type ProviderNames struct{ names []string }

// UnmarshalText reads a comma-separated list.
func (p *ProviderNames) UnmarshalText(text []byte) error {
	p.names = nil
	if len(text) == 0 {
		return nil
	}
	for item := range strings.SplitSeq(string(text), ",") {
		name := strings.ToLower(strings.TrimSpace(item))
		if !oidc.ValidName(name) || slices.Contains(p.names, name) {
			return fmt.Errorf("%q is not a name of a-z and 0-9, or is there twice; want a list such as google,github,acme", item)
		}
		p.names = append(p.names, name)
	}
	return nil
}

// providerSettings are those of one provider, WEIR_OIDC_NAME_ with the suffix in the
// tag. They exist for the names in WEIR_OIDC_PROVIDERS only, so that a typing error in
// one is an unknown name as everywhere.
type providerSettings struct {
	name         string
	Issuer       string `suffix:"ISSUER" unit:"URL" help:"issuer, exactly as the provider gives it; for google and github known already"`
	ClientID     string `suffix:"CLIENT_ID" unit:"text" help:"what the provider calls weir"`
	ClientSecret string `suffix:"CLIENT_SECRET" unit:"text" secret:"yes" help:"what weir shows there; empty: a public client"`
	Scopes       string `suffix:"SCOPES" unit:"words" help:"what is asked for; empty: openid email profile, for github user:email"`
	Title        string `suffix:"TITLE" unit:"text" help:"what the sign-in page calls it; empty: its name"`
	API          string `suffix:"API" unit:"URL" help:"of GitHub's REST API; empty: the one that belongs to the issuer"`
}

// prefix begins the names of a provider's settings.
func (p *providerSettings) prefix() string { return "WEIR_OIDC_" + strings.ToUpper(p.name) + "_" }

func (p *providerSettings) config() oidc.Config {
	return oidc.Config{
		Name: p.name, Title: p.Title, Issuer: p.Issuer, API: p.API, ClientID: p.ClientID, ClientSecret: p.ClientSecret, Scopes: strings.Fields(p.Scopes),
	}
}

const providersSetting = "WEIR_OIDC_PROVIDERS"

// addProviders puts the settings of the named providers into the table, behind the list.
// A list that cannot be read is told of by parse.
func (s *Settings) addProviders(given map[string]string) {
	var list ProviderNames
	if err := list.UnmarshalText([]byte(given[providersSetting])); err != nil {
		return
	}
	s.providers = make([]providerSettings, len(list.names))
	at := 1 + slices.IndexFunc(s.table, func(row setting) bool { return row.name == providersSetting })
	for i, name := range list.names {
		p := &s.providers[i]
		p.name = name
		for f, field := range reflect.ValueOf(p).Elem().Fields() {
			suffix, ok := f.Tag.Lookup("suffix")
			if !ok || suffix == "API" && name != oidc.GitHub {
				continue
			}
			row := setting{name: p.prefix() + suffix, unit: f.Tag.Get("unit"), help: f.Tag.Get("help"), secret: f.Tag.Get("secret"), value: field}
			row.field = row.name
			field.SetString(given[row.name])
			s.table = slices.Insert(s.table, at, row)
			at++
		}
	}
}

// checkProviders says what is missing, by the names of the settings.
func (s *Settings) checkProviders(bad func(name, format string, args ...any)) {
	if len(s.providers) > 0 && s.HTTP.PublicURL == "" {
		bad("WEIR_PUBLIC_URL", "is needed with %s: providers send people back there, such as https://video.example.org", providersSetting)
	}
	issuers := map[string]string{}
	for i := range s.providers {
		p := &s.providers[i]
		whole := true
		wrong := func(suffix, format string, args ...any) {
			whole = false
			bad(p.prefix()+suffix, format, args...)
		}
		if p.ClientID == "" {
			wrong("CLIENT_ID", "is needed: the provider gives one when weir is registered there")
		}
		for suffix, address := range map[string]string{"ISSUER": p.Issuer, "API": p.API} {
			if address == "" {
				continue
			}
			if err := oidc.CheckAddress(address); err != nil {
				wrong(suffix, "%v", err)
			}
		}
		if p.Issuer == "" && p.name != oidc.Google && p.name != oidc.GitHub {
			wrong("ISSUER", "is needed: the provider's issuer, such as https://login.example.org")
		}
		if !whole {
			continue
		}
		made, err := oidc.New(p.config())
		if err != nil {
			wrong("SCOPES", "%v", err)
			continue
		}
		if other, twice := issuers[made.Issuer()]; twice {
			wrong("ISSUER", "is that of %s too: one issuer, one provider", other)
		}
		issuers[made.Issuer()] = p.name
	}
}

// openProviders asks nobody: a provider that is away does not stop the start.
func openProviders(cfg *Settings) ([]*oidc.Provider, error) {
	var out []*oidc.Provider
	for i := range cfg.providers {
		p, err := oidc.New(cfg.providers[i].config())
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// askProviders is for `weir doctor`.
func askProviders(ctx context.Context, cfg *Settings) []finding {
	providers, err := openProviders(cfg)
	if err != nil {
		return nil // it is named as wrong already
	}
	var out []finding
	for _, p := range providers {
		f := finding{what: "sign-in with " + p.Name(), remark: "answers"}
		if err := p.Check(ctx); err != nil {
			f.err = errors.Join(fmt.Errorf("check WEIR_OIDC_%s_ISSUER and the network", strings.ToUpper(p.Name())), err)
		}
		out = append(out, f)
	}
	return out
}

// tellOfProviders says in the log which providers do not answer now: nobody can sign in
// with those. Then it waits for the end of ctx.
func tellOfProviders(ctx context.Context, providers []*oidc.Provider, log *slog.Logger) error {
	var all sync.WaitGroup
	for _, p := range providers {
		all.Go(func() {
			if err := p.Check(ctx); err != nil && ctx.Err() == nil {
				log.Warn("nobody can sign in with a provider now: check its address and the network, `weir doctor` asks again", "provider", p.Name(),
					"setting", "WEIR_OIDC_"+strings.ToUpper(p.Name())+"_ISSUER", "err", err)
			}
		})
	}
	all.Wait()
	<-ctx.Done()
	return nil
}
