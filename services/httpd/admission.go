package httpd

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/valyala/fasthttp"

	"weir/services/auth"
)

// The token counts before the body: who may not call an operation is told so
// without a byte of the body being read. fasthttp reads bodies before it calls its
// handler, unless the header asks for 100 Continue; a request that is going to be
// refused is made to ask.

// operations finds who may call what, before Fiber has looked at the path.
type operations struct{ all []guarded }

type guarded struct {
	op       *huma.Operation
	elements []string
}

func (o *operations) add(op *huma.Operation) {
	o.all = append(o.all, guarded{op, strings.Split(op.Path, "/")})
}

// find returns the operation of a request line, the first that was added as in
// Fiber; nil for none. A path that only Fiber can read is none: what is not found
// here is checked when its body is there.
func (o *operations) find(method, uri string) *huma.Operation {
	path, _, _ := strings.Cut(uri, "?")
	for _, g := range o.all {
		if g.op.Method == method && g.fits(path) {
			return g.op
		}
	}
	return nil
}

func (g guarded) fits(path string) bool {
	for i, want := range g.elements {
		element, rest, more := strings.Cut(path, "/")
		if more == (i == len(g.elements)-1) {
			return false
		}
		if want != element && (element == "" || !strings.HasPrefix(want, "{")) {
			return false
		}
		path = rest
	}
	return true
}

// headed is fasthttp's HeaderReceived.
func (s *Server) headed(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if n := h.ContentLength(); n > 0 || n == -1 {
		if err := s.admit(h, nil); err != nil {
			h.Set(fasthttp.HeaderExpect, "100-continue")
		}
	}
	return fasthttp.RequestConfig{}
}

// expected is fasthttp's ExpectHandler: it answers instead of the handler, or
// returns 100. The connection is closed after any other answer.
func (s *Server) expected(f *fasthttp.RequestCtx) int {
	x := &exchange{}
	err := s.admit(&f.Request.Header, x)
	if err == nil {
		return fasthttp.StatusContinue
	}
	s.begin(f, x)
	defer s.end(x)
	s.answer(x, err)
	letFinish(f)
	return f.Response.StatusCode()
}

// admit says why a request is refused for its token, as far as the header tells. It
// notes in x, when there is one, what the log needs.
func (s *Server) admit(h *fasthttp.RequestHeader, x *exchange) error {
	if x == nil {
		x = &exchange{}
	}
	op := s.operations.find(string(h.Method()), string(h.RequestURI()))
	if op != nil {
		x.operation, x.route = op.OperationID, op.Path
	}
	ctx, cancel := context.WithTimeout(s.base, s.cfg.Timeout)
	defer cancel()
	id, known, err := s.bearer(ctx, string(h.Peek(fasthttp.HeaderAuthorization)), x)
	if err != nil || op == nil {
		return err
	}
	if known {
		ctx = auth.With(ctx, id)
	}
	return allowed(ctx, op.Security)
}
