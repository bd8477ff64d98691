package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"

	"weir/services/fault"
)

// Bounds of what a problem tells of the input: names in it are the caller's.
const (
	maxFields     = 32
	maxFieldBytes = 200
)

// failed is Fiber's error handler: every error of a handler comes here.
func (s *Server) failed(c fiber.Ctx, err error) error {
	x := exchangeOf(c)
	if se := huma.StatusError(nil); errors.As(err, &se) && se.GetStatus() < http.StatusBadRequest {
		// Huma's way to say 304 Not Modified.
		x.raw.Response.ResetBody()
		c.Status(se.GetStatus())
		return nil
	}
	s.answer(x, err)
	return nil
}

// answer makes the response a problem.
func (s *Server) answer(x *exchange, err error) {
	status, e := explain(err)
	if e.Code == fault.Internal && errors.Is(x.ctx.Err(), context.DeadlineExceeded) {
		e = fault.From(x.ctx.Err())
		e.Err = err
		status = e.Code.Status()
	}
	x.err, x.code = err, e.Code
	if model := (*huma.ErrorModel)(nil); errors.As(err, &model) && e.Err != nil {
		x.err = e.Err // with what the model's own text leaves out
	}
	body, marshalErr := json.Marshal(e.ProblemAs(status, x.request.ID))
	if marshalErr != nil {
		x.err = errors.Join(err, marshalErr)
		body = []byte(`{"type":"about:blank"}`)
	}
	res := &x.raw.Response
	res.ResetBody()
	res.SetStatusCode(status)
	h := &res.Header
	// What a handler had set for its success must not describe the failure.
	for _, name := range []string{"Content-Encoding", "Content-Disposition", "Content-Language", "Etag", "Last-Modified", "Expires", "Location", "Accept-Ranges", "Content-Range"} {
		h.Del(name)
	}
	h.Set("Cache-Control", "no-store")
	h.SetContentType(fault.ProblemType)
	if status == http.StatusUnauthorized {
		challenge := `Bearer realm="weir"`
		if x.presented {
			challenge += `, error="invalid_token"` // RFC 6750 section 3.1
		}
		h.Set("WWW-Authenticate", challenge)
	}
	if retry := e.RetrySeconds(); retry != "" {
		h.Set("Retry-After", retry)
	}
	res.SetBodyRaw(append(body, '\n'))
}

// explain finds the status of any error, and what the caller is told.
func explain(err error) (int, *fault.Error) {
	var (
		e          *fault.Error
		model      *huma.ErrorModel
		fiberError *fiber.Error
		status     huma.StatusError
	)
	switch {
	case errors.As(err, &e):
		return e.Code.Status(), e
	case errors.As(err, &model):
		return fromModel(model)
	case errors.As(err, &fiberError):
		return refuse(fiberError.Code, err)
	case errors.As(err, &status):
		return refuse(status.GetStatus(), err)
	default:
		e = fault.From(err)
		return e.Code.Status(), e
	}
}

// fromModel takes huma's words for what is wrong with the input, and leaves out the
// values.
func fromModel(m *huma.ErrorModel) (int, *fault.Error) {
	if m.Status >= http.StatusInternalServerError || m.Status < http.StatusBadRequest {
		cause := m.Detail
		for _, d := range m.Errors {
			cause += ": " + d.Message
		}
		e := fault.From(errors.New(cause))
		return e.Code.Status(), e
	}
	e := fault.New(fault.FromStatus(m.Status), m.Detail)
	if m.Detail == "validation failed" {
		e.Detail = "The input is not valid; errors says where."
	}
	for _, d := range m.Errors[:min(len(m.Errors), maxFields)] {
		if d == nil {
			continue
		}
		f := fault.Field{Name: cut(d.Location), Problem: cut(d.Message)}
		if f.Name == "" {
			f.Name = "body"
		}
		e.Fields = append(e.Fields, f)
	}
	return m.Status, e
}

// refuse is what HTTP itself refuses.
func refuse(status int, err error) (int, *fault.Error) {
	if status < http.StatusBadRequest || http.StatusText(status) == "" {
		status = http.StatusInternalServerError
	}
	e := fault.Wrap(fault.FromStatus(status), http.StatusText(status)+".", err)
	switch status {
	case http.StatusBadRequest:
		e.Detail = "This is no HTTP request that can be read."
	case http.StatusNotFound:
		e.Detail = "There is nothing here."
	case http.StatusMethodNotAllowed:
		e.Detail = "This method is not served here; Allow says which are."
	case http.StatusRequestTimeout:
		e.Detail = "The request took too long to arrive."
	case http.StatusRequestEntityTooLarge:
		e.Detail = "The body is too large."
	case http.StatusRequestHeaderFieldsTooLarge:
		e.Detail = "The header is too large."
	case http.StatusNotImplemented:
		e = fault.Wrap(fault.Invalid, "This method does not exist here.", err)
	case http.StatusInternalServerError:
		e = fault.From(errors.New(err.Error()))
	}
	return status, e
}

// refusal is the status for a request that fasthttp cannot read.
func refusal(err error) int {
	var small *fasthttp.ErrSmallBuffer
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &small):
		return http.StatusRequestHeaderFieldsTooLarge
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusRequestTimeout
	default:
		return http.StatusBadRequest
	}
}

// plainText says whether the answer is Fiber's own text, and not a handler's.
func plainText(f *fasthttp.RequestCtx) bool {
	return !f.Response.IsBodyStream() && strings.HasPrefix(string(f.Response.Header.ContentType()), "text/plain")
}

// cut bounds a text, at a whole character.
func cut(s string) string {
	if len(s) <= maxFieldBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxFieldBytes], "") + "…"
}
