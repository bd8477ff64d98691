package event

import (
	"time"

	"github.com/google/uuid"
)

// UserRegistered (user.registered.v1): a person has made an account. Its e-mail address is not verified yet.
type UserRegistered struct {
	UserID   uuid.UUID `json:"user_id"`  // the account
	Username string    `json:"username"` // the unique name, as it is shown
	Email    string    `json:"email"`    // where mails go
	Language string    `json:"language"` // BCP 47 tag that mails are written in
}

// UserVerified (user.verified.v1): the e-mail address of an account has been proven.
type UserVerified struct {
	UserID uuid.UUID `json:"user_id"` // the account
	Email  string    `json:"email"`   // the proven address
}

// UserUpdated (user.updated.v1): a profile has changed. It holds all that is public, not only what changed.
type UserUpdated struct {
	UserID      uuid.UUID `json:"user_id"`      // the account
	Username    string    `json:"username"`     // the unique name, as it is shown
	DisplayName string    `json:"display_name"` // the name people see
	AvatarURL   string    `json:"avatar_url"`   // address of the picture; empty for none
	Role        string    `json:"role"`         // user, moderator or admin
	Language    string    `json:"language"`     // BCP 47 tag that mails are written in
	TimeZone    string    `json:"time_zone"`    // IANA name, such as Europe/Berlin
	Version     int64     `json:"version"`      // grows with each change of the profile
}

// UserFollowed (user.followed.v1): an account follows a channel from now on.
type UserFollowed struct {
	UserID    uuid.UUID `json:"user_id"`    // who follows; the subject
	ChannelID uuid.UUID `json:"channel_id"` // the account whose channel is followed
}

// UserUnfollowed (user.unfollowed.v1): an account has ceased to follow a channel.
type UserUnfollowed struct {
	UserID    uuid.UUID `json:"user_id"`    // who follows no longer; the subject
	ChannelID uuid.UUID `json:"channel_id"` // the account whose channel was followed
}

// UserSuspended (user.suspended.v1): an account has been suspended, or its suspension has been lifted.
type UserSuspended struct {
	UserID    uuid.UUID  `json:"user_id"`    // the account
	Suspended bool       `json:"suspended"`  // false: the suspension has been lifted
	Reason    string     `json:"reason"`     // what the owner is told
	Until     *time.Time `json:"until"`      // when it ends by itself; null: when an admin lifts it
	ByUserID  uuid.UUID  `json:"by_user_id"` // who decided; the nil UUID for the system
}

// UserDeleted (user.deleted.v1): an account is gone: each service deletes what it keeps of it.
type UserDeleted struct {
	UserID uuid.UUID `json:"user_id"` // the account
}

// UserEmailVerificationRequested (user.email_verification_requested.v1): an e-mail address is to be proven: send the link there. SECRET: the link can be used once.
type UserEmailVerificationRequested struct {
	UserID   uuid.UUID `json:"user_id"`  // the account
	Username string    `json:"username"` // the unique name, as it is shown
	Email    string    `json:"email"`    // the address to prove, and where the mail goes
	Language string    `json:"language"` // BCP 47 tag that the mail is written in
	Link     string    `json:"link"`     // address with the single-use token
	Expires  time.Time `json:"expires"`  // when the link ceases to work
}

// UserPasswordResetRequested (user.password_reset_requested.v1): somebody asked for a new password: send the link to the owner. SECRET: the link can be used once.
type UserPasswordResetRequested struct {
	UserID   uuid.UUID `json:"user_id"`  // the account
	Username string    `json:"username"` // the unique name, as it is shown
	Email    string    `json:"email"`    // where the mail goes
	Language string    `json:"language"` // BCP 47 tag that the mail is written in
	Link     string    `json:"link"`     // address with the single-use token
	Expires  time.Time `json:"expires"`  // when the link ceases to work
}

// RoleChanged is the Kind of a UserSecurity that other services act on: what the account
// may do on the installation is more or less than before.
const RoleChanged = "role_changed"

// UserSecurity (user.security.v1): something that concerns the safety of an account: its owner may want to know.
type UserSecurity struct {
	UserID    uuid.UUID `json:"user_id"`    // the account
	Kind      string    `json:"kind"`       // what happened, such as signed_in, password_changed, refresh_reused
	Address   string    `json:"address"`    // the client's IP address; empty when there is none
	UserAgent string    `json:"user_agent"` // what the client calls itself; empty when there is none
}

// The type and the subject of each; the subject is always the account that acted
// or that it is about.

// EventType is "user.registered.v1".
func (UserRegistered) EventType() string { return "user.registered.v1" }

// EventSubject is the account.
func (d UserRegistered) EventSubject() string { return d.UserID.String() }

// EventType is "user.verified.v1".
func (UserVerified) EventType() string { return "user.verified.v1" }

// EventSubject is the account.
func (d UserVerified) EventSubject() string { return d.UserID.String() }

// EventType is "user.updated.v1".
func (UserUpdated) EventType() string { return "user.updated.v1" }

// EventSubject is the account.
func (d UserUpdated) EventSubject() string { return d.UserID.String() }

// EventType is "user.followed.v1".
func (UserFollowed) EventType() string { return "user.followed.v1" }

// EventSubject is the account.
func (d UserFollowed) EventSubject() string { return d.UserID.String() }

// EventType is "user.unfollowed.v1".
func (UserUnfollowed) EventType() string { return "user.unfollowed.v1" }

// EventSubject is the account.
func (d UserUnfollowed) EventSubject() string { return d.UserID.String() }

// EventType is "user.suspended.v1".
func (UserSuspended) EventType() string { return "user.suspended.v1" }

// EventSubject is the account.
func (d UserSuspended) EventSubject() string { return d.UserID.String() }

// EventType is "user.deleted.v1".
func (UserDeleted) EventType() string { return "user.deleted.v1" }

// EventSubject is the account.
func (d UserDeleted) EventSubject() string { return d.UserID.String() }

// EventType is "user.email_verification_requested.v1".
func (UserEmailVerificationRequested) EventType() string {
	return "user.email_verification_requested.v1"
}

// EventSubject is the account.
func (d UserEmailVerificationRequested) EventSubject() string { return d.UserID.String() }

// EventType is "user.password_reset_requested.v1".
func (UserPasswordResetRequested) EventType() string { return "user.password_reset_requested.v1" }

// EventSubject is the account.
func (d UserPasswordResetRequested) EventSubject() string { return d.UserID.String() }

// EventType is "user.security.v1".
func (UserSecurity) EventType() string { return "user.security.v1" }

// EventSubject is the account.
func (d UserSecurity) EventSubject() string { return d.UserID.String() }
