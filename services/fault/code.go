package fault

import "net/http"

// Code says in one word what went wrong. It is part of the API: clients switch on
// it, so a code is never renamed.
type Code string

// The codes. The comment says when each is right.
const (
	Invalid         Code = "invalid"             // the input breaks a rule; Fields say which
	Unauthenticated Code = "unauthenticated"     // nobody, or a token that does not hold
	Denied          Code = "denied"              // somebody who may not
	NotFound        Code = "not_found"           // no such thing, or none that the caller may know of
	Conflict        Code = "conflict"            // it exists already, or its state forbids this
	Precondition    Code = "precondition_failed" // the thing has changed since it was read (If-Match)
	TooLarge        Code = "too_large"           // more bytes than are taken
	Limited         Code = "limited"             // too often; RetryAfter says when again
	Unavailable     Code = "unavailable"         // something that is needed is away, or the time was up
	Internal        Code = "internal"            // our mistake
)

// Status is the HTTP status of a code, and 500 for a code that does not exist.
// This is the one table.
func (c Code) Status() int {
	switch c {
	case Invalid:
		return http.StatusUnprocessableEntity
	case Unauthenticated:
		return http.StatusUnauthorized
	case Denied:
		return http.StatusForbidden
	case NotFound:
		return http.StatusNotFound
	case Conflict:
		return http.StatusConflict
	case Precondition:
		return http.StatusPreconditionFailed
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case Limited:
		return http.StatusTooManyRequests
	case Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// FromStatus is the code that fits an HTTP status of 400 or more best: the table
// backwards, and for other statuses Invalid where the request is at fault,
// Unavailable for 502 and 504, else Internal.
func FromStatus(status int) Code {
	switch status {
	case http.StatusUnauthorized:
		return Unauthenticated
	case http.StatusForbidden:
		return Denied
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusConflict:
		return Conflict
	case http.StatusPreconditionFailed, http.StatusPreconditionRequired:
		return Precondition
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusTooManyRequests:
		return Limited
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Unavailable
	}
	if status >= 400 && status < 500 {
		return Invalid
	}
	return Internal
}

// known says whether a code from outside is one of ours.
func (c Code) known() bool {
	return c == Internal || c.Status() != http.StatusInternalServerError
}
