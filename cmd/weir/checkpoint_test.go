package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"weir/media"
	"weir/media/mediatest"
	"weir/packager"
	"weir/services/backing/redis"
	"weir/services/backing/redis/redistest"
	"weir/services/live"
)

func someCheckpoint(now time.Time) *checkpoint {
	return &checkpoint{Name: "anna", At: now, Epoch: now.Add(-time.Minute), Segment: 2 * media.Second, Longest: 5 * media.Second / 2, Part: media.Second / 5,
		Tracks: tracksOf((&mediatest.Source{SampleRate: 48000}).Tracks()), State: packager.State{Next: 30, Number: 10, End: media.Second * 60}}
}

// keepCheckpoint puts it under the name of someCheckpoint.
func keepCheckpoint(t *testing.T, store checkpointStore, x *checkpoint) {
	t.Helper()
	text, err := json.Marshal(x)
	if err == nil {
		err = store.put(t.Context(), map[string][]byte{"anna": text}, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func eachCheckpointStore(t *testing.T, run func(t *testing.T, s checkpointStore)) {
	t.Run("files", func(t *testing.T) { run(t, newCheckpointFiles(t.TempDir())) })
	redistest.Each(t, func(t *testing.T, c *redis.Client) { run(t, checkpointRedis{c}) })
}

func TestCheckpointStores(t *testing.T) {
	eachCheckpointStore(t, func(t *testing.T, s checkpointStore) {
		ctx := t.Context()
		if text, err := s.get(ctx, "anna"); text != nil || err != nil {
			t.Errorf("of nobody: %q, %v", text, err)
		}
		if err := s.put(ctx, map[string][]byte{"anna": []byte("1"), "ben": []byte("2")}, time.Minute); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"a long text", "22"} { // of which nothing is left by the short one
			if err := s.put(ctx, map[string][]byte{"ben": []byte(text)}, time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		names, err := s.list(ctx)
		slices.Sort(names)
		if err != nil || !slices.Equal(names, []string{"anna", "ben"}) {
			t.Errorf("%q, %v", names, err)
		}
		if text, err := s.get(ctx, "ben"); string(text) != "22" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		if err := s.drop(ctx, []string{"anna", "ben", "nobody"}); err != nil {
			t.Error(err)
		}
		if names, err := s.list(ctx); len(names) != 0 || err != nil {
			t.Errorf("%q, %v", names, err)
		}
	})
}

// What a publisher may go on with is what is good, young, and of the same tracks.
func TestCheckpoints(t *testing.T) {
	source := &mediatest.Source{SampleRate: 48000}
	tests := map[string]struct {
		change func(x *checkpoint)
		tracks []*media.Track
		found  bool
	}{
		"as it was":           {func(*checkpoint) {}, source.Tracks(), true},
		"without sound":       {func(*checkpoint) {}, source.Tracks()[:1], false},
		"too old":             {func(x *checkpoint) { x.At = x.At.Add(-17 * time.Second) }, source.Tracks(), false},
		"of the future":       {func(x *checkpoint) { x.At = x.At.Add(time.Hour) }, source.Tracks(), false},
		"of another name":     {func(x *checkpoint) { x.Name = "ben" }, source.Tracks(), false},
		"with absurd numbers": {func(x *checkpoint) { x.State.Next = 1 << 60 }, source.Tracks(), false},
		"without parts":       {func(x *checkpoint) { x.Part = 0 }, source.Tracks(), false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store, now := newCheckpointFiles(t.TempDir()), time.Now()
			x := someCheckpoint(now)
			tc.change(x)
			keepCheckpoint(t, store, x)
			all := newCheckpoints(store, 10*time.Second, nil, slog.New(slog.DiscardHandler))
			all.find(t.Context(), live.Grant{Name: "anna"})
			got := all.of("anna", tc.tracks)
			if (got != nil) != tc.found {
				t.Fatalf("%+v", got)
			}
			if !tc.found {
				return
			}
			if s := got.next(now.Add(4 * time.Second)); s.Next != 30+checkpointRoom+4 || s.Number != 10+checkpointRoom+4 {
				t.Errorf("it begins with %+v", s)
			}
			if all.take("anna", x.Epoch) == nil || all.take("anna", x.Epoch) != nil {
				t.Error("it is not taken once")
			}
			all.end("anna")
			all.find(t.Context(), live.Grant{Name: "anna"})
			if all.of("anna", tc.tracks) != nil {
				t.Error("what was ended here is found")
			}
			if err := all.flush(context.Background(), nil); err != nil {
				t.Error(err)
			}
			if names, err := store.list(t.Context()); len(names) != 0 || err != nil {
				t.Errorf("%q are left: %v", names, err)
			}
		})
	}
}

// A recording is not closed while what its stream left names it.
func TestCheckpointNamesItsRecording(t *testing.T) {
	store, x := newCheckpointFiles(t.TempDir()), someCheckpoint(time.Now())
	x.Recorded = &recordedAs{ID: "r", Store: "s"}
	keepCheckpoint(t, store, x)
	all := newCheckpoints(store, 10*time.Second, nil, slog.New(slog.DiscardHandler))
	never := newCheckpoints(store, 0, nil, slog.New(slog.DiscardHandler))
	for _, tc := range []struct {
		of       *checkpoints
		name, id string
		want     bool
	}{{all, "anna", "r", true}, {all, "anna", "other", false}, {all, "ben", "r", false}, {never, "anna", "r", false}} {
		if goes, err := tc.of.record(t.Context(), tc.name, tc.id); goes != tc.want || err != nil {
			t.Errorf("%s, %s: %v %v", tc.name, tc.id, goes, err)
		}
	}
	all.end("anna")
	if goes, err := all.record(t.Context(), "anna", "r"); goes || err != nil {
		t.Errorf("after the end: %v %v", goes, err)
	}
}

// Handed over in order, a stream goes on with the very next number.
func TestCheckpointOfAHandOver(t *testing.T) {
	x := someCheckpoint(time.Now())
	x.Final = true
	if s := x.next(time.Now().Add(time.Second)); !reflect.DeepEqual(*s, x.State) {
		t.Errorf("%+v after %+v", s, x.State)
	}
	x.Final, x.Young = false, true
	if s := x.next(x.At.Add(time.Second)); s.Next != x.State.Next+checkpointRoom+5 {
		t.Errorf("%+v while segments are parts", s)
	}
}
