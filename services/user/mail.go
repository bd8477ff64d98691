package user

import (
	"context"

	"github.com/google/uuid"

	"weir/services/event"
	"weir/services/fault"
)

// Purposes of tokens in mails.
const (
	purposeVerify = "verify"
	purposeReset  = "reset"
)

// link is the address in a mail. The token is in the fragment: a browser sends that to
// no server, so it is in no log and no Referer; the page gives it to the API.
func (s *Service) link(page, token string) string { return s.public + "/" + page + "#token=" + token }

// mailVerification makes a link that proves address and asks, by an event, that it be
// sent there. Links that were made before for the same purpose do not work any more.
func (s *Service) mailVerification(ctx context.Context, st Store, a *Account, address string) (link string, err error) {
	token, hash := newMailToken()
	now := s.stamp()
	t := mailToken{hash: hash, user: a.ID, purpose: purposeVerify, email: address, created: now, expires: now.Add(VerifyLife)}
	if err := st.insertMailToken(ctx, t); err != nil {
		return "", err
	}
	link = s.link("verify-email", token)
	return link, emit(ctx, st, event.UserEmailVerificationRequested{
		UserID: a.ID, Username: a.Username, Email: address, Language: a.Profile.Language, Link: link, Expires: t.expires,
	})
}

func (s *Service) mailReset(ctx context.Context, st Store, a *Account) (link string, err error) {
	token, hash := newMailToken()
	now := s.stamp()
	t := mailToken{hash: hash, user: a.ID, purpose: purposeReset, email: a.Email, created: now, expires: now.Add(ResetLife)}
	if err := st.insertMailToken(ctx, t); err != nil {
		return "", err
	}
	link = s.link("reset-password", token)
	return link, emit(ctx, st, event.UserPasswordResetRequested{
		UserID: a.ID, Username: a.Username, Email: a.Email, Language: a.Profile.Language, Link: link, Expires: t.expires,
	})
}

// useToken takes a token out, so that it works once.
func (s *Service) useToken(ctx context.Context, st Store, token, purpose string) (mailToken, error) {
	if len(token) != mailTokenLen {
		return mailToken{}, badLink()
	}
	t, err := st.useMailToken(ctx, hashText(token), purpose, s.stamp())
	if fault.Is(notFound(err, "token"), fault.NotFound) {
		return t, badLink()
	}
	return t, err
}

func badLink() error {
	return fault.Bad("body.token", "is not valid: it was used already, is too old, or a newer one was sent; ask for another mail")
}

// limitMail counts a mail, for the address that asks and for the account that gets it.
func (s *Service) limitMail(ctx context.Context, from Peer, to string) error {
	if err := s.limits.allow(ctx, "mail", netKey(from.Address), s.limits.Mail); err != nil {
		return err
	}
	return s.limits.allow(ctx, "mailto", hashText(to)[:32], s.limits.MailToAccount)
}

// showLink is for development only, see Config.LogLinks.
func (s *Service) showLink(what string, user uuid.UUID, link string) {
	if s.links && link != "" {
		s.log.Warn("no mail is sent in development: open the link to "+what, "user", user, "link", link)
	}
}
