package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
)

const (
	// ContentType is the media type of an Event in structured mode (CloudEvents
	// JSON format 1.0, section 3).
	ContentType = "application/cloudevents+json"
	// MaxSize is how many bytes an Event's JSON may have. Parse refuses more, and
	// so does New: what is larger belongs into the blob store.
	MaxSize = 256 << 10

	specVersion = "1.0"
	dataType    = "application/json"
	schemaURN   = "urn:weir:event:"

	maxID      = 128
	maxSource  = 256
	maxType    = 128
	maxSubject = 256
)

var (
	// ErrMalformed is the error of Parse and New: these bytes or values are no
	// event that weir can carry. Trying again does not help.
	ErrMalformed = errors.New("malformed event")
	// ErrData is the error of Decode: the event is sound, its data is not what its
	// type says. Trying again does not help; the buses make such an event dead at once.
	ErrData = errors.New("event data does not fit its type")
)

// Data is what a kind of event tells. Implementations are plain structs whose
// methods have value receivers.
type Data interface {
	// EventType is the same for all values of a Go type, such as
	// "user.registered.v1".
	EventType() string
	// EventSubject is the id of what the event is about. It orders: see the package.
	EventSubject() string
}

// Event is a CloudEvents 1.0 event. A value is not changed after it was made.
type Event struct {
	ID          string          // unique for ever; a UUID version 7 when New made it
	Source      string          // who emitted it, a URI reference such as "/weir/user"
	Type        string          // lower case words with dots and a version: "user.registered.v1"
	Subject     string          // may be empty: then nothing orders it
	Time        time.Time       // when New was called: UTC, microseconds
	TraceParent string          // W3C trace context of the request that caused it, or empty
	Data        json.RawMessage // a JSON value, never empty
	DataSchema  string          // the URN of the JSON Schema of Data, or empty
}

// New makes an Event of d, now, by source. The trace context is that of the span
// in ctx, if any. Errors are ErrMalformed.
func New(ctx context.Context, source string, d Data) (Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Event{}, fmt.Errorf("event id: %w", err)
	}
	data, err := json.Marshal(d)
	if err != nil {
		return Event{}, fmt.Errorf("%w: data of %s: %w", ErrMalformed, d.EventType(), err)
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	e := Event{
		ID:          id.String(),
		Source:      source,
		Type:        d.EventType(),
		Subject:     d.EventSubject(),
		Time:        stamp(id),
		TraceParent: carrier.Get("traceparent"),
		Data:        data,
		DataSchema:  schemaURN + d.EventType(),
	}
	if len(data) > MaxSize-4096 { // the envelope has its room
		return Event{}, fmt.Errorf("%w: %s has %d bytes of data, more than %d", ErrMalformed, e.Type, len(data), MaxSize-4096)
	}
	return e, e.check()
}

// stamp is the time inside a UUID version 7, so that both always agree.
func stamp(id uuid.UUID) time.Time {
	sec, nsec := id.Time().UnixTime()
	return time.Unix(sec, nsec).UTC().Truncate(time.Microsecond)
}

// Decode is the data of e as a T. The error is ErrData when e has another type or
// its data does not fit; fields that T does not know are left out.
func Decode[T Data](e Event) (T, error) {
	var d T
	if e.Type != d.EventType() {
		return d, fmt.Errorf("%w: it is a %s, not a %s", ErrData, e.Type, d.EventType())
	}
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return d, fmt.Errorf("%w: %s %s: %w", ErrData, e.Type, e.ID, err)
	}
	return d, nil
}

// Context is ctx with the trace context of e, as the remote parent of the spans
// that handling e will start.
func (e Event) Context(ctx context.Context) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": e.TraceParent})
}

// LogValue is what a log may show of e: never its data, which can hold e-mail
// addresses and single-use links.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.ID), slog.String("type", e.Type), slog.String("subject", e.Subject))
}

// String is the same for fmt.
func (e Event) String() string { return e.Type + " " + e.ID }

