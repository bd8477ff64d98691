package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// internalDetail is all that a caller learns of an error of ours.
const internalDetail = "Something went wrong on our side. Please try again later."

// Field is one part of the input that breaks a rule.
type Field struct {
	Name    string // where it is, such as "body.email", "path.id" or "query.limit"
	Problem string // what is wrong with it, for people; without the value
}

// Error is an error that a service shows to its caller. It is immutable once
// returned.
type Error struct {
	Code       Code
	Detail     string        // a sentence for the caller: what, and what to do
	Fields     []Field       // which parts of the input are at fault; may be empty
	RetryAfter time.Duration // when to try again, for Limited and Unavailable; 0 says nothing
	Err        error         // the cause, for the log only; may be nil
}

// New returns an Error without a cause.
func New(c Code, detail string) *Error { return &Error{Code: c, Detail: detail} }

// Newf is New with a formatted detail. What is put into it is shown to the caller.
func Newf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error with a cause, which the caller does not see.
func Wrap(c Code, detail string, err error) *Error {
	return &Error{Code: c, Detail: detail, Err: err}
}

// Bad returns an Invalid error about one field of the input.
func Bad(field, problem string) *Error {
	return &Error{Code: Invalid, Detail: "The input is not valid.", Fields: []Field{{Name: field, Problem: problem}}}
}

// Error is the text for the log: code, detail, fields and cause.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Detail
	for _, f := range e.Fields {
		s += "; " + f.Name + ": " + f.Problem
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// GetStatus is the HTTP status of the code, under the name by which huma asks an
// error for it.
func (e *Error) GetStatus() int { return e.Code.Status() }

// From makes an Error of any error: the outermost *Error in its chain; Unavailable
// when the time was up or the caller left; else Internal, with err as the cause.
// Nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	switch {
	case errors.As(err, &e) && e != nil:
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Wrap(Unavailable, "This took too long. Please try again.", err)
	default:
		return Wrap(Internal, internalDetail, err)
	}
}

// Is says whether err is a fault of this code, by the rules of From.
func Is(err error, c Code) bool {
	return err != nil && From(err).Code == c
}
