package db

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// liteTime has a fixed width, so that text sorts as time does, and microseconds, as
// PostgreSQL has.
const liteTime = "2006-01-02T15:04:05.000000Z"

var errNull = errors.New("NULL, and the destination is no pointer")

// checkTime refuses what has no fixed width.
func checkTime(t time.Time) error {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return fmt.Errorf("%w: the year %d is not in 1 to 9999", ErrRefused, year)
	}
	return nil
}

// liteValues turns arguments into what SQLite keeps.
func liteValues(args []any) ([]any, error) {
	values := make([]any, len(args))
	for i, arg := range args {
		value, err := liteValue(arg)
		if err != nil {
			return nil, fmt.Errorf("$%d: %w", i+1, err)
		}
		values[i] = value
	}
	return values, nil
}

func liteValue(arg any) (any, error) {
	switch x := arg.(type) {
	case time.Time:
		return x.UTC().Format(liteTime), checkTime(x)
	case *time.Time:
		if x == nil {
			return nil, nil
		}
		return liteValue(*x)
	case json.RawMessage:
		if x == nil {
			return nil, nil
		}
		return string(x), checkJSON(x)
	case *json.RawMessage:
		if x == nil {
			return nil, nil
		}
		return liteValue(*x)
	case string:
		return x, checkText(x)
	case *string:
		if x == nil {
			return nil, nil
		}
		return *x, checkText(*x)
	case uuid.UUID:
		return x.String(), nil
	case nil, []byte, bool, int, int64:
		return arg, nil
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
		return v.String(), checkText(v.String())
	}
	return arg, nil
}

// checkText refuses what PostgreSQL cannot keep.
func checkText(s string) error {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return fmt.Errorf("%w: the text is not UTF-8, or holds a NUL", ErrRefused)
	}
	return nil
}

// checkJSON refuses what JSONB of PostgreSQL cannot keep.
func checkJSON(text json.RawMessage) error {
	if !json.Valid(text) || !utf8.Valid(text) || hasNUL(text) {
		return fmt.Errorf("%w: the JSON is not valid, or holds a NUL", ErrRefused)
	}
	return nil
}

// hasNUL finds the escape \u0000 in valid JSON, and not an escaped backslash before
// "u0000".
func hasNUL(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 >= len(text) {
			return false
		}
		if bytes.HasPrefix(text[i+1:], []byte("u0000")) {
			return true
		}
		text = text[i+2:]
	}
}

// liteDest wraps the destinations that database/sql would fill in another way than
// pgx does.
func liteDest(dst []any) []any {
	out := make([]any, len(dst))
	for i, d := range dst {
		switch x := d.(type) {
		case *time.Time:
			out[i] = timeDest{x}
		case **time.Time:
			out[i] = pointerDest[time.Time]{x, func(t *time.Time) scanner { return timeDest{t} }}
		case *uuid.UUID:
			out[i] = uuidDest{x}
		case **uuid.UUID:
			out[i] = pointerDest[uuid.UUID]{x, func(u *uuid.UUID) scanner { return uuidDest{u} }}
		case *[]byte:
			out[i] = bytesDest{x}
		case *json.RawMessage:
			out[i] = jsonDest{x}
		case **json.RawMessage:
			out[i] = pointerDest[json.RawMessage]{x, func(r *json.RawMessage) scanner { return jsonDest{r} }}
		default:
			out[i] = d
		}
	}
	return out
}

// scanner is sql.Scanner.
type scanner interface{ Scan(v any) error }

// pointerDest is a **T: nil for NULL, else a new T.
type pointerDest[T any] struct {
	to   **T
	wrap func(*T) scanner
}

// Scan makes NULL nil.
func (d pointerDest[T]) Scan(v any) error {
	*d.to = nil
	if v == nil {
		return nil
	}
	one := new(T)
	if err := d.wrap(one).Scan(v); err != nil {
		return err
	}
	*d.to = one
	return nil
}

type timeDest struct{ to *time.Time }

// Scan takes the text that liteValue made.
func (d timeDest) Scan(v any) error {
	switch x := v.(type) {
	case nil:
		return errNull
	case string:
		t, err := time.Parse(liteTime, x)
		*d.to = t
		return err
	}
	return fmt.Errorf("a %T is no time", v)
}

type uuidDest struct{ to *uuid.UUID }

// Scan takes the text of a UUID.
func (d uuidDest) Scan(v any) error {
	switch x := v.(type) {
	case nil:
		return errNull
	case string:
		id, err := uuid.Parse(x)
		*d.to = id
		return err
	}
	return fmt.Errorf("a %T is no UUID", v)
}

type bytesDest struct{ to *[]byte }

// Scan tells no bytes from NULL.
func (d bytesDest) Scan(v any) error {
	switch x := v.(type) {
	case nil:
		*d.to = nil
	case []byte:
		*d.to = append([]byte{}, x...)
	case string:
		*d.to = []byte(x)
	default:
		return fmt.Errorf("a %T is no bytes", v)
	}
	return nil
}

type jsonDest struct{ to *json.RawMessage }

// Scan also takes numbers: a column of type JSONB turns the text of a JSON number into
// one.
func (d jsonDest) Scan(v any) error {
	switch x := v.(type) {
	case nil:
		*d.to = nil
	case string:
		*d.to = json.RawMessage(x)
	case []byte:
		*d.to = bytes.Clone(x)
	default:
		text, err := json.Marshal(v)
		*d.to = text
		return err
	}
	return nil
}
