package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full is a value of d's type with every field set to something plausible.
func full(d Data) Data {
	v := reflect.New(reflect.TypeOf(d)).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Tag.Get("json"), v.Field(i)
		switch field.Interface().(type) {
		case uuid.UUID:
			field.Set(reflect.ValueOf(uuid.MustParse("01935a1c-6f0b-7cc5-9f0e-0a4b6a0f4a11")))
		case time.Time:
			field.Set(reflect.ValueOf(time.Unix(1795461608, 123e6).UTC()))
		case *time.Time:
			at := time.Unix(1795461608, 0).UTC()
			field.Set(reflect.ValueOf(&at))
		case string:
			text := map[string]string{
				"email": "ann@example.org", "link": "https://weir.example/verify?token=x",
				"avatar_url": "/media/a.png", "role": "moderator", "kind": "signed_in",
			}[name]
			if text == "" {
				text = "ann"
			}
			field.SetString(text)
		case bool:
			field.SetBool(true)
		case int64:
			field.SetInt(7)
		case []string:
			field.Set(reflect.ValueOf([]string{"ann"}))
		}
	}
	return v.Interface().(Data)
}

func compile(t *testing.T, typ string) *jsonschema.Schema {
	t.Helper()
	text, ok := Schema(typ)
	if !ok {
		t.Fatalf("no schema of %s", typ)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:weir:event:"+typ, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("urn:weir:event:" + typ)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Go types, schemas and README.md say the same.
func TestSchemasFitTheTypes(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := schemas.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(All()) {
		t.Errorf("%d schemas for %d types", len(files), len(All()))
	}
	for _, d := range All() {
		typ := d.EventType()
		t.Run(typ, func(t *testing.T) {
			schema := compile(t, typ)
			if schema.ID != "urn:weir:event:"+typ && schema.ID != "urn:weir:event:"+typ+"#" {
				t.Errorf("$id is %q", schema.ID)
			}
			if !strings.Contains(string(readme), "| `"+typ+"` | `"+reflect.TypeOf(d).Name()+"` | [schema](schema/"+typ+".json) |") {
				t.Error("README.md does not list it")
			}
			checkFields(t, d, schema)
			for name, d := range map[string]Data{"full": full(d)} {
				text, err := json.Marshal(d)
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(value(t, text)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// checkFields compares names, and that the schema notices each missing field.
func checkFields(t *testing.T, d Data, schema *jsonschema.Schema) {
	t.Helper()
	var want, got []string
	for i := range reflect.TypeOf(d).NumField() {
		want = append(want, reflect.TypeOf(d).Field(i).Tag.Get("json"))
	}
	for name := range schema.Properties {
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("Go has %v, the schema %v", want, got)
	}
	text, err := json.Marshal(full(d))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range want {
		fields := value(t, text).(map[string]any)
		delete(fields, name)
		if schema.Validate(fields) == nil {
			t.Errorf("the schema does not miss %q", name)
		}
	}
}

func TestNewCarriesEverything(t *testing.T) {
	parent := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5}, TraceFlags: trace.FlagsSampled,
	})
	for _, d := range All() {
		t.Run(d.EventType(), func(t *testing.T) {
			e, err := New(trace.ContextWithSpanContext(context.Background(), parent), "/weir/user", full(d))
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back, e) {
				t.Errorf("there and back\n%+v\n%+v", e, back)
			}
			got := trace.SpanContextFromContext(back.Context(context.Background()))
			if got.TraceID() != parent.TraceID() || got.SpanID() != parent.SpanID() || !got.IsRemote() {
				t.Errorf("trace context %v", got)
			}
			if e.Subject != full(d).EventSubject() || time.Since(e.Time) > time.Hour {
				t.Errorf("subject %q, time %v", e.Subject, e.Time)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	want := full(UserFollowed{}).(UserFollowed)
	e, err := New(context.Background(), "/weir/user", want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode[UserFollowed](e)
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Decode[UserUnfollowed](e); !errors.Is(err, ErrData) {
		t.Errorf("another type: %v", err)
	}
	e.Data = json.RawMessage(`{"user_id": "no uuid"}`)
	if _, err := Decode[UserFollowed](e); !errors.Is(err, ErrData) {
		t.Errorf("bad data: %v", err)
	}
}

type odd struct {
	Text      string `json:"text"`
	typ, subj string
}

func (o odd) EventType() string    { return o.typ }
func (o odd) EventSubject() string { return o.subj }

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		source string
		data   odd
	}{
		"no source":     {"", odd{typ: "a.v1"}},
		"no type":       {"/x", odd{}},
		"wildcard":      {"/x", odd{typ: "a.*"}},
		"upper case":    {"/x", odd{typ: "A.v1"}},
		"empty word":    {"/x", odd{typ: "a..v1"}},
		"dot at end":    {"/x", odd{typ: "a."}},
		"long type":     {"/x", odd{typ: strings.Repeat("a", 129)}},
		"long subject":  {"/x", odd{typ: "a.v1", subj: strings.Repeat("a", 257)}},
		"control":       {"/x", odd{typ: "a.v1", subj: "a\nb"}},
		"broken UTF-8":  {"/x", odd{typ: "a.v1", subj: "a\xff"}},
		"too much data": {"/x", odd{typ: "a.v1", Text: strings.Repeat("a", MaxSize)}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := New(context.Background(), tc.source, tc.data); !errors.Is(err, ErrMalformed) {
				t.Error(err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const good = `{"specversion":"1.0","id":"1","source":"/x","type":"a.v1","data":1}`
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"nothing":         ``,
		"no object":       `[]`,
		"half":            good[:20],
		"version":         strings.Replace(good, "1.0", "0.3", 1),
		"no id":           strings.Replace(good, `"id":"1"`, `"id":""`, 1),
		"no type":         strings.Replace(good, `"type":"a.v1",`, ``, 1),
		"no data":         strings.Replace(good, `,"data":1`, ``, 1),
		"binary":          strings.Replace(good, `"data":1`, `"data_base64":"AA=="`, 1),
		"other data type": strings.Replace(good, `"data"`, `"datacontenttype":"text/xml","data"`, 1),
		"bad time":        strings.Replace(good, `"data"`, `"time":"yesterday","data"`, 1),
		"id is a number":  strings.Replace(good, `"id":"1"`, `"id":1`, 1),
		"far time":        strings.Replace(good, `"data"`, `"time":"9999-12-31T23:59:59-01:00","data"`, 1),
		"broken UTF-8":    strings.Replace(good, `"data":1`, "\"data\":\"\xff\"", 1),
		"too long":        good + strings.Repeat(" ", MaxSize),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(text)); !errors.Is(err, ErrMalformed) {
				t.Error(err)
			}
		})
	}
}

func TestLogsShowNoData(t *testing.T) {
	d := full(UserPasswordResetRequested{}).(UserPasswordResetRequested)
	e, err := New(context.Background(), "/weir/user", d)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("event", "event", e, "text", e.String())
	for _, secret := range []string{d.Link, "token", d.Email} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, log.String())
		}
	}
	if !strings.Contains(log.String(), e.ID) {
		t.Errorf("no id in %s", log.String())
	}
}

// What Parse accepts can be written and is then the same again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/x","type":"a.v1","data":{"a":[1,null]}}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/x","type":"a.v1","time":"2026-11-23T19:20:08.123456+01:00","subject":"\u00e9","data":null}`))
	f.Add([]byte(`{"specversion":"1.0","id":"","source":{},"type":"..","data_base64":"AA=="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		if len(again) > MaxSize {
			return // white space and escapes can grow it
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatalf("cannot be read again: %v\n%s", err, again)
		}
		if back.ID != e.ID || back.Subject != e.Subject || !back.Time.Equal(e.Time) {
			t.Fatalf("%+v is now %+v", e, back)
		}
	})
}

func BenchmarkWhatDoesNewCost(b *testing.B) {
	d := UserFollowed{UserID: uuid.New(), ChannelID: uuid.New()}
	for b.Loop() {
		if _, err := New(context.Background(), "/weir/user", d); err != nil {
			b.Fatal(err)
		}
	}
}

// Whoever is told by a webhook learns nothing that opens an account.
func TestWebhooksTellNoSecrets(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	secrets := 0
	for line := range strings.SplitSeq(string(readme), "\n") {
		if typ, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`"); ok && strings.HasPrefix(line, "| `") && strings.Contains(line, "SECRET") {
			secrets++
			if WebhookGroup().Wants(typ) {
				t.Errorf("webhooks tell %s", typ)
			}
		}
	}
	if secrets < 2 {
		t.Errorf("%d types with secrets in README.md", secrets)
	}
	for _, d := range All() {
		if strings.Contains(reflect.TypeOf(d).Name(), "Requested") == WebhookGroup().Wants(d.EventType()) {
			t.Errorf("%s: told %v", d.EventType(), WebhookGroup().Wants(d.EventType()))
		}
	}
}
