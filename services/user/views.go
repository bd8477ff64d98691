package user

import (
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
)

// Public is what everybody sees of a user, who is a channel too.
type Public struct {
	ID          uuid.UUID `json:"id" doc:"The user's id, and the channel's"`
	Username    string    `json:"username" doc:"Unique, never given to another user"`
	DisplayName string    `json:"display_name" doc:"The name to show; may be empty"`
	Bio         string    `json:"bio"`
	Links       []Link    `json:"links"`
	AvatarURL   string    `json:"avatar_url,omitempty" doc:"Path of the picture, a square of at most 512 pixels; never changes what it shows; absent: none"`
	AvatarSmall string    `json:"avatar_small_url,omitempty" doc:"The same of at most 128 pixels"`
	BannerURL   string    `json:"banner_url,omitempty" doc:"Path of the picture above the channel, at most 1600 to 400 pixels; absent: none"`
	Role        auth.Role `json:"role" enum:"user,moderator,admin"`
	Followers   int64     `json:"followers" doc:"How many users follow this channel"`
	Created     time.Time `json:"created_at"`
}

// Own is what a user sees of themselves, and an admin of anybody.
type Own struct {
	Public
	Email         string      `json:"email" doc:"Where mails go; empty when deleted"`
	EmailVerified bool        `json:"email_verified" doc:"Whether the address has been proven"`
	Language      string      `json:"language" doc:"BCP 47 tag; empty: not chosen"`
	TimeZone      string      `json:"time_zone" doc:"IANA name; empty: not chosen"`
	Following     int64       `json:"following" doc:"How many channels this user follows"`
	Version       int64       `json:"version" doc:"Grows with each change; the ETag begins with it"`
	Suspension    *Suspension `json:"suspension,omitempty" doc:"Why this user cannot sign in"`
	Deleted       *time.Time  `json:"deleted_at,omitempty"`
	Updated       time.Time   `json:"updated_at"`
}

// Brief is a user in a list.
type Brief struct {
	ID          uuid.UUID `json:"id"`
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
}

// Followed is one line of a list of followers or of followed channels.
type Followed struct {
	Brief
	Since time.Time `json:"since" doc:"When the follow began"`
}

// SessionView is a sign-in as its owner sees it.
type SessionView struct {
	ID        uuid.UUID `json:"id"`
	Current   bool      `json:"current" doc:"The session of this very request"`
	Browser   bool      `json:"browser" doc:"Its refresh token is in a cookie"`
	Address   string    `json:"address" doc:"Where it was used last"`
	UserAgent string    `json:"user_agent" doc:"What the client calls itself"`
	Created   time.Time `json:"created_at"`
	Seen      time.Time `json:"seen_at" doc:"When it was refreshed last"`
	Expires   time.Time `json:"expires_at" doc:"When it ends unless it is refreshed"`
}

// SecurityEvent is a line of the audit log.
type SecurityEvent struct {
	ID        uuid.UUID  `json:"id"`
	User      *uuid.UUID `json:"user_id,omitempty" doc:"The account it is about; absent: none has that name"`
	Actor     *uuid.UUID `json:"actor_id,omitempty" doc:"Who did it; absent: nobody was signed in"`
	Kind      string     `json:"kind" example:"signed_in"`
	Address   string     `json:"address"`
	UserAgent string     `json:"user_agent"`
	Detail    string     `json:"detail"`
	At        time.Time  `json:"at"`
}

func (a *Account) public() Public {
	links := a.Profile.Links
	if links == nil {
		links = []Link{}
	}
	return Public{
		ID: a.ID, Username: a.Username, DisplayName: a.Profile.DisplayName, Bio: a.Profile.Bio, Links: links,
		AvatarURL: Avatar.url(a.ID, a.avatar, ""), AvatarSmall: Avatar.url(a.ID, a.avatar, "-128"), BannerURL: Banner.url(a.ID, a.banner, ""),
		Role: a.Role, Followers: a.Followers, Created: a.Created,
	}
}

func (a *Account) own(now time.Time) Own {
	return Own{
		Public: a.public(), Email: a.Email, EmailVerified: a.EmailVerified != nil,
		Language: a.Profile.Language, TimeZone: a.Profile.TimeZone, Following: a.Following,
		Version: a.Version, Suspension: a.suspended(now), Deleted: a.Deleted, Updated: a.Updated,
	}
}

// identity is the account as its access tokens show it.
func (a *Account) identity(session uuid.UUID) auth.Identity {
	return auth.Identity{User: a.ID, Session: session, Username: a.Username, Role: a.Role, Verified: a.EmailVerified != nil}
}
