package user

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/auth"
	"weir/services/fault"
	"weir/services/httpd"
)

func (r routes) addPictures(api huma.API) {
	for _, k := range []struct {
		kind  PictureKind
		title string
	}{{Avatar, "Avatar"}, {Banner, "Banner"}} {
		name := string(k.kind)
		set := httpd.Op("set"+k.title, http.MethodPut, "/users/me/"+name, "users", "Set your "+name+": a PNG, a JPEG or the first frame of a GIF, at most 5 MiB and 40 million pixels", http.StatusOK, auth.ScopeProfileWrite)
		set.MaxBodyBytes, set.BodyReadTimeout = PictureMax, 30*time.Second
		set.Errors = append(set.Errors, http.StatusRequestEntityTooLarge)
		huma.Register(api, set, httpd.As(func(ctx context.Context, who auth.Identity, in *pictureUpload) (*ownAnswer, error) {
			return ownOf(r.SetPicture(ctx, who, k.kind, in.RawBody))
		}))
		huma.Register(api, httpd.Op("remove"+k.title, http.MethodDelete, "/users/me/"+name, "users", "Have no "+name, http.StatusOK, auth.ScopeProfileWrite),
			httpd.As(func(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*ownAnswer, error) {
				return ownOf(r.RemovePicture(ctx, who, k.kind))
			}))
		huma.Register(api, httpd.Op("get"+k.title, http.MethodGet, "/users/{id}/"+name+"/{file}", "users", "A picture, as its address in a profile says; it never changes", http.StatusOK),
			func(ctx context.Context, in *pictureInput) (*pictureAnswer, error) { return r.picture(ctx, k.kind, in) })
	}
}

// pictureUpload is the bytes of a picture. Its Content-Type is not looked at.
type pictureUpload struct {
	RawBody []byte `contentType:"image/*"`
}

type pictureInput struct {
	ByID
	Conditional
	File string `path:"file" minLength:"36" maxLength:"48" doc:"Its name, with .jpg"`
}

type pictureAnswer struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Cache       string `header:"Cache-Control"`
	// CrossOrigin lets pages of other sites show it, as it is public.
	CrossOrigin string `header:"Cross-Origin-Resource-Policy"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// picture is served by the service itself; the server adds nosniff.
func (r routes) picture(ctx context.Context, kind PictureKind, in *pictureInput) (*pictureAnswer, error) {
	file, found := strings.CutSuffix(in.File, ".jpg")
	if !found || !kind.file(file) {
		return nil, fault.New(fault.NotFound, "there is no such picture")
	}
	body, err := r.Picture(ctx, in.ID.UUID, kind, file)
	if err != nil {
		return nil, err
	}
	tag := `"` + file + `"`
	if httpd.NoneMatch(in.IfNoneMatch, tag) {
		return nil, huma.Status304NotModified()
	}
	return &pictureAnswer{
		ContentType: "image/jpeg", ETag: tag, Cache: "public, max-age=31536000, immutable", CrossOrigin: "cross-origin", Disposition: "inline", Body: body,
	}, nil
}
