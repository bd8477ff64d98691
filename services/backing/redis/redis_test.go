package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
)

func TestOpenBadURL(t *testing.T) {
	for _, u := range []string{
		"http://user:hunter2@host/0",
		"redis://user:hunter2/rest@host:6379/0",
		"redis://user:hunter2@host:6379/zero",
		"redis://user:hunter2@host:6379/0?nonsense=hunter2",
		"redis://user:hunter2 %zz@host",
		"hunter2",
		"\x00hunter2",
	} {
		c, err := redis.Open(t.Context(), redis.Config{URL: u})
		if !errors.Is(err, redis.ErrURL) || c != nil {
			t.Errorf("%q: %v", u, err)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestOpenNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	addr := l.Addr().String()
	ok(t, l.Close())
	_, err = redis.Open(t.Context(), redis.Config{URL: "redis://user:hunter2@" + addr, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), addr) || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("got %v", err)
	}
}

func TestOpenEndsWithContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	ok(t, err)
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := redis.Open(ctx, redis.Config{URL: "redis://" + l.Addr().String()}); err == nil {
		t.Fatal("a silent server counts as Redis")
	}
}

func TestEmbeddedAreApart(t *testing.T) {
	a, b := redistest.Embedded(t), redistest.Embedded(t)
	ok(t, a.Set(t.Context(), "k", "a", 0).Err())
	same(t, "in the other", b.Exists(t.Context(), "k").Val(), 0)
	same(t, "embedded", a.Embedded(), true)
	// A service may open a second client on the same options, as for blocking reads.
	c := goredis.NewClient(a.Options())
	defer c.Close()
	same(t, "the same server", c.Get(t.Context(), "k").Val(), "a")
}

func TestCloseUnderLoad(t *testing.T) {
	c, err := redis.Open(t.Context(), redis.Config{})
	ok(t, err)
	sub := c.Subscribe(t.Context(), "x")
	_, err = sub.Receive(t.Context())
	ok(t, err)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for c.Incr(t.Context(), "n").Err() == nil {
				c.Publish(t.Context(), "x", "y")
			}
		})
	}
	eventually(t, "work", func() bool { n, _ := c.Get(t.Context(), "n").Int(); return n > 100 })
	ok(t, sub.Close())
	ok(t, c.Close())
	wg.Wait()
	if err := c.Close(); err == nil {
		t.Fatal("closed twice without an error")
	}
}

func TestClientLog(t *testing.T) {
	var buf bytes.Buffer
	c, err := redis.Open(t.Context(), redis.Config{Log: slog.New(slog.NewTextHandler(&buf, nil))})
	ok(t, err)
	ok(t, c.Close())
	if buf.Len() > 0 {
		t.Fatalf("opening and closing logged %s", buf.String())
	}
}

// BenchmarkSet asks what one write costs on each server.
func BenchmarkSet(b *testing.B) {
	c := redistest.Embedded(b)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if err := c.Set(b.Context(), fmt.Sprint(i%1000), "v", time.Minute).Err(); err != nil {
				b.Error(err)
			}
		}
	})
}

// A subscriber that reads nothing loses its connection, and nobody else notices.
func TestSlowSubscriber(t *testing.T) {
	c := redistest.Embedded(t)
	slow, err := c.Options().Dialer(t.Context(), "", "")
	ok(t, err)
	defer slow.Close()
	_, err = slow.Write([]byte("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nx\r\n"))
	ok(t, err)
	eventually(t, "subscribed", func() bool { return c.PubSubNumSub(t.Context(), "x").Val()["x"] == 1 })
	message := strings.Repeat("m", 1<<20)
	eventually(t, "dropped", func() bool { return c.Publish(t.Context(), "x", message).Val() == 0 })
	ok(t, c.Ping(t.Context()).Err())
}
