package http11

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// Every request is answered as net/http answers it alone, and those that follow it on the
// same connection too.
func TestSameAsNetHTTP(t *testing.T) {
	h := media(t)
	alone := httptest.NewUnstartedServer(h)
	alone.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	alone.Config.MaxHeaderBytes = maxHead
	alone.Start()
	defer alone.Close()
	theirs := alone.Listener.Addr().String()
	const (
		host = " HTTP/1.1\r\nHost: weir\r\n"
		ok   = host + "\r\n"
		echo = "GET /live/echo" + host
		// Every connection ends with a request that only net/http answers.
		last = "GET /live/echo HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n"
	)
	type exchanged struct {
		name, send string
		methods    []string
		foreign    bool // the first request is net/http's already
	}
	var table []exchanged
	for _, what := range strings.Fields("echo empty length big bigLength pieces flush flushFirst file copy 204 304 404 503 error close short long panic abort split date packed sniff proxy none/../x") {
		table = append(table, exchanged{what, "GET /live/" + what + ok, nil, false})
		switch what {
		case "panic", "abort", "proxy":
		default:
			table = append(table, exchanged{"HEAD " + what, "HEAD /live/" + what + ok, []string{"HEAD"}, false})
		}
	}
	const file = "GET /live/file" + host
	for _, fields := range []string{
		"Range: bytes=0-9", "Range: bytes=-10", "Range: bytes=199990-", "Range: bytes=0-0,5-6", "Range: bytes=300000-", "Range: bytes=x",
		"If-None-Match: \"tag\"", "If-Range: \"tag\"\r\nRange: bytes=1-2", "If-Range: \"other\"\r\nRange: bytes=1-2", "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT",
		"if-match: \"other\"", "range:bytes=3-4",
	} {
		table = append(table, exchanged{fields, file + fields + "\r\n\r\n", nil, false})
	}
	for name, send := range map[string]string{
		"query":        "GET /live/echo?_HLS_msn=12&_HLS_part=3&x=%2f" + ok,
		"odd names":    echo + "accept-encoding: gzip\r\nX!#$%&'*+-.^_`|~9: a\r\nX-EMPTY:\r\nx-space: \t a b \t\r\nX-Latin: \xe9\r\n\r\n",
		"twice":        echo + "Cookie: a=b\r\nCookie: c=d\r\nX: 1\r\nx: 2\r\nX: 3\r\n\r\n",
		"keep-alive":   echo + "Connection: Keep-Alive\r\n\r\n",
		"pipelined":    "GET /live/length" + ok + "GET /live/file" + ok + "GET /live/flush" + ok + "GET /live/404" + ok,
		"then a page":  "GET /live/length" + ok + "GET /page" + ok + "GET /live/length" + ok,
		"then a body":  "GET /live/length" + ok + "POST /live/echo" + host + "Content-Length: 5\r\n\r\nhello" + "GET /live/length" + ok,
		"then rubbish": "GET /live/length" + ok + "\r\n\x00",
	} {
		table = append(table, exchanged{name, send, nil, false})
	}
	for name, send := range map[string]string{
		"page":              "GET /page" + ok,
		"prefix alone":      "GET /live" + ok,
		"post":              "POST /live/echo" + host + "Content-Length: 5\r\n\r\nhello",
		"options":           "OPTIONS /live/echo" + ok,
		"lower case":        "get /live/echo" + ok,
		"HTTP/1.0":          "GET /live/echo HTTP/1.0\r\nHost: weir\r\n\r\n",
		"kept HTTP/1.0":     "GET /live/length HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"HTTP/1.2":          "GET /live/echo HTTP/1.2\r\nHost: weir\r\n\r\n",
		"HTTP/2":            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"no version":        "GET /live/echo\r\nHost: weir\r\n\r\n",
		"two spaces":        "GET  /live/echo" + ok,
		"space at the end":  "GET /live/echo HTTP/1.1 \r\nHost: weir\r\n\r\n",
		"tab":               "GET\t/live/echo" + ok,
		"absolute":          "GET http://weir/live/echo" + ok,
		"escaped":           "GET /live/%65cho" + ok,
		"escaped slash":     "GET /live/a%2fb" + ok,
		"bad escape":        "GET /live/%zz" + ok,
		"fragment":          "GET /live/echo#x" + ok,
		"empty query":       "GET /live/echo?" + ok,
		"odd query":         "GET /live/echo?a[]='\"" + ok,
		"semicolon":         "GET /live/echo;x=1" + ok,
		"UTF-8":             "GET /live/\xc3\xa9" + ok,
		"NUL in the path":   "GET /live/\x00" + ok,
		"close":             echo + "Connection: close\r\n\r\n",
		"close and more":    echo + "Connection: keep-alive, close\r\n\r\n",
		"upgrade":           echo + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"expect":            echo + "Expect: 100-continue\r\n\r\n",
		"pragma":            echo + "Pragma: no-cache\r\n\r\n",
		"length 0":          echo + "Content-Length: 0\r\n\r\n",
		"body":              echo + "Content-Length: 5\r\n\r\nhello",
		"chunked":           echo + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"length and coding": echo + "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /live/length" + ok,
		"two lengths":       echo + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"odd coding":        echo + "Transfer-Encoding: xchunked\r\n\r\n",
		"folded coding":     echo + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
		"space before it":   echo + "Content-Length : 5\r\n\r\nhello",
		"folded":            echo + "X: a\r\n b\r\n\r\n",
		"folded first":      "GET /live/echo HTTP/1.1\r\n X: a\r\nHost: weir\r\n\r\n",
		"no colon":          echo + "X\r\n\r\n",
		"no name":           echo + ": a\r\n\r\n",
		"NUL":               echo + "X: a\x00b\r\n\r\n",
		"CR":                echo + "X: a\rb\r\n\r\n",
		"LF":                echo + "X: a\nY: b\r\n\r\n",
		"LF alone":          "GET /live/echo HTTP/1.1\nHost: weir\n\n",
		"LF at the end":     echo + "X: a\r\n\n",
		"DEL":               echo + "X: \x7f\r\n\r\n",
		"no host":           "GET /live/echo HTTP/1.1\r\n\r\n",
		"two hosts":         echo + "Host: other\r\n\r\n",
		"empty host":        "GET /live/echo HTTP/1.1\r\nHost:\r\n\r\n",
		"odd host":          "GET /live/echo HTTP/1.1\r\nHost: a b\r\n\r\n",
		"user in host":      "GET /live/echo HTTP/1.1\r\nHost: a@b\r\n\r\n",
		"empty line first":  "\r\n" + echo + "\r\n",
		"many lines":        echo + strings.Repeat("X: y\r\n", 200) + "\r\n",
		"long":              echo + "X: " + strings.Repeat("y", 9000) + "\r\n\r\n",
		"too long":          echo + "X: " + strings.Repeat("y", 40_000) + "\r\n\r\n",
		"long path":         "GET /live/" + strings.Repeat("y", 30_000) + ok,
		"TLS":               "\x16\x03\x01\x02\x00\x01\r\n\r\n",
	} {
		table = append(table, exchanged{name, send, nil, name != "long"})
	}
	for _, tc := range table {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, h, config{})
			want := exchange(t, theirs, tc.send+last, tc.methods...)
			got := exchange(t, r.addr, tc.send+last, tc.methods...)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("answered\n%.900s\nand net/http\n%.900s", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
			}
			if n := r.here.Load(); tc.foreign != (n == 0) {
				t.Errorf("%d requests were answered here", n)
			}
			r.stop()
			if r.over.Load()+r.ended.Load() != 1 {
				t.Errorf("%d connections handed over, %d ended", r.over.Load(), r.ended.Load())
			}
		})
	}
}
