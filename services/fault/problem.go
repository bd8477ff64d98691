package fault

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"
)

// ProblemType is the media type of Problem, RFC 9457 section 3.
const ProblemType = "application/problem+json"

// maxProblem bounds what is read of another service's answer, in bytes.
const maxProblem = 64 << 10

// Problem is the body of every answer with a status of 400 or more, RFC 9457
// section 3.1, with the members code and errors added as section 3.2 allows.
type Problem struct {
	Type     string         `json:"type" doc:"Always about:blank: status and code say it all."`
	Title    string         `json:"title" doc:"The words of the status."`
	Status   int            `json:"status" doc:"The HTTP status."`
	Detail   string         `json:"detail,omitempty" doc:"What went wrong and what to do, one sentence for people."`
	Instance string         `json:"instance,omitempty" doc:"The id of the request, as in X-Request-Id: tell it when you report a problem."`
	Code     Code           `json:"code" doc:"What went wrong, one word for programs: invalid, unauthenticated, denied, not_found, conflict, precondition_failed, too_large, limited, unavailable or internal."`
	Errors   []ProblemField `json:"errors,omitempty" nullable:"false" doc:"Which parts of the input are at fault."`
}

// ProblemField is one entry of Problem.Errors.
type ProblemField struct {
	Name    string `json:"name" doc:"Where it is, such as body.email, path.id or query.limit."`
	Problem string `json:"problem" doc:"What is wrong with it."`
}

// Problem is what the caller is shown of e. Instance is the id of the request.
func (e *Error) Problem(instance string) Problem {
	return e.ProblemAs(e.Code.Status(), instance)
}

// ProblemAs is Problem under another status than the table's, for what HTTP itself
// refuses (400, 405, 415 and so on).
func (e *Error) ProblemAs(status int, instance string) Problem {
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Detail, Instance: instance, Code: e.Code}
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField(f))
	}
	return p
}

// RetrySeconds is RetryAfter as a Retry-After header has it (RFC 9110 section
// 10.2.3): whole seconds, rounded up; empty when there is nothing to say.
func (e *Error) RetrySeconds() string {
	if e.RetryAfter <= 0 {
		return ""
	}
	return strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10)
}

// FromResponse reads the Error out of another service's answer with a status of
// 400 or more; it does not close the body. A body that is no Problem leaves the
// code to the status. At most 64 KiB are read.
func FromResponse(res *http.Response) *Error {
	e := &Error{Code: FromStatus(res.StatusCode), Detail: http.StatusText(res.StatusCode)}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && s < 1<<30 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	var p Problem
	body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	if err != nil || json.Unmarshal(body, &p) != nil {
		return e
	}
	if p.Code.known() {
		e.Code = p.Code
	}
	if p.Detail != "" {
		e.Detail = p.Detail
	}
	for _, f := range p.Errors {
		e.Fields = append(e.Fields, Field(f))
	}
	return e
}
