package httpd

import (
	"context"
	"testing"

	"weir/services/auth"
	"weir/services/fault"
)

func TestAllowed(t *testing.T) {
	nobody := context.Background()
	session := auth.With(nobody, auth.Identity{})
	token := auth.With(nobody, auth.Identity{Scopes: []string{"a", "b"}})
	bare := auth.With(nobody, auth.Identity{Scopes: []string{}})
	either := append(Bearer("c"), Bearer("a")...)
	optional := append(Bearer("c"), map[string][]string{})
	other := []map[string][]string{{"cookie": {}}}
	for name, tc := range map[string]struct {
		ctx      context.Context
		security []map[string][]string
		want     fault.Code // empty: allowed
	}{
		"open":                   {nobody, nil, ""},
		"nobody":                 {nobody, Bearer(), fault.Unauthenticated},
		"session":                {session, Bearer(), ""},
		"session has all scopes": {session, Bearer("a", "z"), ""},
		"token":                  {token, Bearer(), ""},
		"token with scopes":      {token, Bearer("b", "a"), ""},
		"token without one":      {token, Bearer("a", "c"), fault.Denied},
		"token without any":      {bare, Bearer("a"), fault.Denied},
		"one of two":             {token, either, ""},
		"none of two":            {bare, either, fault.Denied},
		"optional, nobody":       {nobody, optional, ""},
		"optional, other token":  {bare, optional, ""},
		"unknown scheme":         {session, other, fault.Denied},
		"unknown, nobody":        {nobody, other, fault.Unauthenticated},
	} {
		if err := allowed(tc.ctx, tc.security); tc.want == "" && err != nil || tc.want != "" && !fault.Is(err, tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
