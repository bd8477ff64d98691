package httpd

import (
	"encoding/base64"

	"github.com/google/uuid"

	"weir/services/fault"
)

// PageMax is the most items that a page may have.
const PageMax = 100

const pageDefault = 50

// Paged is what lists take. (It is embedded in inputs: huma reads its fields.)
type Paged struct {
	After string `query:"after" maxLength:"64" doc:"The next of the page before; absent: from the beginning"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"Items on a page"`
}

// Page is a part of a list. Next is given back as after to get the part that follows;
// empty: this was the last one.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Give it as after to get the next page; absent: there is none"`
}

// PageSize is a limit between 1 and PageMax.
func PageSize(limit int) int {
	if limit <= 0 {
		return pageDefault
	}
	return min(limit, PageMax)
}

// Cut takes off the item that was read beyond the page, and says where to go on: place
// is what the list is ordered by, in a form for clients.
func (p *Page[T]) Cut(limit int, place func(T) string) {
	if p.Items == nil {
		p.Items = []T{}
	}
	if len(p.Items) > limit {
		p.Items = p.Items[:limit]
		p.Next = place(p.Items[limit-1])
	}
}

// PageByID is Cut for a list that is ordered by ids.
func PageByID[T any](items []T, limit int, id func(T) uuid.UUID) Page[T] {
	p := Page[T]{Items: items}
	p.Cut(limit, func(t T) string { return Place(id(t)) })
	return p
}

// Place is an id as Next of a Page.
func Place(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// After reads what Place wrote; empty is start.
func After(s string, start uuid.UUID) (uuid.UUID, error) {
	if s == "" {
		return start, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != 16 || len(s) != base64.RawURLEncoding.EncodedLen(16) { // the decoder passes over line ends
		return uuid.Nil, fault.Bad("query.after", "must be the next of the page before, or absent")
	}
	return uuid.UUID(raw), nil
}

// PageOf is a page as an answer.
type PageOf[T any] struct {
	Body Page[T]
}

// Answer is a page as an answer, or the error.
func Answer[T any](p Page[T], err error) (*PageOf[T], error) {
	if err != nil {
		return nil, err
	}
	return &PageOf[T]{Body: p}, nil
}
