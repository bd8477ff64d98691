package httpd

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v3"

	"weir/services/fault"
)

// newAPI returns a huma API whose operations are routes of app, and listed in ops.
func newAPI(app *fiber.App, cfg Config, ops *operations) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[fault.Problem]())
	return huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "weir " + cfg.Service, Version: cfg.Version},
			Components: &huma.Components{
				Schemas:         registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{bearerScheme: {Type: "http", Scheme: "bearer", Description: "An access token, or an API token."}},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{catch},
	}, adapter{app, ops})
}

// adapter makes routes of operations.
type adapter struct {
	app *fiber.App
	ops *operations
}

var _ huma.Adapter = adapter{}

// Handle adds one operation. Who may call it is decided before its input is read.
func (a adapter) Handle(op *huma.Operation, next func(huma.Context)) {
	a.ops.add(op)
	a.app.Add([]string{op.Method}, routePath(op.Path), func(c fiber.Ctx) error {
		x := exchangeOf(c)
		x.operation, x.route = op.OperationID, op.Path
		if err := allowed(c.Context(), op.Security); err != nil {
			return err
		}
		r := &request{Ctx: c, op: op}
		next(r)
		return r.failure
	})
}

// ServeHTTP is for huma's test helpers: Fiber serves the real traffic.
func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res, err := a.app.Test(r)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	defer res.Body.Close()
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	// The recorder of a test takes everything.
	_, _ = io.Copy(w, res.Body)
}

// routePath is a path as Fiber writes it: {id} is :id, and what Fiber reads as a
// pattern is escaped.
func routePath(path string) string {
	return strings.NewReplacer("{", ":", "}", "", ":", `\:`, "*", `\*`, "+", `\+`, "?", `\?`, "(", `\(`, ")", `\)`).Replace(path)
}

// catch keeps an error that huma is about to write, so that every error is
// answered in the same place. It is a huma.Transformer.
func catch(ctx huma.Context, _ string, v any) (any, error) {
	err, ok := v.(error)
	if !ok {
		return v, nil
	}
	for {
		switch c := ctx.(type) {
		case *request:
			c.failure = err
			return nil, nil
		case interface{ Unwrap() huma.Context }: // a middleware gave it values
			ctx = c.Unwrap()
		default:
			return v, nil
		}
	}
}

// request is one Fiber request as huma sees it.
type request struct {
	fiber.Ctx
	op      *huma.Operation
	status  int
	failure error // what the operation failed with
}

var _ huma.Context = (*request)(nil)

// Operation is the operation that the path belongs to.
func (r *request) Operation() *huma.Operation { return r.op }

// Context is that of the handler: identity, deadline, span.
func (r *request) Context() context.Context { return r.Ctx.Context() }

// Host is as the gateway passed it on.
func (r *request) Host() string { return r.Ctx.Host() }

// RemoteAddr is the peer's, which is mostly the gateway; From has the client's.
func (r *request) RemoteAddr() string { return r.RequestCtx().RemoteAddr().String() }

// Header is a copy.
func (r *request) Header(name string) string { return r.Get(name) }

// TLS is nil without TLS.
func (r *request) TLS() *tls.ConnectionState { return r.RequestCtx().TLSConnectionState() }

// GetMultipartForm reads the body, which is in memory.
func (r *request) GetMultipartForm() (*multipart.Form, error) { return r.MultipartForm() }

// Status is what SetStatus set.
func (r *request) Status() int { return r.status }

// SetHeader replaces.
func (r *request) SetHeader(name, value string) { r.Set(name, value) }

// BodyWriter writes to memory; the answer leaves when the handler has returned.
func (r *request) BodyWriter() io.Writer { return r.Response().BodyWriter() }

// Version is always HTTP/1.x: Fiber has no other.
func (r *request) Version() huma.ProtoVersion {
	return huma.ProtoVersion{Proto: r.Protocol(), ProtoMajor: 1, ProtoMinor: 1}
}

// Query hides Fiber's variadic method of the same name.
func (r *request) Query(name string) string { return r.Ctx.Query(name) }

// Method hides Fiber's variadic method of the same name.
func (r *request) Method() string { return r.Ctx.Method() }

// Param is decoded, as in net/http: Fiber leaves escapes in.
func (r *request) Param(name string) string {
	v := r.Params(name)
	if d, err := url.PathUnescape(v); err == nil {
		return d
	}
	return v
}

// URL is the path and query of the request line.
func (r *request) URL() url.URL {
	u, err := url.ParseRequestURI(string(r.Request().RequestURI()))
	if err != nil {
		return url.URL{}
	}
	return *u
}

// EachHeader gives copies.
func (r *request) EachHeader(f func(name, value string)) {
	for name, value := range r.Request().Header.All() {
		f(string(name), string(value))
	}
}

// BodyReader reads memory: bodies are read whole, within Config.BodyLimit.
func (r *request) BodyReader() io.Reader { return bytes.NewReader(r.Body()) }

// SetReadDeadline does nothing, as the body has been read.
func (r *request) SetReadDeadline(time.Time) error { return nil }

// SetStatus may be called until the handler returns.
func (r *request) SetStatus(code int) {
	r.status = code
	r.Ctx.Status(code)
}

// AppendHeader adds a line of its own: Set-Cookie must not be joined.
func (r *request) AppendHeader(name, value string) { r.Response().Header.Add(name, value) }
