package event

import (
	"time"

	"github.com/google/uuid"
)

// StreamStarted (stream.started.v1): viewers can watch a stream: its first segment is playable.
type StreamStarted struct {
	SessionID uuid.UUID `json:"session_id"` // this broadcast
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	OwnerID   uuid.UUID `json:"owner_id"`   // whose channel it is; the nil UUID for the operator's
	Name      string    `json:"name"`       // what it is watched as
	Title     string    `json:"title"`      // of the channel
	Public    bool      `json:"public"`     // the channel is in lists
	StartedAt time.Time `json:"started_at"` // when viewers could begin
}

// StreamUpdated (stream.updated.v1): what viewers are told of a stream has changed while it is on the air.
type StreamUpdated struct {
	SessionID uuid.UUID `json:"session_id"` // the broadcast
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	Name      string    `json:"name"`       // what it is watched as
	Title     string    `json:"title"`      // of the channel
	Category  string    `json:"category"`   // of the channel; empty for none
	Tags      []string  `json:"tags"`       // of the channel
	Language  string    `json:"language"`   // BCP 47 tag; empty for not said
	Mature    bool      `json:"mature"`     // for adults only
}

// StreamReconnecting (stream.reconnecting.v1): the publisher of a stream dropped and is waited for.
type StreamReconnecting struct {
	SessionID uuid.UUID `json:"session_id"` // the broadcast
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	Name      string    `json:"name"`       // what it is watched as
	At        time.Time `json:"at"`         // when it dropped
}

// StreamEnded (stream.ended.v1): a stream that had started is over.
type StreamEnded struct {
	SessionID uuid.UUID `json:"session_id"` // the broadcast
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	OwnerID   uuid.UUID `json:"owner_id"`   // whose channel it is; the nil UUID for the operator's
	Name      string    `json:"name"`       // what it was watched as
	StartedAt time.Time `json:"started_at"` // when viewers could begin
	EndedAt   time.Time `json:"ended_at"`   // when it ended
	Reason    string    `json:"reason"`     // why, in words
	Peak      int64     `json:"peak"`       // most viewers at once
	Unique    int64     `json:"unique"`     // different viewers
}

// KeyRotated (key.rotated.v1): a stream key was replaced by a new one.
type KeyRotated struct {
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	Name      string    `json:"name"`       // of the channel
	OldKeyID  uuid.UUID `json:"old_key_id"` // the key that is revoked
	KeyID     uuid.UUID `json:"key_id"`     // the key in its place
	ByUserID  uuid.UUID `json:"by_user_id"` // who did it
}

// PublishRefused (publish.refused.v1): a publisher with a right key was turned away. Repeated refusals are told once a minute.
type PublishRefused struct {
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	Name      string    `json:"name"`       // of the channel
	Reason    string    `json:"reason"`     // one word, such as key_expired, banned, suspended
	Words     string    `json:"words"`      // what the encoder was shown
	Protocol  string    `json:"protocol"`   // how it came
	Address   string    `json:"address"`    // where it came from; empty when not known
}

// ChannelDeleted (channel.deleted.v1): a channel is gone: each service deletes what it keeps of it.
type ChannelDeleted struct {
	ChannelID uuid.UUID `json:"channel_id"` // the channel; the subject
	Name      string    `json:"name"`       // what it was watched as
}

// RecordingReady (recording.ready.v1): a stream was recorded: it can be played from the beginning to its end.
type RecordingReady struct {
	RecordingID  uuid.UUID `json:"recording_id"` // the recording
	ChannelID    uuid.UUID `json:"channel_id"`   // the channel; the subject
	SessionID    uuid.UUID `json:"session_id"`   // the broadcast that it shows; the nil UUID where that is not known
	Name         string    `json:"name"`         // what it was watched as
	Title        string    `json:"title"`        // of the recording
	Public       bool      `json:"public"`       // the channel is in lists
	StartedAt    time.Time `json:"started_at"`   // the first picture
	Milliseconds int64     `json:"milliseconds"` // how long it plays
	Bytes        int64     `json:"bytes"`        // of all renditions
	Renditions   []string  `json:"renditions"`   // their names, sound too
}

// ClipReady (clip.ready.v1): a clip was made: it can be played.
type ClipReady struct {
	ClipID       uuid.UUID `json:"clip_id"`      // the clip
	ChannelID    uuid.UUID `json:"channel_id"`   // the channel; the subject
	SourceID     uuid.UUID `json:"source_id"`    // the broadcast or recording that it was cut from
	ByUserID     uuid.UUID `json:"by_user_id"`   // who made it; the nil UUID when that account is gone
	Name         string    `json:"name"`         // what the stream was watched as
	Title        string    `json:"title"`        // of the clip
	Public       bool      `json:"public"`       // the channel is in lists
	StartedAt    time.Time `json:"started_at"`   // the first picture
	Milliseconds int64     `json:"milliseconds"` // how long it plays
	Bytes        int64     `json:"bytes"`        // of all renditions
}

// RecordingDeleted (recording.deleted.v1): a recording or clip is gone, with all its media.
type RecordingDeleted struct {
	RecordingID uuid.UUID `json:"recording_id"` // the recording or clip
	ChannelID   uuid.UUID `json:"channel_id"`   // the channel; the subject
	Kind        string    `json:"kind"`         // recording or clip
	Name        string    `json:"name"`         // what the stream was watched as
	Reason      string    `json:"reason"`       // why, in words
}

// EventType is "stream.started.v1".
func (StreamStarted) EventType() string { return "stream.started.v1" }

// EventSubject is the channel.
func (d StreamStarted) EventSubject() string { return d.ChannelID.String() }

// EventType is "stream.updated.v1".
func (StreamUpdated) EventType() string { return "stream.updated.v1" }

// EventSubject is the channel.
func (d StreamUpdated) EventSubject() string { return d.ChannelID.String() }

// EventType is "stream.reconnecting.v1".
func (StreamReconnecting) EventType() string { return "stream.reconnecting.v1" }

// EventSubject is the channel.
func (d StreamReconnecting) EventSubject() string { return d.ChannelID.String() }

// EventType is "stream.ended.v1".
func (StreamEnded) EventType() string { return "stream.ended.v1" }

// EventSubject is the channel.
func (d StreamEnded) EventSubject() string { return d.ChannelID.String() }

// EventType is "key.rotated.v1".
func (KeyRotated) EventType() string { return "key.rotated.v1" }

// EventSubject is the channel.
func (d KeyRotated) EventSubject() string { return d.ChannelID.String() }

// EventType is "publish.refused.v1".
func (PublishRefused) EventType() string { return "publish.refused.v1" }

// EventSubject is the channel.
func (d PublishRefused) EventSubject() string { return d.ChannelID.String() }

// EventType is "channel.deleted.v1".
func (ChannelDeleted) EventType() string { return "channel.deleted.v1" }

// EventSubject is the channel.
func (d ChannelDeleted) EventSubject() string { return d.ChannelID.String() }

// EventType is "recording.ready.v1".
func (RecordingReady) EventType() string { return "recording.ready.v1" }

// EventSubject is the channel.
func (d RecordingReady) EventSubject() string { return d.ChannelID.String() }

// EventType is "clip.ready.v1".
func (ClipReady) EventType() string { return "clip.ready.v1" }

// EventSubject is the channel.
func (d ClipReady) EventSubject() string { return d.ChannelID.String() }

// EventType is "recording.deleted.v1".
func (RecordingDeleted) EventType() string { return "recording.deleted.v1" }

// EventSubject is the channel.
func (d RecordingDeleted) EventSubject() string { return d.ChannelID.String() }
