package user

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/user/oidc"
)

// maxIdentities is how many accounts elsewhere one account here can have.
const maxIdentities = 10

// IdentityLink is an account elsewhere, as its owner sees it.
type IdentityLink struct {
	ID       uuid.UUID  `json:"id"`
	Provider string     `json:"provider"`
	Title    string     `json:"title" doc:"The provider's, for people"`
	Email    string     `json:"email" doc:"The address there, when it was linked"`
	Usable   bool       `json:"usable" doc:"False: the provider is not configured any more, nobody can sign in with this"`
	Created  time.Time  `json:"created_at"`
	Used     *time.Time `json:"used_at,omitempty" doc:"The last sign-in with it"`
}

// IdentityLinks are the caller's, oldest first; hasPassword says whether there is a
// password beside them.
func (s *Service) IdentityLinks(ctx context.Context, who auth.Identity) (list []IdentityLink, hasPassword bool, err error) {
	a, err := s.store().account(ctx, who.User)
	if err != nil {
		return nil, false, notFound(err, "user")
	}
	found, err := s.store().identities(ctx, who.User)
	if err != nil {
		return nil, false, faultOf(err)
	}
	list = make([]IdentityLink, len(found))
	for n, i := range found {
		list[n] = s.linkView(i)
	}
	return list, a.PasswordHash != "", nil
}

func (s *Service) linkView(i identity) IdentityLink {
	v := IdentityLink{ID: i.id, Provider: i.provider, Title: i.provider, Email: i.email, Created: i.created, Used: i.used}
	if p := s.speaks(i); p != nil {
		v.Provider, v.Title, v.Usable = p.Name(), p.Title(), true
	}
	return v
}

// speaks is the configured provider of an identity; nil when there is none any more.
func (s *Service) speaks(i identity) *oidc.Provider {
	n := slices.IndexFunc(s.providers, func(p *oidc.Provider) bool { return p.Issuer() == i.issuer })
	if n < 0 {
		return nil
	}
	return s.providers[n]
}

// Unlink ends that an account elsewhere signs in here. conflict: it is the caller's
// last way in. not_found for one of somebody else.
func (s *Service) Unlink(ctx context.Context, who auth.Identity, from Peer, id uuid.UUID) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		a, err := st.heldUser(ctx, who.User)
		if err != nil {
			return err
		}
		list, err := st.identities(ctx, who.User)
		if err != nil {
			return err
		}
		n := slices.IndexFunc(list, func(i identity) bool { return i.id == id })
		if n < 0 {
			return fault.New(fault.NotFound, "there is no such account elsewhere")
		}
		gone := list[n]
		others := slices.Delete(list, n, n+1)
		if a.PasswordHash == "" && !slices.ContainsFunc(others, func(i identity) bool { return s.speaks(i) != nil }) {
			return fault.New(fault.Conflict, "this is the only way to sign in to your account: choose a password or link another provider first")
		}
		if err := st.dropIdentity(ctx, who.User, id); err != nil {
			return err
		}
		if err := st.dropChallenges(ctx, who.User); err != nil { // sign-ins that it began
			return err
		}
		return s.note(ctx, st, from, act{user: who.User, actor: who.User, kind: kindUnlinked, detail: gone.provider})
	})
}

// linkStarted ends StartLink, for a session that is still open.
func (s *Service) linkStarted(ctx context.Context, from Peer, a attempt, who oidc.Person) error {
	return s.within(ctx, func(ctx context.Context, st Store) error {
		n, err := st.session(ctx, a.Session)
		if errors.Is(err, db.ErrNotFound) || err == nil && (n.user != a.User || !n.live(s.stamp())) {
			return expired()
		}
		if err != nil {
			return err
		}
		return s.connect(ctx, st, from, a.User, a.Provider, who)
	})
}

// FinishLink links what waits for the proof that user has just given, and returns the
// provider's name; empty when nothing waits, or for another account. That it fails is no
// reason to keep somebody out: it is logged.
func (s *Service) FinishLink(ctx context.Context, from Peer, token string, user uuid.UUID) (provider string) {
	if len(token) != mailTokenLen {
		return ""
	}
	var waits pending
	known, err := s.takeOnce(ctx, pendingKey(token), &waits)
	if err == nil && (!known || waits.User != user || !s.now().Before(waits.Expires)) {
		return ""
	}
	if err == nil {
		err = s.within(ctx, func(ctx context.Context, st Store) error {
			return s.connect(ctx, st, from, user, waits.Provider, waits.Person)
		})
	}
	if err != nil {
		s.log.Warn("an account elsewhere was not linked", "user", user, "err", err)
		return ""
	}
	return waits.Provider
}

// connect lets a person elsewhere sign in to an account, whose owner has just been proven.
// Only who has a verified address there can be linked, and only to an account whose own
// address is verified, or is by this: else whoever registers with the address of another
// could keep a way in, beside the password that its owner sets.
func (s *Service) connect(ctx context.Context, st Store, from Peer, user uuid.UUID, provider string, who oidc.Person) error {
	address, key, problem := parseEmail(who.Email)
	if problem != "" || !who.EmailVerified {
		return unverified()
	}
	a, err := st.heldUser(ctx, user)
	if err != nil {
		return err
	}
	now := s.stamp()
	if err := s.mayEnter(a, now); err != nil {
		return err
	}
	if err := s.proveEmail(ctx, st, from, a, key); err != nil {
		return err
	}
	id, err := newID()
	if err != nil {
		return err
	}
	list, err := st.identities(ctx, user)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(i identity) bool { return i.issuer == who.Issuer && i.subject == who.Subject }) {
		return nil
	}
	if len(list) >= maxIdentities {
		return fault.Newf(fault.Conflict, "at most %d accounts elsewhere can be linked: remove one first", maxIdentities)
	}
	free, err := st.insertIdentity(ctx, identity{id: id, user: user, provider: provider, issuer: who.Issuer, subject: who.Subject, email: address, created: now})
	if err != nil {
		return err
	}
	if !free {
		return &turnedAway{"taken", fault.New(fault.Conflict, "this account elsewhere is linked to another account here")}
	}
	return s.note(ctx, st, from, act{user: user, actor: user, kind: kindLinked, detail: provider})
}

// proveEmail takes the address of a held account as proven when it is the one that the
// provider has verified, and refuses when it is another that nobody has proven.
func (s *Service) proveEmail(ctx context.Context, st Store, from Peer, a *Account, verified string) error {
	if a.EmailVerified != nil {
		return nil
	}
	if _, key, _ := parseEmail(a.Email); key != verified {
		return &turnedAway{"verify_first", fault.New(fault.Conflict, "verify the e-mail address of your account here first")}
	}
	if err := st.setEmail(ctx, a.ID, a.Email, s.stamp()); err != nil {
		return err
	}
	if err := s.note(ctx, st, from, act{user: a.ID, actor: a.ID, kind: kindVerified}); err != nil {
		return err
	}
	return emit(ctx, st, event.UserVerified{UserID: a.ID, Email: a.Email})
}
