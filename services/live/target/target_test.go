package target

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
	"weir/services/live"
	"weir/services/seal"
)

func TestTargets(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		x := r.target(t, "big")
		if x.Version != 1 || !x.Enabled || x.Channel != r.channel.ID {
			t.Errorf("%+v", x)
		}
		y := r.target(t, "small")
		list, err := r.Targets(ctx, r.anna, r.channel.ID)
		if err != nil || len(list) != 2 || list[0].ID != x.ID || list[1].Label != "small" {
			t.Errorf("%+v %v", list, err)
		}
		got, err := r.Update(ctx, r.anna, r.channel.ID, x.ID, 1, TargetChanges{Label: ptr("bigger"), Enabled: ptr(false)})
		if err != nil || got.Version != 2 || got.Label != "bigger" || got.Enabled || got.URL != x.URL {
			t.Errorf("%+v %v", got, err)
		}
		_, err = r.Update(ctx, r.anna, r.channel.ID, x.ID, 1, TargetChanges{})
		want(t, err, fault.Precondition)
		ok(t, r.Delete(ctx, r.anna, r.channel.ID, y.ID))
		_, err = r.Target(ctx, r.anna, r.channel.ID, y.ID)
		want(t, err, fault.NotFound)
		want(t, r.Delete(ctx, r.anna, r.channel.ID, y.ID), fault.NotFound)

		var sealed string
		ok(t, r.db.QueryRow(ctx, `SELECT stream_key FROM live_targets`).Scan(&sealed))
		if !seal.Sealed(sealed) || strings.Contains(sealed, secret) {
			t.Errorf("the database has %s", sealed)
		}
	})
}

func TestWhatIsRefused(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		good := func() TargetChanges {
			return TargetChanges{Label: ptr("x"), URL: ptr("rtmp://example.org/app"), Key: ptr(secret)}
		}
		for name, change := range map[string]func(x *TargetChanges){
			"no address":         func(x *TargetChanges) { x.URL = nil },
			"no key":             func(x *TargetChanges) { x.Key = nil },
			"an empty key":       func(x *TargetChanges) { x.Key = ptr("") },
			"a key with a blank": func(x *TargetChanges) { x.Key = ptr("a b") },
			"a key of lines":     func(x *TargetChanges) { x.Key = ptr("a\nb") },
			"a long key":         func(x *TargetChanges) { x.Key = ptr(strings.Repeat("k", keyMax+1)) },
			"another protocol":   func(x *TargetChanges) { x.URL = ptr("http://example.org/app") },
			"a long address":     func(x *TargetChanges) { x.URL = ptr("rtmp://example.org/" + strings.Repeat("a", urlMax)) },
			"a long label":       func(x *TargetChanges) { x.Label = ptr(strings.Repeat("ä", labelMax+1)) },
			"a label of lines":   func(x *TargetChanges) { x.Label = ptr("a\nb") },
		} {
			x := good()
			change(&x)
			if _, err := r.Create(ctx, r.anna, r.channel.ID, x); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
		one := r.target(t, "one")
		_, err := r.Update(ctx, r.anna, r.channel.ID, one.ID, 0, TargetChanges{URL: ptr("rtmp://mine.example.org/app")})
		want(t, err, fault.Invalid) // else the key could be sent to anybody
		_, err = r.Update(ctx, r.anna, r.channel.ID, one.ID, 0, TargetChanges{URL: ptr(one.URL), Label: ptr("same")})
		ok(t, err)
		_, err = r.Update(ctx, r.anna, r.channel.ID, one.ID, 0, TargetChanges{URL: ptr("rtmp://mine.example.org/app"), Key: ptr("other")})
		ok(t, err)
		for range PerChannel - 1 {
			r.target(t, "more")
		}
		_, err = r.Create(ctx, r.anna, r.channel.ID, good())
		want(t, err, fault.Conflict)
	})
}

