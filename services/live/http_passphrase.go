package live

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addPassphrases(api huma.API) {
	huma.Register(api, httpd.Op("getPassphrase", http.MethodGet, "/channels/{id}/srt-passphrase", "keys", "Whether a channel has a passphrase of its own for SRT", http.StatusOK, auth.ScopeKeysWrite), httpd.As(r.passphraseSet))
	huma.Register(api, httpd.Op("setPassphrase", http.MethodPut, "/channels/{id}/srt-passphrase", "keys", "Make SRT publishers of a channel encrypt with a passphrase of its own, from the next on; it is not shown again", http.StatusNoContent, auth.ScopeKeysWrite), httpd.As(r.setPassphrase))
	huma.Register(api, httpd.Op("removePassphrase", http.MethodDelete, "/channels/{id}/srt-passphrase", "keys", "Let what the server wants of SRT publishers count again", http.StatusNoContent, auth.ScopeKeysWrite), httpd.As(r.removePassphrase))
}

type passphraseAnswer struct {
	Cache string `header:"Cache-Control"`
	Body  struct {
		Set bool `json:"set" doc:"Publishers over SRT have to encrypt with it; false: what the server wants counts"`
	}
}

func (r routes) passphraseSet(ctx context.Context, who auth.Identity, in *ByID) (*passphraseAnswer, error) {
	set, err := r.PassphraseSet(ctx, who, in.ID.UUID)
	if err != nil {
		return nil, err
	}
	out := &passphraseAnswer{Cache: "private, no-store"}
	out.Body.Set = set
	return out, nil
}

type passphraseInput struct {
	ByID
	Body struct {
		Passphrase string `json:"passphrase" minLength:"10" maxLength:"79" writeOnly:"true" doc:"ASCII without blanks, as SRT programs take it"`
	}
}

func (r routes) setPassphrase(ctx context.Context, who auth.Identity, in *passphraseInput) (*httpd.Empty, error) {
	return nil, r.SetPassphrase(ctx, who, in.ID.UUID, in.Body.Passphrase)
}

func (r routes) removePassphrase(ctx context.Context, who auth.Identity, in *ByID) (*httpd.Empty, error) {
	return nil, r.SetPassphrase(ctx, who, in.ID.UUID, "")
}
