package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"

	"weir/services/httpd"
)

func handlerOf(text string) fiber.Handler {
	return func(c fiber.Ctx) error { return c.SendString(text) }
}

// What does a small request to a service cost, client and all: straight to the
// service, and through the gateway to one in memory or over TCP?
func BenchmarkServiceRequest(b *testing.B) {
	s := httpd.New(httpd.Config{Service: "user"})
	s.App.Get("/api/v1/user/x", handlerOf(`{"id":1}`))
	memory, dial := httpd.Memory()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	other := httpd.New(httpd.Config{Service: "user"})
	other.App.Get("/api/v1/user/x", handlerOf(`{"id":1}`))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 4)
	go func() { ended <- s.Serve(ctx, memory) }()
	go func() { ended <- other.Serve(ctx, tcp) }()
	targets := map[string]string{"straight": tcp.Addr().String()}
	for name, service := range map[string]Service{"memory": {Dial: dial}, "tcp": {URL: "http://" + tcp.Addr().String()}} {
		service.Name, service.Routes = "user", []string{"user"}
		g, err := Open(ctx, Config{Addr: "127.0.0.1:0", Services: []Service{service}})
		if err != nil {
			b.Fatal(err)
		}
		go func() { ended <- g.Run(ctx) }()
		targets[name] = g.Addr().String()
	}
	tr := &http.Transport{MaxIdleConnsPerHost: 32}
	for _, name := range []string{"straight", "tcp", "memory"} {
		b.Run("way="+name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					res, err := (&http.Client{Transport: tr}).Get("http://" + targets[name] + "/api/v1/user/x")
					if err != nil {
						b.Fatal(err)
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			})
		})
	}
	tr.CloseIdleConnections()
	cancel()
	for range 4 {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}
