package live

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/services/fault"
)

func TestHookAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		words  string // of the refusal; empty: none
		code   fault.Code
	}{
		"let in":     {status: 204},
		"let in 200": {status: 200, body: `{"reason":"not read"}`},
		"reason":     {status: 403, body: `{"reason":"pay first"}`, words: "pay first"},
		"no reason":  {status: 403, words: "refused by the operator of this server"},
		"no JSON":    {status: 404, body: `<html>`, words: "refused by the operator of this server"},
		"bad reason": {status: 400, body: `{"reason":"a\u0000b"}`, words: "refused by the operator of this server"},
		"long":       {status: 400, body: `{"reason":"` + strings.Repeat("x", hookWords+1) + `"}`, words: "refused by the operator of this server"},
		"huge":       {status: 400, body: `{"reason":"x","more":"` + strings.Repeat("x", hookAnswer) + `"}`, words: "refused by the operator of this server"},
		"fails":      {status: 500, code: fault.Unavailable},
		"redirects":  {status: 307, code: fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				body, _ := io.ReadAll(req.Body)
				asked = append(asked, req.Method+" "+req.URL.Path+" "+req.Header.Get("Content-Type")+" "+string(body))
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer server.Close()
			each(t, func(t *testing.T, r *rig) {
				asked = nil
				s := r.open(t, Config{HookURL: server.URL + "/publish", Hook: server.Client()})
				o := r.owned(t, "anna")
				_, err := s.Admit(t.Context(), attempt(o.key.Secret))
				switch {
				case c.words != "":
					if got := refused(t, err, "hook").Words; got != c.words {
						t.Errorf("%q", got)
					}
				case c.code != "":
					want(t, err, c.code)
				default:
					ok(t, err)
				}
				q, err := json.Marshal(hookQuestion{o.ID.String(), "anna", o.owner.User.String(), "rtmp", "198.51.100.7"})
				ok(t, err)
				same(t, "asked", asked, []string{"POST /publish application/json " + string(q)})
				if strings.Contains(strings.Join(asked, ""), o.key.Secret) {
					t.Error("the key is sent")
				}
			})
		})
	}
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHookThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := newHook("http://user:hunter2@hook.example/publish", &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		ok(t, err)
		began := time.Now()
		err = h.ask(t.Context(), &Channel{Name: "anna"}, Attempt{Key: "the key"})
		want(t, err, fault.Unavailable)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != hookWithin {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "the key") {
			t.Error(text)
		}
	})
}

// What is not known is empty, and not a word that the other side has to know.
func TestHookQuestionOfLittle(t *testing.T) {
	h, err := newHook("http://hook.example/", &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		var q hookQuestion
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			return nil, err
		}
		if q.Owner != "" || q.Address != "" {
			t.Errorf("%+v", q)
		}
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})})
	ok(t, err)
	ok(t, h.ask(t.Context(), &Channel{Name: "anna"}, Attempt{}))
}

func TestHookAddress(t *testing.T) {
	for _, address := range []string{"publish", "ftp://x/", "http://", "http://a b/", "://user:hunter2@"} {
		if _, err := newHook(address, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
