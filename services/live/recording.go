package live

import (
	"context"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

// Kind is what a recording was made of.
type Kind string

// The kinds.
const (
	Whole Kind = "recording" // a session, from its beginning to its end
	Clip  Kind = "clip"      // a piece of a session or of a recording
)

// RecordingState is how far a recording is.
type RecordingState string

// The states of a recording.
const (
	Being    RecordingState = "recording" // it is being made
	Ready    RecordingState = "ready"     // whole, and playable
	Failed   RecordingState = "failed"    // a clip that could not be made
	Deleting RecordingState = "deleting"  // its objects are being removed; then it is gone
)

// Recording is what is kept of a stream, or of a piece of one. Its media are below its ID
// in the store.
type Recording struct {
	ID          uuid.UUID
	Channel     *uuid.UUID // nil: the stream had none
	Session     *uuid.UUID // nil: nothing was kept of it
	Name        string     // of the stream
	Store       string
	Kind        Kind
	State       RecordingState
	Title       string
	Description string
	Started     time.Time // the first picture
	Duration    time.Duration
	Bytes       int64
	Renditions  []string
	Lost        int64 // segments that are missing
	Cut         Cut   // of a clip
	Reason      string
	Version     int64
	Created     time.Time
	Closed      *time.Time // nothing more is stored

	again bool // another node began it
}

// Cut is where a clip comes from.
type Cut struct {
	Source *uuid.UUID    // a session on the air, or a recording
	Start  time.Duration // from the beginning of the source, to the millisecond
	Length time.Duration
	By     *uuid.UUID // who wants it
	Node   string     // who has to make it; empty: anybody who has the store
}

// RecordingView is a recording as somebody sees it.
type RecordingView struct {
	ID          uuid.UUID       `json:"id"`
	Channel     *uuid.UUID      `json:"channel_id,omitempty" doc:"Absent: the stream had no channel"`
	Session     *uuid.UUID      `json:"session_id,omitempty" doc:"The stream that it shows"`
	Name        string          `json:"name" doc:"What the stream was published as" example:"anna"`
	Kind        Kind            `json:"kind" enum:"recording,clip"`
	State       RecordingState  `json:"state" enum:"recording,ready,failed,deleting" doc:"Only who works for the channel sees others than ready"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Started     time.Time       `json:"started_at" doc:"The first picture"`
	Duration    float64         `json:"duration" doc:"Seconds"`
	Bytes       int64           `json:"bytes" doc:"Of all renditions"`
	Renditions  []string        `json:"renditions" example:"source"`
	Source      *CutView        `json:"source,omitempty" doc:"Of a clip"`
	Media       *RecordingMedia `json:"media,omitempty" doc:"Paths, while it can be played"`
	Created     time.Time       `json:"created_at"`
	Version     int64           `json:"version" doc:"Grows with each change; the ETag"`
	Inside      *InsideView     `json:"inside,omitempty" doc:"What only those see who work for the channel"`
}

// CutView is where a clip comes from.
type CutView struct {
	ID     uuid.UUID `json:"id" doc:"The stream or recording that it was cut from, which may be gone"`
	Start  float64   `json:"start" doc:"Seconds from its beginning"`
	Length float64   `json:"length" doc:"Seconds that were asked for"`
}

// RecordingMedia are the paths of a recording's media.
type RecordingMedia struct {
	HLS        string `json:"hls"`
	DASH       string `json:"dash"`
	Download   string `json:"download,omitempty" doc:"One MP4 file"`
	Thumbnail  string `json:"thumbnail,omitempty" doc:"JPEG; it comes some seconds after the end"`
	Storyboard string `json:"storyboard,omitempty" doc:"WebVTT of small pictures; it comes some seconds after the end"`
}

// InsideView is the part of a recording that is not for viewers.
type InsideView struct {
	By     *uuid.UUID `json:"created_by,omitempty" doc:"Who made the clip"`
	Lost   int64      `json:"lost" doc:"Segments that are missing: the store was away for too long"`
	Reason string     `json:"reason,omitempty" doc:"Why it failed or is being deleted"`
}

// view is the recording for somebody with that role, empty for viewers.
func (r *Recording) view(role Role) RecordingView {
	v := RecordingView{
		ID: r.ID, Channel: r.Channel, Session: r.Session, Name: r.Name, Kind: r.Kind, State: r.State, Title: r.Title, Description: r.Description,
		Started: r.Started, Duration: r.Duration.Seconds(), Bytes: r.Bytes, Renditions: r.Renditions, Created: r.Created, Version: r.Version,
	}
	if v.Renditions == nil {
		v.Renditions = []string{}
	}
	if r.Cut.Source != nil {
		v.Source = &CutView{ID: *r.Cut.Source, Start: r.Cut.Start.Seconds(), Length: r.Cut.Length.Seconds()}
	}
	base := "/vod/" + r.ID.String() + "/"
	if r.State == Ready || r.State == Being && r.Kind == Whole {
		v.Media = &RecordingMedia{HLS: base + "index.m3u8", DASH: base + "manifest.mpd"}
	}
	if r.State == Ready {
		v.Media.Download, v.Media.Thumbnail, v.Media.Storyboard = base+"download.mp4", base+"thumb.jpg", base+"storyboard.vtt"
	}
	if role != "" {
		v.Inside = &InsideView{By: r.Cut.By, Lost: r.Lost, Reason: r.Reason}
	}
	return v
}

// Recordings are those of a channel, newest first; kind, when not empty, picks one. Viewers
// find those that are ready, of public channels and of the one that their pass opens.
// denied: the pass does not hold.
func (s *Service) Recordings(ctx context.Context, who auth.Identity, shown Shown, channel uuid.UUID, kind Kind, after string, limit int) (httpd.Page[RecordingView], error) {
	var none httpd.Page[RecordingView]
	c, err := s.store().channel(ctx, channel)
	if err != nil && !missing(err) {
		return none, faultOf(err)
	}
	role, err := s.watches(ctx, who, c, shown, "channel")
	if err != nil {
		return none, err
	}
	from, err := httpd.After(after, uuid.Max)
	if err != nil {
		return none, err
	}
	limit = httpd.PageSize(limit)
	list, err := s.store().recordings(ctx, channel, kind, role == "", from, limit+1)
	if err != nil {
		return none, faultOf(err)
	}
	views := make([]RecordingView, len(list))
	for i, r := range list {
		views[i] = r.view(role)
	}
	return httpd.PageByID(views, limit, func(v RecordingView) uuid.UUID { return v.ID }), nil
}

// Recording is what the caller, who may be nobody, sees of a recording. Those of streams
// without a channel are for everybody. denied: the pass does not hold.
func (s *Service) Recording(ctx context.Context, who auth.Identity, shown Shown, id uuid.UUID) (RecordingView, error) {
	r, err := s.store().recording(ctx, id)
	if err != nil && !missing(err) {
		return RecordingView{}, faultOf(err)
	}
	role := s.operator(who)
	if r == nil || r.Channel != nil {
		var c *Channel
		if r != nil {
			if c, err = s.store().channel(ctx, *r.Channel); err != nil && !missing(err) {
				return RecordingView{}, faultOf(err)
			}
		}
		if role, err = s.watches(ctx, who, c, shown, "recording"); err != nil {
			return RecordingView{}, err
		}
	}
	if role == "" && r.State != Ready {
		return RecordingView{}, noSuch("recording")
	}
	return r.view(role), nil
}

// operator is the role of who in what belongs to no channel.
func (s *Service) operator(who auth.Identity) Role {
	if who.Role.AtLeast(auth.Admin) {
		return Owner
	}
	return ""
}

// RecordingChanges are what PATCH may bring; what is absent stays.
type RecordingChanges struct {
	Title       *string `json:"title,omitempty" maxLength:"560" doc:"At most 140 characters"`
	Description *string `json:"description,omitempty" maxLength:"20000" doc:"At most 5000 characters"`
}

// UpdateRecording changes what a recording says of itself, if it has that version; 0
// takes any.
func (s *Service) UpdateRecording(ctx context.Context, who auth.Identity, id uuid.UUID, version int64, x RecordingChanges) (view RecordingView, err error) {
	err = s.within(ctx, func(ctx context.Context, st Store) error {
		r, err := s.holdRecording(ctx, st, who, id, Manager)
		if err != nil {
			return err
		}
		if version != 0 && version != r.Version {
			return httpd.Changed()
		}
		c := Channel{Title: r.Title, Description: r.Description}
		if err := c.apply(Changes{Title: x.Title, Description: x.Description}); err != nil {
			return err
		}
		r.Title, r.Description = c.Title, c.Description
		r.Version++
		view = r.view(Manager)
		return st.describe(ctx, r)
	})
	return view, err
}

// DeleteRecording says that a recording is to go; its objects are removed soon. conflict:
// it is still being made.
func (s *Service) DeleteRecording(ctx context.Context, who auth.Identity, id uuid.UUID) error {
	err := s.within(ctx, func(ctx context.Context, st Store) error {
		r, err := s.holdRecording(ctx, st, who, id, Manager)
		if err != nil {
			return err
		}
		if r.State == Being {
			return fault.New(fault.Conflict, "it is still being made: end the stream first, or wait for the clip")
		}
		return st.condemn(ctx, r.ID, "deleted by the channel")
	})
	if err == nil {
		s.shelf.wake()
	}
	return err
}

// holdRecording is a recording in which who may act as least, kept from other
// transactions until that of st ends. One that is being deleted is not found.
func (s *Service) holdRecording(ctx context.Context, st Store, who auth.Identity, id uuid.UUID, least Role) (*Recording, error) {
	r, err := st.heldRecording(ctx, id)
	if err == nil && r.Channel != nil {
		if _, err := s.access(ctx, st, who, *r.Channel, least); fault.Is(err, fault.NotFound) {
			return nil, noSuch("recording")
		} else if err != nil {
			return nil, err
		}
	}
	switch {
	case err != nil:
		return nil, notFound(err, "recording")
	case r.Channel == nil && s.operator(who) == "":
		return nil, fault.New(fault.Denied, "this is not your recording")
	case r.State == Deleting:
		return nil, noSuch("recording")
	}
	return r, nil
}
