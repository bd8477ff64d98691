package db

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestReads(t *testing.T) {
	cases := map[string]bool{
		"SELECT 1": true, " \n\t(select 1)": true, "VALUES (1)": true, "select": true,
		"WITH a AS (SELECT 1) SELECT * FROM a": true, "with a as (select 1) insert into b select * from a": false,
		"WITH a AS (SELECT 1)\nDELETE FROM b": false, "WITH a AS (SELECT updated_at FROM x) SELECT 1": true,
		"INSERT INTO a VALUES (1) RETURNING a": false, "UPDATE a SET b = 1": false, "DELETE FROM a": false,
		"-- words\nSELECT 1": false, "PRAGMA user_version": false, "": false, "SELECTED": false, "REPLACE INTO a VALUES (1)": false,
	}
	for text, want := range cases {
		if reads(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func TestConflictTexts(t *testing.T) {
	for text, want := range map[string][]string{
		"Key (email)=(a@b.c) already exists.":                {"email"},
		"Key (owner_id, title)=(1, a)=(b) already exists.":   {"owner_id", "title"},
		"Key (lower(email), f(a, b))=(x, y) already exists.": {"lower(email)", "f(a, b)"},
		"Schlüssel »(email)=(x)« existiert bereits.":         {"email"},
		"":          nil,
		"Key (half": nil,
		"Key (id)=(00000000-0000-0000-0000-000000000000) already exists": {"id"},
	} {
		if got := pgColumns(text); !slices.Equal(got, want) {
			t.Errorf("%q: %q", text, got)
		}
	}
	for text, want := range map[string]ConflictError{
		"constraint failed: UNIQUE constraint failed: t.a, t.b (2067)":      {Columns: []string{"a", "b"}},
		"constraint failed: UNIQUE constraint failed: index 'by_low' (275)": {Constraint: "by_low"},
		"something else": {},
	} {
		if got := liteConflict(text); got.Constraint != want.Constraint || !slices.Equal(got.Columns, want.Columns) || !errors.Is(got, ErrConflict) {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestHasNUL(t *testing.T) {
	for text, want := range map[string]bool{
		`"\u0000"`: true, `"\\\u0000"`: true, `"\\u0000"`: false, `"\u00001"`: true, `"\u0001"`: false, `"\n"`: false, `{}`: false, `\`: false, `"\\"`: false,
	} {
		if hasNUL([]byte(text)) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

// FuzzValues holds that what goes into SQLite comes out of the destinations again, and
// that foreign text in a column is an error and no panic.
func FuzzValues(f *testing.F) {
	f.Add("text", int64(0))
	f.Add(`{"a":"\\u0000"}`, int64(-62135596800000000))
	f.Add("2026-11-23T12:00:00.000001Z", int64(253402300799999999))
	f.Add("00000000-0000-7000-8000-000000000000", int64(1))
	f.Add("a\x00", int64(1)<<62)
	f.Fuzz(func(t *testing.T, text string, micros int64) {
		in := time.UnixMicro(micros)
		if v, err := liteValue(in); err == nil {
			var out time.Time
			if err := (timeDest{&out}).Scan(v); err != nil || !out.Equal(in) || len(v.(string)) != len(liteTime) {
				t.Fatalf("%v became %v as %q: %v", in, out, v, err)
			}
		} else if !errors.Is(err, ErrRefused) {
			t.Fatal(err)
		}
		if v, err := liteValue(json.RawMessage(text)); err == nil {
			var out json.RawMessage
			if err := (jsonDest{&out}).Scan(v); err != nil || string(out) != text || !json.Valid(out) {
				t.Fatalf("%q became %q: %v", text, out, err)
			}
		}
		if v, err := liteValue(text); err == nil && strings.ContainsRune(v.(string), 0) {
			t.Fatal("a NUL was taken")
		}
		var at *time.Time
		var id *uuid.UUID
		for _, dst := range liteDest([]any{&at, &id}) {
			if err := dst.(scanner).Scan(text); err == nil && at == nil && id == nil {
				t.Fatal("neither a value nor an error")
			}
		}
		_, _ = pgColumns(text), liteConflict(text)
		_ = reads(text)
	})
}
