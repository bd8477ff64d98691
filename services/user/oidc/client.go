package oidc

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	within     = 20 * time.Second // one call of this package
	perRequest = 8 * time.Second
	maxAnswer  = 1 << 20 // bytes
)

// ErrUnavailable says that a provider does not answer, or that its answer cannot be
// read; trying again may help.
var ErrUnavailable = errors.New("the provider does not answer as it should")

// ErrRefused says that there is no Person: the provider does not know the code, or what
// it says of itself or of the person is not what it has to be.
var ErrRefused = errors.New("the provider's answer was refused")

// newClient has a limit for everything. Connections are not kept: sign-ins are rare. It
// follows no redirect, which could lead to addresses that nobody configured.
func newClient() *http.Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: perRequest, MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true,
	}
	return &http.Client{
		Transport: bounded{transport}, Timeout: perRequest,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts bodies that are too long: the libraries read them whole.
type bounded struct{ next http.RoundTripper }

// RoundTrip is http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, maxAnswer)
	}
	return res, err
}

func refused(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }

// unavailable keeps of a library's error what fits on a line: it may quote a body.
func unavailable(err error) error { return fmt.Errorf("%w: %s", ErrUnavailable, brief(err.Error())) }

// failed is for errors of a library that asks the provider and checks in one call.
func failed(err error) error {
	var network *url.Error
	if errors.As(err, &network) || strings.Contains(err.Error(), "fetching keys") {
		return unavailable(err)
	}
	return refused(brief(err.Error()))
}

// exchangeError leaves out the body of the answer, which may quote the code.
func exchangeError(err error) error {
	var answered *oauth2.RetrieveError
	if !errors.As(err, &answered) {
		return failed(err)
	}
	status := 0
	if answered.Response != nil {
		status = answered.Response.StatusCode
	}
	text := fmt.Sprintf("the code was answered by %d %s", status, brief(answered.ErrorCode))
	if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return fmt.Errorf("%w: %s", ErrUnavailable, text)
	}
	return refused(text)
}

// brief is the beginning of a text of somebody else, without what a terminal obeys.
func brief(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return ' '
		}
		return r
	}, text[:min(len(text), 300)])
	return strings.TrimSpace(text)
}
