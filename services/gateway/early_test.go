package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"weir/services/fault"
	"weir/services/httpd"
)

// A service's answer to who may not call reaches a client that is still to send the
// body.
func TestAnswerBeforeTheBody(t *testing.T) {
	secured := func() *httpd.Server {
		s := testService("user")
		huma.Register(s.API, huma.Operation{OperationID: "secured", Method: "POST", Path: "/user/secured", Security: httpd.Bearer()}, func(context.Context, *struct{}) (*struct{}, error) {
			return nil, nil
		})
		return s
	}
	memory, _ := inMemory(t, secured())
	for name, s := range map[string]Service{"memory": memory, "TCP": onTCP(t, secured())} {
		addr, _ := start(t, Config{Services: []Service{routed(s, "user")}})
		for _, send := range []string{"Content-Length: 5000\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n"} {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			io.WriteString(conn, "POST /api/v1/user/secured HTTP/1.1\r\nHost: x\r\n"+send)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			if p := problemIn(t, res, string(body)); p.Code != fault.Unauthenticated || !res.Close {
				t.Errorf("%s, %q: %+v, closes: %v", name, send, p, res.Close)
			}
			if took := time.Since(began); took >= bodyTimeout {
				t.Errorf("%s, %q: waited %v for the body", name, send, took)
			}
			conn.Close()
		}
	}
}

// In HTTP/2 too, and the connection goes on.
func TestAnswerBeforeTheBodyOfHTTP2(t *testing.T) {
	secure, pool := certificate(t)
	s := testService("user")
	huma.Register(s.API, huma.Operation{OperationID: "secured", Method: "POST", Path: "/user/secured", Security: httpd.Bearer()}, func(context.Context, *struct{}) (*struct{}, error) {
		return nil, nil
	})
	memory, _ := inMemory(t, s)
	addr, _ := start(t, Config{TLS: secure, Services: []Service{routed(memory, "user")}})
	c := client(t, &tls.Config{RootCAs: pool})
	c.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	never, end := io.Pipe()
	defer end.Close()
	req, _ := http.NewRequest("POST", "https://"+addr+"/api/v1/user/secured", never)
	began := time.Now()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if p := problemIn(t, res, string(body)); res.Proto != "HTTP/2.0" || p.Code != fault.Unauthenticated || time.Since(began) >= bodyTimeout {
		t.Errorf("%s %+v after %v", res.Proto, p, time.Since(began))
	}
	reused := false
	trace := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }})
	req, _ = http.NewRequestWithContext(trace, "GET", "https://"+addr+"/api/v1/user/seen", nil)
	if res, err = c.Do(req); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 || !reused {
		t.Errorf("%s, on the same connection: %v", res.Status, reused)
	}
}