// Nobody reaches targets of channels that are not theirs, by any way.
func TestOthers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		x := r.target(t, "mine")
		for _, try := range []struct {
			channel uuid.UUID
			code    fault.Code
		}{{r.channel.ID, fault.Denied}, {r.other.ID, fault.NotFound}} { // anna's channel; a channel of his own with her target
			_, err := r.Target(ctx, r.bert, try.channel, x.ID)
			want(t, err, try.code)
			_, err = r.Update(ctx, r.bert, try.channel, x.ID, 0, TargetChanges{Enabled: ptr(false)})
			want(t, err, try.code)
			want(t, r.Delete(ctx, r.bert, try.channel, x.ID), try.code)
		}
		_, err := r.Targets(ctx, r.bert, r.channel.ID)
		want(t, err, fault.Denied)
		_, err = r.Create(ctx, r.bert, r.channel.ID, TargetChanges{URL: ptr("rtmp://example.org/app"), Key: ptr("k")})
		want(t, err, fault.Denied)
		if list, err := r.Targets(ctx, r.bert, r.other.ID); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
		if got, err := r.Target(ctx, r.anna, r.channel.ID, x.ID); err != nil || got.Version != 1 {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// A node is told of what its own sessions are to be sent to, and of nothing else.
func TestWanted(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		x, off := r.target(t, "on"), r.target(t, "off")
		_, err := r.Update(ctx, r.anna, r.channel.ID, off.ID, 0, TargetChanges{Enabled: ptr(false)})
		ok(t, err)
		orders := func(node string) []Order {
			t.Helper()
			list, err := r.Wanted(ctx, node)
			ok(t, err)
			return list
		}
		if list := orders("node-1"); len(list) != 0 {
			t.Errorf("nobody is on the air: %v", list)
		}
		r.onAir(t, r.channel.ID, "node-1")
		if list := orders("node-1"); len(list) != 1 || list[0] != (Order{ID: x.ID, Channel: r.channel.ID, Version: 1, URL: x.URL, Key: secret}) {
			t.Errorf("%+v", list)
		}
		if list := orders("node-2"); len(list) != 0 {
			t.Errorf("the other node: %v", list)
		}
		_, err = r.Update(ctx, r.anna, r.channel.ID, x.ID, 0, TargetChanges{Key: ptr("new")})
		ok(t, err)
		if list := orders("node-1"); len(list) != 1 || list[0].Version != 2 || list[0].Key != "new" {
			t.Errorf("%+v", list)
		}
		_, err = r.db.Exec(ctx, `UPDATE live_sessions SET ended_at=$1`, time.Now().UTC())
		ok(t, err)
		if list := orders("node-1"); len(list) != 0 {
			t.Errorf("after the end: %v", list)
		}
	})
}

// How targets do is shown while somebody tells it.
func TestStatus(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		x, y := r.target(t, "one"), r.target(t, "two")
		ok(t, r.Report(ctx, nil))
		told := TargetStatus{State: "sending", Since: time.Now().UTC().Truncate(time.Second), Bytes: 12345, Bitrate: 99, Dropped: 3, Tries: 2, Note: "n"}
		ok(t, r.Report(ctx, map[uuid.UUID]TargetStatus{x.ID: told}))
		list, err := r.Targets(ctx, r.anna, r.channel.ID)
		ok(t, err)
		if s := list[0].Status; s == nil || *s != told || list[1].Status != nil {
			t.Errorf("%+v %+v", list[0].Status, list[1].Status)
		}
		if got, err := r.Target(ctx, r.anna, r.channel.ID, y.ID); err != nil || got.Status != nil {
			t.Errorf("%+v %v", got.Status, err)
		}
		if ttl, err := r.redis.PTTL(ctx, "weir:live:target:"+x.ID.String()).Result(); err != nil || ttl <= 0 || ttl > 10*time.Second {
			t.Errorf("%v %v", ttl, err)
		}
		_, err = r.Update(ctx, r.anna, r.channel.ID, x.ID, 0, TargetChanges{Enabled: ptr(false)})
		ok(t, err)
		if got, err := r.Target(ctx, r.anna, r.channel.ID, x.ID); err != nil || got.Status != nil {
			t.Errorf("it is off: %+v %v", got.Status, err)
		}
	})
}

// Keys outlive a change of the server's key, and not their channel.
func TestTidy(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		r.target(t, "one")
		r.onAir(t, r.channel.ID, "node-1")
		key := seal.NewKey()
		if list, err := r.open(t, key).Wanted(ctx, "node-1"); err != nil || len(list) != 0 || !strings.Contains(r.log.String(), "WEIR_SECRET_KEY") {
			t.Errorf("with another key: %v %v, log %s", list, err, r.log.String())
		}
		ok(t, r.open(t, key, r.key).things.Tidy(ctx))
		later := r.open(t, key)
		if list, err := later.Wanted(ctx, "node-1"); err != nil || len(list) != 1 || list[0].Key != secret {
			t.Errorf("%+v %v", list, err)
		}
		ok(t, r.channels.DeleteChannel(ctx, r.anna, r.channel.ID))
		ok(t, later.things.Tidy(ctx))
		var n int
		ok(t, r.db.QueryRow(ctx, `SELECT COUNT(*) FROM live_targets`).Scan(&n))
		if n != 0 {
			t.Errorf("%d targets of a channel that is gone", n)
		}
		if strings.Contains(r.log.String(), secret) {
			t.Error("the log has the key")
		}
	})
}

var _ Channels = (*live.Service)(nil)
