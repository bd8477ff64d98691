package user

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/fault"
	"weir/services/httpd"
	"weir/services/user/oidc"
)

// returnMax is how long a path to return to may be, in bytes.
const returnMax = 512

// Departure sends a browser to a provider.
type Departure struct {
	Address string
	Browser string // for the browser's cookie; the way back is open to it only
}

// Arrival is a browser that comes back from a provider.
type Arrival struct {
	Provider    string // of the address that it came to
	State, Code string
	Issuer      string // the parameter iss; empty: none
	Error       string // the parameter error; empty: none
	Browser     string // from the cookie
	Pending     string // from the cookie of a link that waits for a proof; empty: none
}

// Arrived is what came of it. One of Tokens, Pending and Linked is set when there is no
// error, Linked beside Tokens when this sign-in was the proof of a pending link.
type Arrived struct {
	ReturnTo string // path in the web app; empty: the attempt is not known
	Link     bool   // somebody who was signed in wanted to link
	Tokens   Tokens
	Pending  string // the address has an account: token of a link that waits for its proof
	Linked   string // name of the provider
}

// turnedAway is why a sign-in elsewhere came to nothing.
type turnedAway struct {
	word string // for the page that the browser is sent to
	err  error
}

// Error is that of the fault.
func (t *turnedAway) Error() string { return t.err.Error() }

// Unwrap is the fault.
func (t *turnedAway) Unwrap() error { return t.err }

// wordOf is why, in one word of a bounded set: that of turnedAway, else the fault's code.
func wordOf(err error) string {
	var t *turnedAway
	if errors.As(err, &t) {
		return t.word
	}
	return string(fault.From(err).Code)
}

func expired() error {
	return &turnedAway{"expired", fault.Bad("query.state", "belongs to no sign-in of this browser, or was used already: begin again")}
}

func notTrusted(err error) error {
	return &turnedAway{"failed", fault.Wrap(fault.Unauthenticated, "the provider's answer cannot be used: begin again, or sign in another way", err)}
}

func notAnswering(err error) error {
	e := fault.Wrap(fault.Unavailable, "the provider does not answer as it should; try again later, or sign in another way", err)
	e.RetryAfter = 30 * time.Second
	return &turnedAway{"unavailable", e}
}

func unverified() error {
	return &turnedAway{"unverified", fault.New(fault.Denied, "the provider does not say that your e-mail address there is verified: verify it there, and begin again")}
}

// provider finds a configured one.
func (s *Service) provider(name string) (*oidc.Provider, error) {
	for _, p := range s.providers {
		if p.Name() == name {
			return p, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such provider to sign in with")
}

// StartSignIn begins a sign-in at a provider. browser is what the cookie of an earlier
// one holds, or empty.
func (s *Service) StartSignIn(ctx context.Context, from Peer, provider, browser, returnTo string) (Departure, error) {
	if err := s.limits.allow(ctx, "oidc", netKey(from.Address), s.limits.SignIn); err != nil {
		return Departure{}, err
	}
	return s.depart(ctx, from, browser, attempt{Provider: provider, ReturnTo: returnTo})
}

// StartLink begins the same for who is signed in, to link what the provider says to the
// account. It takes the password, as all that opens an account does.
func (s *Service) StartLink(ctx context.Context, who auth.Identity, from Peer, provider, password, browser, returnTo string) (Departure, error) {
	if _, err := s.provider(provider); err != nil {
		return Departure{}, err
	}
	if _, err := s.password(ctx, who, password); err != nil {
		return Departure{}, err
	}
	return s.depart(ctx, from, browser, attempt{Provider: provider, ReturnTo: returnTo, User: who.User, Session: who.Session})
}

func (s *Service) depart(ctx context.Context, from Peer, browser string, a attempt) (Departure, error) {
	p, err := s.provider(a.Provider)
	if err != nil {
		return Departure{}, err
	}
	if problem := checkReturn(a.ReturnTo); problem != "" {
		return Departure{}, fault.Bad("query.return_to", problem)
	}
	begun := oidc.NewAttempt(s.callback(p))
	address, err := p.Address(ctx, begun)
	if err != nil {
		return Departure{}, s.providerFault(from, p, err)
	}
	if len(browser) != mailTokenLen {
		browser, _ = newMailToken()
	}
	a.Browser, a.Nonce, a.Verifier, a.Expires = hashText(browser), begun.Nonce, begun.Verifier, s.stamp().Add(AttemptLife)
	if err := s.keepOnce(ctx, attemptKey(begun.State), a, AttemptLife); err != nil {
		return Departure{}, err
	}
	return Departure{Address: address, Browser: browser}, nil
}

// callback is each provider's own, so that one cannot answer for another (RFC 9700, 4.4).
func (s *Service) callback(p *oidc.Provider) string {
	return s.public + httpd.DefaultPublic + "/auth/oidc/" + p.Name() + "/callback"
}

// checkReturn takes paths of weir's own pages only: what browsers read as the address
// of another host is refused, and so is what they read in two ways.
func checkReturn(path string) string {
	const wrong = "must be a path of this site, such as /settings"
	if path == "" {
		return ""
	}
	if len(path) > returnMax || path[0] != '/' || strings.HasPrefix(path, "//") {
		return wrong
	}
	for _, c := range []byte(path) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return wrong
		}
	}
	if u, err := url.Parse(path); err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return wrong
	}
	return ""
}

