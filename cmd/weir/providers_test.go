package main

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/services/user/oidc"
)

// lines is a log that hands over each of its lines.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// A provider that is away is told of, and stops nothing.
func TestProvidersThatAreAway(t *testing.T) {
	away := httptest.NewServer(nil)
	away.Close()
	p, err := oidc.New(oidc.Config{Name: "acme", Issuer: away.URL, ClientID: "c", ClientSecret: "hush"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said, ended := make(lines, 10), make(chan error, 1)
	go func() { ended <- tellOfProviders(ctx, []*oidc.Provider{p}, slog.New(slog.NewTextHandler(said, nil))) }()
	line := <-said
	if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "provider=acme setting=WEIR_OIDC_ACME_ISSUER") || strings.Contains(line, "hush") {
		t.Error(line)
	}
	cancel()
	if err := <-ended; err != nil || len(said) != 0 {
		t.Error(err, len(said))
	}
}
