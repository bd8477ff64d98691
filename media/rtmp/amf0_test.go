package rtmp

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAMF0RoundTrip(t *testing.T) {
	values := []any{
		"connect", 1.5, true, false, nil, Undefined{}, math.Inf(1),
		Object{{"app", "live"}, {"", nil}, {"inner", Object{{"x", []any{1.0, "y"}}}}},
		Array{{"duration", 0.0}}, []any(nil),
		strings.Repeat("long", 20_000), time.UnixMilli(1_700_000_000_123).UTC(),
	}
	l := Limits{CommandBytes: 1 << 20}
	got, err := DecodeAMF0(appendAMF0(nil, values...), l)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, values) {
		t.Errorf("got %v", got)
	}
}

func TestAMF0FromOutside(t *testing.T) {
	name := func(s string) []byte { return append([]byte{0, byte(len(s))}, s...) }
	end := []byte{0, 0, amfObjectEnd}
	tests := []struct {
		name string
		in   []byte
		want string
		err  error
	}{
		{"undefined in an object", cat([]byte{amfObject}, name("pageUrl"), []byte{amfUndefined}, end), "[[{pageUrl {}}]]", nil},
		{"unsupported", []byte{amfUnsupported}, "[{}]", nil},
		{"long string", cat([]byte{amfLongString, 0, 0, 0, 2}, []byte("hi")), "[hi]", nil},
		{"xml", cat([]byte{amfXMLDocument, 0, 0, 0, 2}, []byte("<>")), "[<>]", nil},
		{"typed object", cat([]byte{amfTypedObject}, name("C"), name("a"), []byte{amfNull}, end), "[[{a <nil>}]]", nil},
		{"strict array", []byte{amfStrictArray, 0, 0, 0, 2, amfNull, amfBoolean, 1}, "[[<nil> true]]", nil},
		{"ecma array without its end", cat([]byte{amfECMAArray, 0, 0, 0, 9}, name("a"), []byte{amfNull}), "[[{a <nil>}]]", nil},
		{"reference", cat([]byte{amfObject}, end, []byte{amfReference, 0, 0}), "[[] []]", nil},
		{"reference to itself", cat([]byte{amfObject}, name("a"), []byte{amfReference, 0, 0}, end), "[[{a {}}]]", nil},
		{"reference to nothing", []byte{amfReference, 0, 9}, "[{}]", nil},
		{"impossible date", []byte{amfDate, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0}, "[{}]", nil},
		{"AMF3 follows", []byte{amfNull, amfAMF3, 1, 2, 3}, "[<nil>]", nil},
		{"array of 2^31-1", []byte{amfStrictArray, 0x7f, 0xff, 0xff, 0xff}, "[]", ErrLimit},
		{"arrays in arrays", bytes.Repeat([]byte{amfStrictArray, 0, 0, 0, 1}, 5000), "[]", ErrLimit},
		{"objects in objects", bytes.Repeat([]byte{0, 1, 'a', amfObject}, 5000)[3:], "[]", ErrLimit},
		{"1,001 values", bytes.Repeat([]byte{amfNull}, 1001), "", ErrLimit},
		{"string cut off", []byte{amfString, 0, 9, 'a'}, "[]", ErrProtocol},
		{"long string cut off", []byte{amfLongString, 0xff, 0xff, 0xff, 0xff, 'a'}, "[]", ErrProtocol},
		{"number cut off", []byte{amfNumber, 1}, "[]", ErrProtocol},
		{"movie clip", []byte{amfMovieClip}, "[]", ErrProtocol},
		{"unknown marker", []byte{0x77}, "[]", ErrProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeAMF0(tt.in, Limits{})
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if s := fmt.Sprint(got); tt.want != "" && s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

// TestAMF0Depth: eight levels are read, nine are not.
func TestAMF0Depth(t *testing.T) {
	for _, n := range []int{8, 9} {
		in := append(bytes.Repeat([]byte{amfStrictArray, 0, 0, 0, 1}, n), amfNull)
		if _, err := DecodeAMF0(in, Limits{}); (err == nil) != (n == 8) {
			t.Errorf("%d levels: %v", n, err)
		}
	}
}

func TestPublishName(t *testing.T) {
	tests := []struct{ app, name, wantApp, wantKey string }{
		{"live", "key", "live", "key"},
		{"live/", "key?token=x&y", "live", "key"},
		{"live/extra", "key", "live/extra", "key"},
		{"/live?a=b", "key", "live", "key"},
		{"live/key", "", "live", "key"},
		{"live/extra/key/", "?x", "live/extra", "key"},
		{"live", "", "live", ""},
		{"", "key", "", "key"},
		{"", "", "", ""},
		{"//", "/", "", ""},
	}
	for _, tt := range tests {
		if app, key := publishName(tt.app, tt.name); app != tt.wantApp || key != tt.wantKey {
			t.Errorf("%q %q: %q %q", tt.app, tt.name, app, key)
		}
	}
}
