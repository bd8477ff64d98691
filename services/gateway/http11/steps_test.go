package http11

import (
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// Whatever a handler writes, in whatever pieces, with flushes between and a length or
// without: the client has the bytes that net/http would have sent.
func TestSteps(t *testing.T) {
	h := media(t)
	alone := httptest.NewServer(h)
	defer alone.Close()
	r := newRig(t, h, config{})
	steps := []string{"flush", "0", "10", "1500", strconv.Itoa(joined), strconv.Itoa(joined + 1), "40000"}
	var send strings.Builder
	var asked []string
	ask := func(length int, of ...string) {
		v := url.Values{"of": {strings.Join(of, ".")}}
		if length >= 0 {
			v.Set("length", strconv.Itoa(length))
		}
		asked = append(asked, v.Encode())
	}
	for _, a := range steps {
		for _, b := range steps {
			for _, c := range steps {
				sum := 0
				for _, s := range []string{a, b, c} {
					n, _ := strconv.Atoi(s) // a flush has no length
					sum += n
				}
				ask(-1, a, b, c)
				ask(sum, a, b, c)
			}
		}
	}
	for _, q := range asked {
		send.WriteString("GET /live/steps?" + q + " HTTP/1.1\r\nHost: weir\r\n\r\n")
	}
	send.WriteString("GET /live/length HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n")
	want := exchange(t, alone.Listener.Addr().String(), send.String())
	got := exchange(t, r.addr, send.String())
	if len(want) != len(asked)+1 || len(got) != len(want) {
		t.Fatalf("%d answers to %d requests, and of net/http %d", len(got), len(asked)+1, len(want))
	}
	if n := int(r.here.Load()); n != len(asked) {
		t.Fatalf("%d requests were answered here", n)
	}
	for i, q := range asked {
		// Where a body of unknown length begins to be sent in chunks is each server's own affair.
		if got[i].Body != want[i].Body || got[i].Broken != want[i].Broken || strings.Contains(q, "length") && !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: %.300v of %d bytes, and net/http %.300v of %d", q, got[i].Header, len(got[i].Body), want[i].Header, len(want[i].Body))
		}
	}
}