// Arrive ends what StartSignIn or StartLink began. An attempt is used up by it, whatever
// the outcome. Arrived.ReturnTo and Link are set with an error too, once the attempt is
// known to be this browser's.
func (s *Service) Arrive(ctx context.Context, from Peer, c Arrival) (Arrived, error) {
	var out Arrived
	if err := s.limits.allow(ctx, "oidc-back", netKey(from.Address), s.limits.SignIn); err != nil {
		return out, err
	}
	p, err := s.provider(c.Provider)
	if err != nil {
		return out, err
	}
	var a attempt
	known, err := s.takeOnce(ctx, attemptKey(c.State), &a)
	if err != nil {
		return out, err
	}
	if !known || a.Provider != c.Provider || a.Browser != hashText(c.Browser) || !s.now().Before(a.Expires) {
		return out, expired()
	}
	out.ReturnTo, out.Link = a.ReturnTo, a.User != uuid.Nil
	who, err := s.ask(ctx, from, p, a, c)
	if err != nil {
		return out, err
	}
	if out.Link {
		out.Linked = p.Name()
		return out, s.linkStarted(ctx, from, a, who)
	}
	return out, s.enterBy(ctx, from, p, who, c.Pending, &out)
}

// ask turns the code into a person.
func (s *Service) ask(ctx context.Context, from Peer, p *oidc.Provider, a attempt, c Arrival) (oidc.Person, error) {
	switch c.Error { // RFC 6749, 4.1.2.1
	case "":
	case "access_denied":
		return oidc.Person{}, &turnedAway{"cancelled", fault.New(fault.Denied, "you, or the provider, ended the sign-in there")}
	case "server_error", "temporarily_unavailable":
		return oidc.Person{}, s.providerFault(from, p, oidc.ErrUnavailable)
	default:
		return oidc.Person{}, s.providerFault(from, p, oidc.ErrRefused)
	}
	if c.Code == "" {
		return oidc.Person{}, s.providerFault(from, p, oidc.ErrRefused)
	}
	begun := oidc.Attempt{Callback: s.callback(p), State: c.State, Nonce: a.Nonce, Verifier: a.Verifier}
	who, err := p.Person(ctx, begun, oidc.Answer{Code: c.Code, Issuer: c.Issuer})
	if err != nil {
		return who, s.providerFault(from, p, err)
	}
	return who, nil
}

// providerFault logs what a provider did, because the person can do nothing about it.
func (s *Service) providerFault(from Peer, p *oidc.Provider, err error) error {
	s.log.Warn("sign-in at a provider failed", "provider", p.Name(), "peer", from.address(), "err", err)
	if errors.Is(err, oidc.ErrUnavailable) {
		return notAnswering(err)
	}
	return notTrusted(err)
}

// enterBy signs a person in: by the identity, else as a newcomer. The owner of the
// address is not let in by the provider's word for it, but asked for a proof.
func (s *Service) enterBy(ctx context.Context, from Peer, p *oidc.Provider, who oidc.Person, waiting string, out *Arrived) error {
	const tries = 2 // somebody else may be faster once
	for try := 1; ; try++ {
		i, err := s.store().identity(ctx, who.Issuer, who.Subject)
		switch {
		case errors.Is(err, db.ErrNotFound):
			i, err = s.meet(ctx, from, p, who, out)
			if errors.Is(err, errFaster) && try < tries {
				continue
			}
			if err != nil || out.Pending != "" {
				return err
			}
		case err != nil:
			return faultOf(err)
		}
		out.Tokens, err = s.open(ctx, from, entry{user: i.user, cookie: true, same: func(*Account) bool { return true }, by: &i})
		if err == nil && out.Tokens.Challenge == "" {
			out.Linked = s.FinishLink(ctx, from, waiting, i.user)
		}
		return err
	}
}

// meet is for an identity that is not linked: it makes an account, or, where the address
// has one, a link that waits for its proof.
func (s *Service) meet(ctx context.Context, from Peer, p *oidc.Provider, who oidc.Person, out *Arrived) (identity, error) {
	address, key, problem := parseEmail(who.Email)
	if problem != "" || !who.EmailVerified {
		return identity{}, unverified()
	}
	a, err := s.store().byEmail(ctx, key)
	if errors.Is(err, db.ErrNotFound) {
		if err := s.limits.allow(ctx, "register", netKey(from.Address), s.limits.Register); err != nil {
			return identity{}, err
		}
		return s.newcomer(ctx, from, p, who, address, key)
	}
	if err != nil {
		return identity{}, faultOf(err)
	}
	// An account that a rival made of the same identity is there together with the identity.
	if _, err := s.store().identity(ctx, who.Issuer, who.Subject); err == nil {
		return identity{}, errFaster
	}
	token, _ := newMailToken()
	waits := pending{User: a.ID, Provider: p.Name(), Person: who, Expires: s.stamp().Add(PendingLife)}
	if err := s.keepOnce(ctx, pendingKey(token), waits, PendingLife); err != nil {
		return identity{}, err
	}
	out.Pending = token
	return identity{}, nil
}
