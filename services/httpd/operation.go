package httpd

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/fault"
)

// AnyScope is for Op: somebody must be signed in, with whatever token.
const AnyScope = ""

// JSONMax is the most bytes of a request to an operation made by Op: a profile with
// everything in it, each character as an escape.
const JSONMax = 24 << 10

// Op is an operation with what all of weir's have in common. Without scopes anybody
// may call it.
func Op(id, method, path, tag, summary string, status int, scopes ...string) huma.Operation {
	o := huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary,
		DefaultStatus: status, MaxBodyBytes: JSONMax, BodyReadTimeout: 10 * time.Second,
		Errors: []int{http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	if len(scopes) > 0 {
		o.Security = Bearer(slices.DeleteFunc(scopes, func(s string) bool { return s == AnyScope })...)
		o.Errors = append(o.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	if strings.Contains(path, "{") {
		o.Errors = append(o.Errors, http.StatusNotFound)
	}
	return o
}

// Empty is the input or the answer without anything in it.
type Empty struct{}

// As makes the handler of an operation that somebody has to be signed in for.
// Operations with Bearer always have an identity.
func As[I, O any](do func(ctx context.Context, who auth.Identity, in *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		who, ok := auth.From(ctx)
		if !ok {
			return nil, fault.New(fault.Unauthenticated, "sign in first")
		}
		return do(ctx, who, in)
	}
}

// ID is a UUID in a path, in the usual form only: others name the same thing twice.
type ID struct{ uuid.UUID }

var errID = errors.New("must be a UUID such as 01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11")

// UnmarshalText is how huma reads it.
func (id *ID) UnmarshalText(text []byte) (err error) {
	if id.UUID, err = uuid.ParseBytes(text); err != nil || len(text) != idLength {
		return errID
	}
	return nil
}

// Schema is how the API's description tells of it.
func (ID) Schema(huma.Registry) *huma.Schema {
	n := idLength
	return &huma.Schema{Type: huma.TypeString, MinLength: &n, MaxLength: &n}
}

// idLength is that of a UUID as text, in bytes.
const idLength = 36

// ParseID is ID for what is not in a path. field is where it came from, such as
// "body.source".
func ParseID(s, field string) (uuid.UUID, error) {
	var id ID
	if err := id.UnmarshalText([]byte(s)); err != nil {
		return uuid.Nil, fault.Bad(field, err.Error())
	}
	return id.UUID, nil
}

// ETag is the version of what is seen, and the numbers that change without it.
func ETag(version int64, counts ...int64) string {
	tag := strconv.FormatInt(version, 10)
	for _, n := range counts {
		tag += "." + strconv.FormatInt(n, 10)
	}
	return `"` + tag + `"`
}

// IfMatch is the version that the header names (RFC 9110, 13.1.1); 0 for *, which
// takes any.
func IfMatch(header string) (version int64, err error) {
	tag := strings.TrimPrefix(strings.TrimSpace(header), "W/")
	switch {
	case tag == "":
		return 0, fault.New(fault.Precondition, "send If-Match with the ETag of what you have read, so that nobody's change is lost; * takes whatever there is")
	case tag == "*":
		return 0, nil
	case len(tag) < 3 || len(tag) > 64 || tag[0] != '"' || tag[len(tag)-1] != '"':
		return 0, fault.Bad("header.If-Match", "must be one ETag as it was answered, or *")
	}
	number, _, _ := strings.Cut(tag[1:len(tag)-1], ".")
	version, err = strconv.ParseInt(number, 10, 64)
	if err != nil || version <= 0 {
		return 0, Changed() // a tag that we never gave
	}
	return version, nil
}

// Changed is the answer to a change of what has changed meanwhile.
func Changed() error {
	return fault.New(fault.Precondition, "it has changed since you read it: read it again, then repeat your change")
}

// NoneMatch says whether If-None-Match names the tag (RFC 9110, 13.1.2: weakly).
func NoneMatch(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}
