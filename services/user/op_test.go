package user

import (
	"context"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/storage"
	oprovider "github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"

	"weir/services/user/oidc"
)

// login is a real OpenID provider, in which a test chooses who is signed in.
type login struct {
	*httptest.Server
	*oidc.Provider

	mu    sync.Mutex
	users map[string]*storage.User
	now   string // id of who signs in; empty: they refuse
}

// GetUserByID is storage.UserStore.
func (l *login) GetUserByID(id string) *storage.User {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.users[id]
}

// GetUserByUsername is storage.UserStore; everybody's login is their id.
func (l *login) GetUserByUsername(name string) *storage.User { return l.GetUserByID(name) }

// ExampleClientID is storage.UserStore.
func (*login) ExampleClientID() string { return "service" }

// is makes a person be who signs in; an empty id refuses.
func (l *login) is(id, username, email string, verified bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = id
	if id == "" {
		return
	}
	l.users[id] = &storage.User{ID: id, Username: username, Email: email, EmailVerified: verified, Password: "there", PreferredLanguage: language.German}
}

func newLogin(t testing.TB, name string) *login {
	t.Helper()
	l := &login{users: map[string]*storage.User{}, Server: httptest.NewUnstartedServer(nil)}
	issuer := "http://" + l.Listener.Addr().String()
	const secret = "a secret of weir"
	client := storage.WebClient("weir", secret, "https://tv.example.org/api/v1/auth/oidc/"+name+"/callback")
	store := storage.NewStorageWithClients(l, map[string]*storage.Client{"weir": client})
	p, err := oprovider.NewProvider(&oprovider.Config{CryptoKey: sha256.Sum256([]byte("test")), CodeMethodS256: true}, store, oprovider.StaticIssuer(issuer),
		oprovider.WithAllowInsecure(), oprovider.WithLogger(slog.New(slog.DiscardHandler)))
	ok(t, err)
	back := oprovider.AuthCallbackURL(p)
	mux := http.NewServeMux()
	mux.Handle("/", p)
	mux.HandleFunc("/login/username", oprovider.NewIssuerInterceptor(p.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		who := l.now
		l.mu.Unlock()
		id := r.FormValue("authRequestID")
		if err := store.CheckUsernamePassword(who, "there", id); err != nil {
			a, err := store.AuthRequestByID(r.Context(), id)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			http.Redirect(w, r, a.GetRedirectURI()+"?error=access_denied&state="+url.QueryEscape(a.GetState()), http.StatusFound)
			return
		}
		http.Redirect(w, r, back(r.Context(), id), http.StatusFound)
	}))
	l.Config.Handler = mux
	l.Start()
	t.Cleanup(l.Close)
	l.Provider, err = oidc.New(oidc.Config{Name: name, Title: strings.ToUpper(name), Issuer: issuer, ClientID: "weir", ClientSecret: secret})
	ok(t, err)
	return l
}

// browser is a person's: it keeps cookies and follows redirects, over https to weir and
// over the network to others, until it comes to a page of the web app.
type browser struct {
	w    *web
	http *http.Client
	log  []string // where it was
}

func (w *web) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	ok(t, err)
	away := &http.Transport{DisableKeepAlives: true}
	b := &browser{w: w}
	b.http = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		b.log = append(b.log, r.URL.String())
		if r.URL.Host == "tv.example.org" && !strings.HasPrefix(r.URL.Path, "/api/") || len(via) > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "tv.example.org" {
			return away.RoundTrip(r)
		}
		r = r.Clone(r.Context())
		r.Header.Set("X-Forwarded-Proto", r.URL.Scheme)
		r.URL.Scheme = "http"
		return w.Transport.RoundTrip(r)
	})}
	return b
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const weirAt = "https://tv.example.org"

// open types an address and returns where it ends: the path and query of a page.
func (b *browser) open(t testing.TB, address string) string {
	t.Helper()
	if strings.HasPrefix(address, "/") {
		address = weirAt + address
	}
	res := b.do(t, http.MethodGet, address, "", "Accept: text/html,*/*;q=0.8")
	at, found := strings.CutPrefix(res.Header.Get("Location"), weirAt)
	if res.StatusCode != http.StatusSeeOther || !found {
		t.Fatalf("%s: %d %s %s", address, res.StatusCode, res.Header.Get("Location"), res.body)
	}
	return at
}

// step is open without following.
func (b *browser) step(t testing.TB, address string, header ...string) reply {
	t.Helper()
	once := *b
	client := *b.http
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	once.http = &client
	return once.do(t, http.MethodGet, address, "", header...)
}

// fetch is what a page of weir's asks its API.
func (b *browser) fetch(t testing.TB, status int, method, path, body string, header ...string) reply {
	t.Helper()
	got := b.do(t, method, weirAt+"/api/v1"+path, body, append(header, "Sec-Fetch-Site: same-origin", "Origin: "+weirAt)...)
	if got.StatusCode != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got.StatusCode, got.body, status)
	}
	return got
}

func (b *browser) do(t testing.TB, method, address, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, address, strings.NewReader(body))
	ok(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := b.http.Do(req)
	ok(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	ok(t, err)
	return reply{res, got}
}

// tokens is what a page does when it has loaded.
func (b *browser) tokens(t testing.TB) TokensView {
	t.Helper()
	var tok TokensView
	b.fetch(t, 200, "POST", "/auth/refresh", "").into(t, &tok)
	return tok
}

// cookie is what the browser would send to weir under that name; empty: nothing.
func (b *browser) cookie(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(weirAt + "/api/v1/auth/refresh")
	ok(t, err)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) signedIn(t testing.TB) bool {
	t.Helper()
	return b.cookie(t, secureCookieName) != ""
}
