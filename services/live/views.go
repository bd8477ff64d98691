package live

import (
	"time"

	"github.com/google/uuid"
)

// View is a channel as somebody sees it.
type View struct {
	ID          uuid.UUID  `json:"id"`
	Owner       *uuid.UUID `json:"owner_id,omitempty" doc:"The user whose it is; absent: the operator's"`
	Name        string     `json:"name" doc:"What it is published and watched as" example:"anna"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Category    string     `json:"category"`
	Tags        []string   `json:"tags"`
	Language    string     `json:"language" doc:"BCP 47 tag; empty: not said"`
	Mature      bool       `json:"mature"`
	Visibility  Visibility `json:"visibility" enum:"public,unlisted,private"`
	Scheduled   *time.Time `json:"scheduled_at,omitempty" doc:"When the next stream is planned to begin"`
	Watch       string     `json:"watch" doc:"Path of the watch page"`
	Created     time.Time  `json:"created_at"`
	Version     int64      `json:"version" doc:"Grows with each change; the ETag"`
	Inside      *Inside    `json:"inside,omitempty" doc:"What only those see who work for the channel"`
}

// Inside is the part of a channel that is not for viewers.
type Inside struct {
	Record    bool       `json:"record" doc:"Whether its streams are recorded"`
	Takeover  bool       `json:"takeover" doc:"Whether a second publisher replaces the first"`
	Limits    Limits     `json:"limits"`
	Keep      Keep       `json:"keep" doc:"How much of its recordings is kept, within the bounds of the server"`
	Banned    *time.Time `json:"banned_at,omitempty" doc:"Since when it may not go live"`
	BanReason string     `json:"ban_reason,omitempty"`
}

// view is the channel for somebody with that role, empty for viewers.
func (c *Channel) view(role Role) View {
	v := View{
		ID: c.ID, Owner: c.Owner, Name: c.Name, Title: c.Title, Description: c.Description, Category: c.Category, Tags: c.Tags,
		Language: c.Language, Mature: c.Mature, Visibility: c.Visibility, Scheduled: c.Scheduled, Watch: "/watch/" + c.Name,
		Created: c.Created, Version: c.Version,
	}
	if v.Tags == nil {
		v.Tags = []string{}
	}
	if role != "" {
		v.Inside = &Inside{Record: c.Record, Takeover: c.Takeover, Limits: c.Limits, Keep: c.Keep, Banned: c.Banned, BanReason: c.BanReason}
	}
	return v
}
