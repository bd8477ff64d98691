package http11

import (
	"bufio"
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func heads() []string {
	const host = " HTTP/1.1\r\nHost: weir\r\n"
	return []string{
		get, "HEAD /vod/1/index.m3u8?_HLS_msn=1&_HLS_part=2" + host + "\r\n", get + get, get[:20], "G", "",
		"GET /live/x" + host + "Accept-Encoding: gzip\r\nCookie: a=b\r\ncookie: c\r\nConnection: keep-alive\r\nRange: bytes=0-1\r\n\r\nrest",
		"GET /live/x" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET /live/x" + host + "Content-Length : 5\r\n\r\nhello", "GET /live/x" + host + "X: a\r\n b\r\n\r\n", "GET /live/x" + host + "X: a\nY: b\r\n\r\n",
		"GET /live/x" + host + "Host: b\r\n\r\n", "GET /live/x HTTP/1.1\r\n\r\n", "GET /live/x HTTP/1.0\r\nHost: a\r\n\r\n", "GET /live/%2e%2e/x" + host + "\r\n",
		"GET /live/x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /live/x HTTP/1.1\r\nHost: a:b:c\r\n\r\n", "GET http://x/live/" + host + "\r\n", "POST /live/x" + host + "\r\n",
		"GET /live/x?" + host + "\r\n", "GET /live/../x//y" + host + "\r\n", "GET /live/x" + host + "Pragma: no-cache\r\n\r\n", "GET /live/x" + host + "X: \x00\r\n\r\n",
	}
}

// What is taken for a plain request is one for net/http too, and it reads the same in it and
// ends it at the same byte; what comes in pieces is judged as what comes at once.
func FuzzHead(f *testing.F) {
	for _, h := range heads() {
		f.Add([]byte(h))
	}
	prefixes := []string{"/live/", "/vod/"}
	f.Fuzz(func(t *testing.T, b []byte) {
		length, v := scan(b, prefixes)
		if v != plain {
			if length != 0 {
				t.Fatalf("length %d", length)
			}
			return
		}
		if length > len(b) || length > maxHead || !bytes.HasSuffix(b[:length], []byte("\r\n\r\n")) {
			t.Fatalf("length %d of %d", length, len(b))
		}
		ours, ok := parse(string(b[:length]), &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody})
		if !ok {
			return
		}
		in := bufio.NewReaderSize(bytes.NewReader(b), maxHead)
		theirs, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("net/http refuses %q: %v", b, err)
		}
		if theirs.Body != http.NoBody || theirs.ContentLength != 0 || theirs.Close || len(theirs.TransferEncoding) > 0 {
			t.Fatalf("%q has a body, or closes", b)
		}
		if rest, _ := in.Peek(in.Buffered()); !bytes.Equal(rest, b[length:min(len(b), maxHead)]) {
			t.Fatalf("%q ends elsewhere: %d bytes are left", b, len(rest))
		}
		theirs.Body, theirs.Pattern = http.NoBody, ""
		if !reflect.DeepEqual(ours.URL, theirs.URL) || !reflect.DeepEqual(ours.Header, theirs.Header) || ours.Host != theirs.Host ||
			ours.Method != theirs.Method || ours.RequestURI != theirs.RequestURI || ours.Proto != theirs.Proto {
			t.Fatalf("%q\n%+v\n%+v", b, ours, theirs)
		}
		if !strings.HasPrefix(ours.URL.Path, "/live/") && !strings.HasPrefix(ours.URL.Path, "/vod/") {
			t.Fatalf("took %q", ours.URL.Path)
		}
		for i := range length {
			if _, v := scan(b[:i], prefixes); v != more {
				t.Fatalf("%d bytes of %q are no beginning", i, b)
			}
		}
	})
}
