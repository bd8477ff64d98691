package camera

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/httpd"
)

// routes is the HTTP side of a Service.
type routes struct{ *Service }

// Routes adds the operations of this package to the server of the live-service.
func (s *Service) Routes(h *httpd.Server) {
	const of, tag = "/channels/{id}/camera", "cameras"
	r, api := routes{s}, h.API
	huma.Register(api, httpd.Op("getCamera", http.MethodGet, of, tag, "The camera that a channel shows, and how it does", http.StatusOK, auth.ScopeChannelsRead), httpd.As(r.get))
	huma.Register(api, httpd.Op("setCamera", http.MethodPut, of, tag, "Show a camera in a channel: it is pulled over RTSP", http.StatusOK, auth.ScopeChannelsWrite), httpd.As(r.set))
	huma.Register(api, httpd.Op("deleteCamera", http.MethodDelete, of, tag, "Show the camera no more", http.StatusNoContent, auth.ScopeChannelsWrite), httpd.As(r.remove))
}

type byChannel struct {
	ID httpd.ID `path:"id" doc:"Id of a channel"`
}

type setInput struct {
	ID      httpd.ID `path:"id" doc:"Id of a channel"`
	IfMatch string   `header:"If-Match" maxLength:"64" doc:"The ETag of what you have read; * for any; absent: the channel has no camera yet"`
	Body    CameraChanges
}

type cameraAnswer struct {
	ETag  string `header:"ETag"`
	Cache string `header:"Cache-Control"`
	Body  Camera
}

func answer(c Camera, err error) (*cameraAnswer, error) {
	if err != nil {
		return nil, err
	}
	a := &cameraAnswer{Cache: "private, no-store", Body: c}
	if c.Mode != None {
		a.ETag = httpd.ETag(c.Version)
	}
	return a, nil
}

func (r routes) get(ctx context.Context, who auth.Identity, in *byChannel) (*cameraAnswer, error) {
	return answer(r.Camera(ctx, who, in.ID.UUID))
}

func (r routes) set(ctx context.Context, who auth.Identity, in *setInput) (*cameraAnswer, error) {
	version := int64(Absent)
	if in.IfMatch != "" {
		var err error
		if version, err = httpd.IfMatch(in.IfMatch); err != nil {
			return nil, err
		}
	}
	return answer(r.Set(ctx, who, in.ID.UUID, version, in.Body))
}

func (r routes) remove(ctx context.Context, who auth.Identity, in *byChannel) (*httpd.Empty, error) {
	return nil, r.Delete(ctx, who, in.ID.UUID)
}
