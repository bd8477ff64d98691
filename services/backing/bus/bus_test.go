package bus

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"weir/services/backing/db"
	"weir/services/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBackoffGrowsToItsMax(t *testing.T) {
	b := Config{}.Defaults().Backoff
	want := []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 25 * time.Second, 30 * time.Second, 30 * time.Second}
	for i, d := range want {
		if got := b.Pause(i + 1); got != d {
			t.Errorf("pause %d: %v, want %v", i+1, got, d)
		}
	}
	if got := b.Pause(1_000_000_000); got != b.Max {
		t.Errorf("after a very long time: %v", got)
	}
}

func TestWants(t *testing.T) {
	tests := []struct {
		pattern, typ string
		want         bool
	}{
		{"user.followed.v1", "user.followed.v1", true},
		{"user.followed.v1", "user.followed.v2", false},
		{"user.*", "user.followed.v1", true},
		{"user.*", "users.counted.v1", false},
		{"user.*", "user", false},
		{"user.followed.*", "user.followed.v2", true},
		{"*", "anything.v1", true},
	}
	for _, tc := range tests {
		if got := (Subscription{Types: []string{"x.v1", tc.pattern}}).Wants(tc.typ); got != tc.want {
			t.Errorf("%s wants %s: %v", tc.pattern, tc.typ, got)
		}
	}
}

func TestMetricsHaveOneOwner(t *testing.T) {
	r := prometheus.NewRegistry()
	if _, err := NewMetrics(r); err != nil {
		t.Fatal(err)
	}
	if _, err := NewMetrics(r); err == nil {
		t.Error("two buses share a registry")
	}
}

func TestGroupsKnowEverySubscription(t *testing.T) {
	handle := func(context.Context, db.Q, event.Event) error { return nil }
	g := Subscription{Group: "g", Types: []string{"a.*"}, Handle: handle}
	for name, tc := range map[string]struct {
		all []event.Group
		ok  bool
	}{
		"not said":    {nil, true},
		"the same":    {[]event.Group{{Name: "other", Types: []string{"*"}}, {Name: "g", Types: []string{"a.*"}}}, true},
		"lacks it":    {[]event.Group{{Name: "other", Types: []string{"*"}}}, false},
		"other types": {[]event.Group{{Name: "g", Types: []string{"b.*"}}}, false},
		"twice":       {[]event.Group{{Name: "g", Types: []string{"a.*"}}, {Name: "g", Types: []string{"a.*"}}}, false},
		"no name":     {[]event.Group{{Name: "g", Types: []string{"a.*"}}, {Name: "G", Types: []string{"*"}}}, false},
	} {
		if err := (Config{DB: &db.DB{}, Subscriptions: []Subscription{g}, Groups: tc.all}).Check(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