// wire is the structured mode of CloudEvents 1.0 JSON (section 3.1), with the
// distributed tracing extension.
type wire struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject,omitempty"`
	Time        time.Time       `json:"time,omitzero"`
	ContentType string          `json:"datacontenttype,omitempty"`
	DataSchema  string          `json:"dataschema,omitempty"`
	TraceParent string          `json:"traceparent,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
	Base64      json.RawMessage `json:"data_base64,omitempty"`
}

// MarshalJSON is e in the structured mode of CloudEvents 1.0 JSON.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{
		SpecVersion: specVersion, ID: e.ID, Source: e.Source, Type: e.Type, Subject: e.Subject, Time: e.Time,
		ContentType: dataType, DataSchema: e.DataSchema, TraceParent: e.TraceParent, Data: e.Data,
	})
}

// UnmarshalJSON is Parse without its limit of size.
func (e *Event) UnmarshalJSON(text []byte) error {
	if !utf8.Valid(text) {
		return fmt.Errorf("%w: it is not UTF-8", ErrMalformed)
	}
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case w.SpecVersion != specVersion:
		return fmt.Errorf("%w: specversion is %.20q, weir reads %q", ErrMalformed, w.SpecVersion, specVersion)
	case len(w.Base64) > 0:
		return fmt.Errorf("%w: binary data (data_base64); weir carries JSON only", ErrMalformed)
	case w.Time.UTC().Year() < 0 || w.Time.UTC().Year() > 9999: // RFC 3339 ends there
		return fmt.Errorf("%w: its time is out of range", ErrMalformed)
	case w.ContentType != "" && w.ContentType != dataType:
		return fmt.Errorf("%w: datacontenttype is %.40q, weir reads %q", ErrMalformed, w.ContentType, dataType)
	}
	got := Event{
		ID: w.ID, Source: w.Source, Type: w.Type, Subject: w.Subject, Time: w.Time.UTC(),
		TraceParent: w.TraceParent, Data: w.Data, DataSchema: w.DataSchema,
	}
	if err := got.check(); err != nil {
		return err
	}
	*e = got
	return nil
}

// Parse reads an Event of at most MaxSize bytes in structured mode, as a broker
// delivers it. Extension attributes that weir does not know are left out. Errors
// are ErrMalformed.
func Parse(text []byte) (Event, error) {
	if len(text) > MaxSize {
		return Event{}, fmt.Errorf("%w: %d bytes, more than %d", ErrMalformed, len(text), MaxSize)
	}
	var e Event
	return e, e.UnmarshalJSON(text)
}

func (e Event) check() error {
	attributes := []struct {
		name, value string
		longest     int
		required    bool
	}{
		{"id", e.ID, maxID, true},
		{"source", e.Source, maxSource, true},
		{"type", e.Type, maxType, true},
		{"subject", e.Subject, maxSubject, false},
		{"dataschema", e.DataSchema, maxSource, false},
		{"traceparent", e.TraceParent, maxID, false},
	}
	for _, a := range attributes {
		if a.required && a.value == "" {
			return fmt.Errorf("%w: no %s", ErrMalformed, a.name)
		}
		if len(a.value) > a.longest {
			return fmt.Errorf("%w: %s has %d bytes, more than %d", ErrMalformed, a.name, len(a.value), a.longest)
		}
		if hasControl(a.value) {
			return fmt.Errorf("%w: %s has control characters", ErrMalformed, a.name)
		}
	}
	if !isType(e.Type) {
		return fmt.Errorf("%w: type %q is not like user.registered.v1", ErrMalformed, e.Type)
	}
	if len(e.Data) == 0 {
		return fmt.Errorf("%w: no data", ErrMalformed)
	}
	return nil
}

// hasControl reports ASCII and C1 control characters and broken UTF-8 (CloudEvents
// 1.0, type system, String).
func hasControl(s string) bool {
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return true
		}
	}
	return false
}

// isType reports whether s is made of words of [a-z0-9_] with dots between them,
// so that it can be a routing key of a topic exchange as it is.
func isType(s string) bool {
	last := byte('.')
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '.' && last == '.':
			return false
		case c != '.' && c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9'):
			return false
		}
		last = c
	}
	return last != '.'
}
