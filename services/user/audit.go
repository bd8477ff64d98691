package user

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/db"
	"weir/services/event"
	"weir/services/httpd"
)

// Kinds of security events: words that never change, in the audit log and in
// user.security.v1.
const (
	kindRegistered    = "registered"
	kindSignedIn      = "signed_in"
	kindSignInFailed  = "sign_in_failed"
	kindSignedOut     = "signed_out"
	kindSessionEnded  = "session_ended"
	kindSessionsEnded = "sessions_ended"
	kindReused        = "refresh_reused"
	kindVerified      = "email_verified"
	kindEmailAsked    = "email_change_requested"
	kindEmailChanged  = "email_changed"
	kindPassword      = "password_changed"
	kindResetAsked    = "password_reset_requested"
	kindReset         = "password_reset"
	kindSuspended     = "suspended"
	kindUnsuspended   = "unsuspended"
	kindRole          = event.RoleChanged
	kindDeleted       = "deleted"
	kindExport        = "export_requested"
	kindTOTPEnabled   = "totp_enabled"
	kindTOTPDisabled  = "totp_disabled"
	kindTOTPReset     = "totp_reset"
	kindCodeFailed    = "second_factor_failed"
	kindRecoveryMade  = "recovery_codes_made"
	kindRecoveryUsed  = "recovery_code_used"
	kindTokenMade     = "api_token_made"
	kindTokenEnded    = "api_token_ended"
	kindLinked        = "identity_linked"
	kindUnlinked      = "identity_unlinked"
)

// told says which of them the owner should hear of from somebody else than weir's own
// pages: they become user.security.v1 events too.
func told(kind string) bool {
	switch kind {
	case kindSignedIn, kindReused, kindEmailAsked, kindEmailChanged, kindPassword, kindReset, kindRole,
		kindTOTPEnabled, kindTOTPDisabled, kindTOTPReset, kindCodeFailed, kindRecoveryMade, kindRecoveryUsed, kindTokenMade,
		kindLinked, kindUnlinked:
		return true
	}
	return false
}

// act is what somebody did to an account.
type act struct {
	user   uuid.UUID // uuid.Nil: to none
	actor  uuid.UUID // uuid.Nil: nobody was signed in
	kind   string
	detail string // no secrets, no text of others
}

// note writes the act to the audit log, in the transaction of what was done.
func (s *Service) note(ctx context.Context, st Store, from Peer, a act) error {
	id, err := newID()
	if err != nil {
		return err
	}
	err = st.insertSecurityEvent(ctx, SecurityEvent{
		ID: id, User: orNull(a.user), Actor: orNull(a.actor), Kind: a.kind,
		Address: from.address(), UserAgent: from.userAgent(), Detail: a.detail, At: s.stamp(),
	})
	if err != nil || !told(a.kind) || a.user == uuid.Nil {
		return err
	}
	return emit(ctx, st, event.UserSecurity{UserID: a.user, Kind: a.kind, Address: from.address(), UserAgent: from.userAgent()})
}

// SecurityEvents is the audit log of an account, newest first, for its owner and for
// admins. after is the Next of the page before.
func (s *Service) SecurityEvents(ctx context.Context, who auth.Identity, user uuid.UUID, after string, limit int) (httpd.Page[SecurityEvent], error) {
	var page httpd.Page[SecurityEvent]
	if err := selfOrAdmin(who, user); err != nil {
		return page, err
	}
	from, err := httpd.After(after, uuid.Max)
	if err != nil {
		return page, err
	}
	limit = httpd.PageSize(limit)
	page.Items, err = s.store().securityEvents(ctx, user, from, limit+1)
	if err != nil {
		return page, faultOf(err)
	}
	page.Cut(limit, func(e SecurityEvent) string { return httpd.Place(e.ID) })
	return page, nil
}

func (s Store) insertSecurityEvent(ctx context.Context, e SecurityEvent) error {
	_, err := s.q.Exec(ctx, `INSERT INTO user_security_events (id, user_id, actor_id, kind, address, user_agent, detail, created_at)
VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`, e.ID, e.User, e.Actor, e.Kind, e.Address, e.UserAgent, e.Detail, e.At)
	return err
}

func (s Store) securityEvents(ctx context.Context, user, before uuid.UUID, limit int) ([]SecurityEvent, error) {
	rows, err := s.q.Query(ctx, `SELECT id, user_id, actor_id, kind, address, user_agent, detail, created_at FROM user_security_events
WHERE user_id=$1 AND id<$2 ORDER BY id DESC LIMIT $3`, user, before, limit)
	return db.Collect(rows, err, func(r db.Row) (SecurityEvent, error) {
		var e SecurityEvent
		err := r.Scan(&e.ID, &e.User, &e.Actor, &e.Kind, &e.Address, &e.UserAgent, &e.Detail, &e.At)
		return e, err
	})
}

// dropSecurityEvents forgets what is older, at most limit of them.
func (s Store) dropSecurityEvents(ctx context.Context, before time.Time, limit int) (int64, error) {
	return s.q.Exec(ctx, `DELETE FROM user_security_events WHERE id IN
  (SELECT id FROM user_security_events WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, before, limit)
}
