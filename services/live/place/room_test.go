package place_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/live/place"
)

// A publisher is sent where there is room for it, by what nodes say and who was sent there
// since.
func TestRoom(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a := start(t, c, "a")
		if to := a.Room("rtmp", 0, false); to != "" {
			t.Errorf("alone it is sent to %s", to)
		}
		b, far := start(t, c, "b"), start(t, c, "far")
		say := func(n *node, cores float64) {
			n.mu.Lock()
			n.free = cores
			n.mu.Unlock()
			becomes(t, "what is free", func() bool {
				for _, p := range a.Peers() {
					if p.Doors["rtmp"] == n.door() && p.Free == cores {
						return true
					}
				}
				return false
			})
		}
		say(b, 2)
		say(far, 1)
		for i, want := range []string{"b", "b", "far", ""} { // 0.9 of 2, 0.9 of 1.1, 0.9 of 1
			if want != "" {
				want = "rtmp://" + want + ".example.com:1935"
			}
			if to := a.Room("rtmp", 0.9, false); to != want {
				t.Errorf("publisher %d is sent to %q, want %q", i, to, want)
			}
		}
		if to := a.Room("rtsp", 0, false); to != "" {
			t.Errorf("to a door that is not there: %s", to)
		}
		say(b, 0)
		far.Leave()
		becomes(t, "the one that leaves", func() bool { return a.Others() == 1 })
		if to := a.Room("rtmp", 0.1, false); to != "" {
			t.Errorf("with no room anywhere it is sent to %s", to)
		}
		if to := a.Room("rtmp", 0.1, true); to != "rtmp://b.example.com:1935" {
			t.Errorf("who has to go is sent to %s", to)
		}
	})
}

// What a node says of itself is believed within bounds, and not for long.
func TestRoomOfStrangers(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		a := start(t, c, "a")
		put := func(door, free string) {
			text := `{"node":"x","url":"","free":` + free + `,"doors":{"rtmp":"` + door + `"}}`
			if err := c.SAdd(t.Context(), "weir:place:nodes", "x").Err(); err != nil {
				t.Fatal(err)
			}
			if err := c.Set(t.Context(), "weir:place:node:x", text, place.Life).Err(); err != nil {
				t.Fatal(err)
			}
		}
		seen := func() bool { return len(a.Peers()) > 0 }
		for _, door := range []string{"", "host", ":1935", "host:", "host:0", "host:99999", "host:rtmp", "h/../x:1935", "user@host:1935", "host:1935/live", `h\r\nX: y:1935`, "host :1935",
			"[::]:1935", "0.0.0.0:1935", "[fe80::1%25eth0]:1935", ".host:1935", "a..b:1935", strings.Repeat("a", 254) + ":1935"} {
			put(door, "3")
			becomes(t, "the stranger", func() bool {
				p := a.Peers()
				return len(p) == 1 && p[0].Doors["rtmp"] == strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(door)
			})
			if to := a.Room("rtmp", 0, false); to != "" {
				t.Errorf("%q: sent to %q", door, to)
			}
		}
		for free, need := range map[string]float64{"-1": 0, "1e300": 1 << 13} {
			put("host:1935", free)
			becomes(t, "what is free", func() bool {
				p := a.Peers()
				return len(p) == 1 && p[0].Doors["rtmp"] == "host:1935" && (p[0].Free < 0) == (free == "-1")
			})
			if to := a.Room("rtmp", need, false); to != "" {
				t.Errorf("with %s free: sent to %q", free, to)
			}
		}
		put("host:1935", `"much"`)
		becomes(t, "the end of one that cannot be read", func() bool { return !seen() })
		put("[2001:db8::1]:1935", "1")
		becomes(t, "a node", seen)
		if to := a.Room("rtmp", 1, false); to != "rtmp://[2001:db8::1]:1935" {
			t.Errorf("sent to %q", to)
		}
		becomes(t, "its end", func() bool { return !seen() })
		if to := a.Room("rtmp", 0, false); to != "" {
			t.Errorf("sent to %q, which is gone", to)
		}
	})
}

// While Redis is away nothing is known of the others, and nobody is sent there.
func TestRoomWithoutRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, c *redis.Client) {
		start(t, c, "b")
		var away atomic.Bool
		c.AddHook(cut{&away})
		t.Cleanup(func() { away.Store(false) })
		a := start(t, c, "a")
		becomes(t, "room at b", func() bool { return a.Room("rtmp", 0, false) != "" })
		away.Store(true)
		becomes(t, "nothing known", func() bool { return a.Room("rtmp", 0, false) == "" })
		away.Store(false)
		becomes(t, "room again", func() bool { return a.Room("rtmp", 0, false) != "" })
	})
}

// cut makes a client's calls fail while it is set.
type cut struct{ away *atomic.Bool }

func (h cut) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (h cut) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if h.away.Load() {
			return errors.New("away")
		}
		return next(ctx, cmd)
	}
}

func (h cut) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}
