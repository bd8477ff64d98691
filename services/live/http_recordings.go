package live

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/httpd"
)

const forPasses = "Where the channel is not public, it is for who works for it, and for who shows a pass in the header Weir-Pass; the media are then below the path that the playback calls replay. Anything else that you may not see is not found."

func (r routes) addRecordings(api huma.API) {
	list := httpd.Op("listRecordings", http.MethodGet, "/channels/{id}/recordings", "recordings", "What is kept of a channel's streams, newest first", http.StatusOK)
	list.Description = forPasses
	list.Errors = append(list.Errors, http.StatusForbidden)
	huma.Register(api, list, r.recordings)
	huma.Register(api, httpd.Op("createClip", http.MethodPost, "/channels/{id}/clips", "recordings", "Cut a piece out of a recording, or out of what is on the air; it can be played some seconds later", http.StatusAccepted, auth.ScopeChannelsWrite), httpd.As(r.createClip))
	one := httpd.Op("getRecording", http.MethodGet, "/recordings/{recording}", "recordings", "A recording or clip", http.StatusOK)
	one.Description = forPasses
	one.Errors = append(one.Errors, http.StatusForbidden)
	huma.Register(api, one, r.recording)
	huma.Register(api, httpd.Op("updateRecording", http.MethodPatch, "/recordings/{recording}", "recordings", "Change what a recording says of itself", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.updateRecording))
	huma.Register(api, httpd.Op("deleteRecording", http.MethodDelete, "/recordings/{recording}", "recordings", "Delete a recording or clip, for ever; its media go soon after", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.deleteRecording))
}

type recordingsInput struct {
	ByID
	httpd.Paged
	Passed
	Kind string `query:"kind" enum:"recording,clip" doc:"Only these; absent: both"`
}

// Passed is what who watches may show. It is embedded in inputs: huma reads its field.
type Passed struct {
	Pass string `header:"Weir-Pass" maxLength:"400" doc:"The pass of a playback, to see what is kept of a channel that is not public"`
}

func (p Passed) shown(ctx context.Context) Shown {
	return Shown{Pass: p.Pass, From: httpd.From(ctx).Client}
}

func (r routes) recordings(ctx context.Context, in *recordingsInput) (*httpd.PageOf[RecordingView], error) {
	return httpd.Answer(r.Recordings(ctx, caller(ctx), in.shown(ctx), in.ID.UUID, Kind(in.Kind), in.After, in.Limit))
}

type clipInput struct {
	ByID
	Body ClipOrder
}

type recordingAnswer struct {
	ETag     string `header:"ETag"`
	Cache    string `header:"Cache-Control"`
	Location string `header:"Location"`
	Body     RecordingView
}

func recordingOf(v RecordingView, err error) (*recordingAnswer, error) {
	if err != nil {
		return nil, err
	}
	cache := "no-cache"
	if v.Inside != nil {
		cache = "private, no-cache"
	}
	return &recordingAnswer{ETag: httpd.ETag(v.Version), Cache: cache, Body: v}, nil
}

func (r routes) createClip(ctx context.Context, who auth.Identity, in *clipInput) (*recordingAnswer, error) {
	var source *uuid.UUID
	if in.Body.Source != "" {
		from, err := httpd.ParseID(in.Body.Source, "body.source")
		if err != nil {
			return nil, err
		}
		source = &from
	}
	out, err := recordingOf(r.CreateClip(ctx, who, in.ID.UUID, source, in.Body))
	if err == nil {
		out.Location = "/api/v1/recordings/" + out.Body.ID.String()
	}
	return out, err
}

// RecordingID is the path of a recording.
type RecordingID struct {
	Recording httpd.ID `path:"recording" doc:"Id of a recording or clip"`
}

type shownInput struct {
	RecordingID
	Passed
}

func (r routes) recording(ctx context.Context, in *shownInput) (*recordingAnswer, error) {
	out, err := recordingOf(r.Recording(ctx, caller(ctx), in.shown(ctx), in.Recording.UUID))
	if err == nil && in.Pass != "" {
		out.Cache = "private, no-cache"
	}
	return out, err
}

type recordingInput struct {
	RecordingID
	IfMatch string `header:"If-Match" maxLength:"64" doc:"The ETag of what you have read; * for any"`
	Body    RecordingChanges
}

func (r routes) updateRecording(ctx context.Context, who auth.Identity, in *recordingInput) (*recordingAnswer, error) {
	version, err := httpd.IfMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return recordingOf(r.UpdateRecording(ctx, who, in.Recording.UUID, version, in.Body))
}

func (r routes) deleteRecording(ctx context.Context, who auth.Identity, in *RecordingID) (*httpd.Empty, error) {
	return nil, r.DeleteRecording(ctx, who, in.Recording.UUID)
}
