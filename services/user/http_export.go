package user

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/httpd"
)

func (r routes) addExports(api huma.API) {
	start := httpd.Op("startExport", http.MethodPost, "/users/me/export", "users", "Have all that is kept of you written into a file, at most once a day", http.StatusAccepted, auth.ScopeAccount)
	start.Errors = append(start.Errors, http.StatusConflict)
	huma.Register(api, start, httpd.As(r.startExport))
	get := httpd.Op("getExport", http.MethodGet, "/users/me/export", "users", "The state of your newest export", http.StatusOK, auth.ScopeAccount)
	get.Errors = append(get.Errors, http.StatusNotFound)
	huma.Register(api, get, httpd.As(r.getExport))
	file := httpd.Op("downloadExport", http.MethodGet, "/users/me/export/{id}/file", "users", "The file of an export of yours, a zip", http.StatusOK, auth.ScopeAccount)
	file.Responses = map[string]*huma.Response{"200": {Description: "The zip", Content: map[string]*huma.MediaType{"application/zip": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	huma.Register(api, file, httpd.As(r.downloadExport))
}

type exportAnswer struct{ Body ExportView }

func exportOf(v ExportView, err error) (*exportAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &exportAnswer{v}, nil
}

func (r routes) startExport(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*exportAnswer, error) {
	return exportOf(r.StartExport(ctx, who, peer(ctx)))
}

func (r routes) getExport(ctx context.Context, who auth.Identity, _ *httpd.Empty) (*exportAnswer, error) {
	return exportOf(r.Export(ctx, who))
}

type downloadInput struct {
	ID httpd.ID `path:"id" doc:"Id of an export"`
}

// downloadTime is the longest that a download may take.
const downloadTime = time.Hour

func (r routes) downloadExport(ctx context.Context, who auth.Identity, in *downloadInput) (*huma.StreamResponse, error) {
	// The answer leaves after this handler, and its context, have ended.
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), downloadTime)
	body, size, err := r.OpenExport(long, who, in.ID.UUID)
	if err != nil {
		cancel()
		return nil, err
	}
	file := &download{ReadCloser: body, cancel: cancel}
	return &huma.StreamResponse{Body: func(c huma.Context) { sendFile(c, file, in.ID.UUID, size) }}, nil
}

// download is a file that ends its own context.
type download struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (d *download) Close() error {
	defer d.cancel()
	return d.ReadCloser.Close()
}

// streamer is the server's own context: it sends a reader, and closes it, after the
// handler has returned, without holding all of it.
type streamer interface {
	SendStream(from io.Reader, size ...int) error
}

func sendFile(c huma.Context, file *download, id uuid.UUID, size int64) {
	c.SetStatus(http.StatusOK)
	c.SetHeader("Content-Type", "application/zip")
	c.SetHeader("Content-Disposition", `attachment; filename="weir-`+id.String()+`.zip"`)
	c.SetHeader("Cache-Control", "private, no-store")
	for inner := c; ; {
		switch s := inner.(type) {
		case streamer:
			// It only keeps the reader, and has no error to give.
			_ = s.SendStream(file, int(size))
			return
		case interface{ Unwrap() huma.Context }:
			inner = s.Unwrap()
		default: // another server: in one go
			defer func() { _ = file.Close() }()
			_, _ = io.Copy(c.BodyWriter(), file) // the client left
			return
		}
	}
}
