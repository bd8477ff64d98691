package live

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/event"
	"weir/services/fault"
	"weir/services/servicetest"
)

// vault is a store in memory.
type vault struct {
	mu      sync.Mutex
	has     map[string]Stored // Bytes 0: remains that cannot be played
	away    error             // what all calls fail with
	busy    map[uuid.UUID]bool
	removed []uuid.UUID
	cuts    []Cut
}

var _ Vault = (*vault)(nil)

func (v *vault) Remove(_ context.Context, id uuid.UUID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.busy[id] {
		return ErrBusy
	}
	if v.away == nil {
		v.removed = append(v.removed, id)
		delete(v.has, id.String())
	}
	return v.away
}

func (v *vault) Stored(_ context.Context, after string, limit int) (ids []string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id := range v.has {
		if id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids[:min(limit, len(ids))], v.away
}

func (v *vault) Close(_ context.Context, id uuid.UUID) (Stored, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.busy[id] {
		return Stored{}, ErrBusy
	}
	x := v.has[id.String()]
	x.ID = id
	return x, v.away
}

func (v *vault) Cut(_ context.Context, id uuid.UUID, c Cut) (Stored, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.away != nil {
		return Stored{}, v.away
	}
	v.cuts = append(v.cuts, c)
	if c.Length == 777*time.Second {
		return Stored{}, ErrFull
	}
	if c.Length == 666*time.Second {
		return Stored{}, ErrNothing
	}
	x := Stored{ID: id, Started: time.Unix(1795461608, 0), Duration: c.Length, Bytes: 10, Renditions: []string{"source"}}
	v.has[id.String()] = x
	return x, nil
}

// shelved gives a rig's service a store.
func (r *rig) shelved(t testing.TB, keep Keep) *vault {
	t.Helper()
	v := &vault{has: map[string]Stored{}, busy: map[uuid.UUID]bool{}}
	r.Service = r.open(t, Config{Node: "node-1", Vault: v, Store: "here", Keep: keep})
	return v
}

// taken is a session of a channel that was recorded from beginning to end.
func (r *rig) taken(t testing.TB, v *vault, o owned, bytes int64) uuid.UUID {
	t.Helper()
	b := r.begin(t, r.admit(t, o.key.Secret))
	r.Record(Taken{ID: b.ID, Name: o.Name, At: r.clock.Now(), Of: b})
	ok(t, r.flush(t.Context()))
	r.Finish(b, "", Stats{})
	ok(t, r.flush(t.Context()))
	x := Stored{ID: b.ID, Name: o.Name, Started: r.clock.Now(), Duration: time.Minute, Bytes: bytes, Renditions: []string{"source", "audio"}}
	v.has[b.ID.String()] = x
	ok(t, r.Recorded(t.Context(), x))
	r.clock.Pass(time.Minute)
	return b.ID
}

// listed are the states of a channel's recordings as somebody sees them, newest first.
func (r *rig) listed(t testing.TB, who auth.Identity, o owned) (states []RecordingState) {
	t.Helper()
	p, err := r.Recordings(t.Context(), who, Shown{}, o.ID, "", "", 100)
	ok(t, err)
	for _, x := range p.Items {
		states = append(states, x.State)
	}
	return states
}

func TestLifeOfARecording(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		_, err := r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("before")})
		ok(t, err)
		began := r.clock.Now()
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Record(Taken{ID: b.ID, Name: "anna", At: began, Of: b})
		ok(t, r.flush(t.Context()))
		same(t, "for the owner, while it is made", r.listed(t, o.owner, o), []RecordingState{Being})
		same(t, "for viewers, while it is made", r.listed(t, auth.Identity{}, o), nil)
		_, err = r.Recording(t.Context(), auth.Identity{}, Shown{}, b.ID)
		want(t, err, fault.NotFound)
		want(t, r.DeleteRecording(t.Context(), o.owner, b.ID), fault.Conflict)

		r.Finish(b, "", Stats{})
		ok(t, r.flush(t.Context()))
		_, err = r.UpdateChannel(t.Context(), o.owner, o.ID, 0, Changes{Title: ptr("after")})
		ok(t, err)
		x := Stored{ID: b.ID, Name: "anna", Started: began, Duration: 90 * time.Second, Bytes: 7, Renditions: []string{"source"}, Lost: 2}
		v.has[b.ID.String()] = x
		for range 2 { // told again: a node that was killed in between does so
			ok(t, r.Recorded(t.Context(), x))
		}
		got, err := r.Recording(t.Context(), auth.Identity{}, Shown{}, b.ID)
		ok(t, err)
		base := "/vod/" + b.ID.String()
		same(t, "for viewers", got, RecordingView{
			ID: b.ID, Channel: &o.ID, Session: &b.ID, Name: "anna", Kind: Whole, State: Ready, Title: "before", Started: began, Duration: 90, Bytes: 7,
			Renditions: []string{"source"}, Created: began, Version: 1,
			Media: &RecordingMedia{base + "/index.m3u8", base + "/manifest.mpd", base + "/download.mp4", base + "/thumb.jpg", base + "/storyboard.vtt"},
		})
		same(t, "event", events[event.RecordingReady](t, r), []event.RecordingReady{{RecordingID: b.ID, ChannelID: o.ID, SessionID: b.ID, Name: "anna", Title: "before",
			Public: true, StartedAt: began, Milliseconds: 90_000, Bytes: 7, Renditions: []string{"source"}}})

		got, err = r.UpdateRecording(t.Context(), o.owner, b.ID, 1, RecordingChanges{Title: ptr("better"), Description: ptr("two\nlines")})
		ok(t, err)
		if got.Title != "better" || got.Description != "two\nlines" || got.Version != 2 || got.Inside.Lost != 2 {
			t.Errorf("%+v", got)
		}
		_, err = r.UpdateRecording(t.Context(), o.owner, b.ID, 1, RecordingChanges{Title: ptr("old")})
		want(t, err, fault.Precondition)

		ok(t, r.DeleteRecording(t.Context(), o.owner, b.ID))
		same(t, "while it is deleted", r.listed(t, o.owner, o), []RecordingState{Deleting})
		want(t, r.DeleteRecording(t.Context(), o.owner, b.ID), fault.NotFound)
		v.away = errors.New("the store is away")
		if err := r.sweep(t.Context()); !errors.Is(err, v.away) {
			t.Errorf("%v", err)
		}
		v.away, v.busy[b.ID] = nil, true
		ok(t, r.sweep(t.Context()))
		same(t, "while its objects are there", r.listed(t, o.owner, o), []RecordingState{Deleting})
		v.busy[b.ID] = false
		ok(t, r.sweep(t.Context()))
		same(t, "at the end", r.listed(t, o.owner, o), nil)
		same(t, "removed", v.removed, []uuid.UUID{b.ID})
		same(t, "deleted", events[event.RecordingDeleted](t, r), []event.RecordingDeleted{{RecordingID: b.ID, ChannelID: o.ID, Kind: "recording", Name: "anna", Reason: "deleted by the channel"}})
	})
}

// Nothing came of it, it had no channel, nobody wrote its beginning.
func TestOddRecordings(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Record(Taken{ID: b.ID, Name: "anna", At: r.clock.Now(), Of: b})
		ok(t, r.Recorded(t.Context(), Stored{ID: b.ID, Name: "anna"}))
		ok(t, r.flush(t.Context()))
		same(t, "of nothing", r.listed(t, o.owner, o), nil)

		ok(t, r.Recorded(t.Context(), Stored{ID: b.ID, Name: "anna", Started: r.clock.Now(), Bytes: 1}))
		same(t, "without its beginning", r.listed(t, o.owner, o), []RecordingState{Ready})

		open := uuid.Must(uuid.NewV7())
		r.Record(Taken{ID: open, Name: "anybody", At: r.clock.Now()})
		ok(t, r.flush(t.Context()))
		_, err := r.Recording(t.Context(), o.owner, Shown{}, open)
		want(t, err, fault.NotFound)
		ok(t, r.Recorded(t.Context(), Stored{ID: open, Name: "anybody", Started: r.clock.Now(), Bytes: 1}))
		got, err := r.Recording(t.Context(), auth.Identity{}, Shown{}, open)
		ok(t, err)
		if got.Channel != nil || got.State != Ready {
			t.Errorf("%+v", got)
		}
		want(t, r.DeleteRecording(t.Context(), o.owner, open), fault.Denied)
		ok(t, r.DeleteRecording(t.Context(), servicetest.Person(auth.Admin), open))
		ok(t, r.sweep(t.Context()))
		same(t, "removed", v.removed, []uuid.UUID{open})
		if n := len(events[event.RecordingReady](t, r)); n != 1 {
			t.Errorf("%d events, want that of the channel's", n)
		}
	})
}

// A channel or an account that is deleted takes its recordings along, also one that is
// still being made.
func TestRecordingsGoWithTheirChannel(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		whole := r.taken(t, v, o, 5)
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Record(Taken{ID: b.ID, Name: "anna", At: r.clock.Now(), Of: b})
		ok(t, r.flush(t.Context()))
		late := r.begin(t, r.admit(t, o.key.Secret)) // its beginning is written after the end of the channel
		r.Record(Taken{ID: late.ID, Name: "anna", At: r.clock.Now(), Of: late})
		r.tell(t, event.UserDeleted{UserID: o.owner.User})
		ok(t, r.flush(t.Context()))
		ok(t, r.sweep(t.Context()))
		same(t, "removed at once", v.removed, []uuid.UUID{whole})
		for _, id := range []uuid.UUID{b.ID, late.ID} {
			ok(t, r.Recorded(t.Context(), Stored{ID: id, Name: "anna", Started: r.clock.Now(), Bytes: 3}))
		}
		ok(t, r.sweep(t.Context()))
		same(t, "removed after their ends", v.removed, []uuid.UUID{whole, b.ID, late.ID})
		same(t, "rows", lines(t, r.db, `SELECT name FROM live_recordings`), "")
		if n := len(events[event.RecordingReady](t, r)); n != 1 {
			t.Errorf("%d were said to be ready, want 1", n)
		}
	})
}

func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v := r.shelved(t, Keep{Days: 30, Bytes: 100})
		old, small, large := r.owned(t, "old"), r.owned(t, "small"), r.owned(t, "large")
		_, err := r.UpdateChannel(t.Context(), old.owner, old.ID, 0, Changes{Keep: &Keep{Days: 2}})
		ok(t, err)
		_, err = r.UpdateChannel(t.Context(), small.owner, small.ID, 0, Changes{Keep: &Keep{Bytes: 25, Days: 1000}})
		ok(t, err)
		_, err = r.UpdateChannel(t.Context(), large.owner, large.ID, 0, Changes{Keep: &Keep{Bytes: 1e6}})
		ok(t, err)
		aged := r.taken(t, v, old, 1)
		alone := r.taken(t, v, large, 120) // more than all that may be, but there is no other
		ok(t, r.sweep(t.Context()))
		same(t, "kept", len(v.removed), 0)
		r.clock.Pass(49 * time.Hour)
		first, second, third := r.taken(t, v, small, 10), r.taken(t, v, small, 10), r.taken(t, v, small, 10)
		newer := r.taken(t, v, large, 30)
		ok(t, r.sweep(t.Context()))
		slices.SortFunc(v.removed, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
		same(t, "too old or too much", v.removed, []uuid.UUID{aged, alone, first})
		r.clock.Pass(31 * 24 * time.Hour)
		v.removed = nil
		ok(t, r.sweep(t.Context()))
		slices.SortFunc(v.removed, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
		same(t, "beyond the server's bound", v.removed, []uuid.UUID{second, third, newer})
	})
}

func TestTooMuch(t *testing.T) {
	rec := func(kind Kind, bytes int64) *Recording { return &Recording{Kind: kind, Bytes: bytes} }
	for name, c := range map[string]struct {
		all  []*Recording
		most int64
		want []int64
	}{
		"enough room":        {[]*Recording{rec(Whole, 5), rec(Whole, 6)}, 11, nil},
		"oldest first":       {[]*Recording{rec(Whole, 5), rec(Whole, 6), rec(Whole, 7)}, 13, []int64{5}},
		"clips last":         {[]*Recording{rec(Clip, 1), rec(Whole, 5), rec(Clip, 2), rec(Whole, 6)}, 9, []int64{5}},
		"then clips":         {[]*Recording{rec(Clip, 1), rec(Whole, 5), rec(Clip, 2), rec(Whole, 6)}, 8, []int64{5, 1}},
		"the newest stays":   {[]*Recording{rec(Whole, 5)}, 1, nil},
		"before newer clips": {[]*Recording{rec(Whole, 5), rec(Whole, 50), rec(Clip, 2)}, 52, []int64{5}},
	} {
		var got []int64
		for _, r := range tooMuch(c.all, c.most) {
			got = append(got, r.Bytes)
		}
		same(t, name, got, c.want)
	}
}

// What the store has and the database does not, and what a node left open.
func TestSearch(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		at := func(age time.Duration) uuid.UUID { // an id that was made so long ago
			id := uuid.Must(uuid.NewV7())
			ms := r.clock.Now().Add(-age).UnixMilli()
			for i := range 6 {
				id[i] = byte(ms >> (40 - 8*i))
			}
			return id
		}
		remains, young, unknown := at(25*time.Hour), at(23*time.Hour), at(25*time.Hour)
		v.has[remains.String()], v.has[young.String()] = Stored{}, Stored{}
		v.has[unknown.String()] = Stored{Name: "anna", Started: r.clock.Now(), Bytes: 8}
		v.has["not-ours"] = Stored{}
		known := r.taken(t, v, o, 1)
		b := r.begin(t, r.admit(t, o.key.Secret))
		left := Stored{ID: b.ID, Name: "anna", Started: r.clock.Now(), Bytes: 9}
		v.has[b.ID.String()] = left
		ok(t, r.search(t.Context()))
		same(t, "removed", v.removed, []uuid.UUID{remains})
		if _, orphans := r.Removed(); orphans != 1 {
			t.Errorf("%d orphans", orphans)
		}
		p, err := r.Recordings(t.Context(), auth.Identity{}, Shown{}, o.ID, "", "", 10)
		ok(t, err)
		ids := map[uuid.UUID]bool{}
		for _, x := range p.Items {
			ids[x.ID] = true
		}
		if len(ids) != 2 || !ids[known] || !ids[unknown] {
			t.Errorf("listed: %v, want %s and %s", ids, known, unknown)
		}
	})
}

// A recording whose node never came back is closed by another one, an hour later.
func TestLeftRecording(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		other := r.open(t, Config{Node: "node-2", Vault: v, Store: "here"})
		b, err := other.Begin(Start{Grant: r.admit(t, o.key.Secret), At: r.clock.Now()})
		ok(t, err)
		other.Record(Taken{ID: b.ID, Name: "anna", At: r.clock.Now(), Of: b})
		ok(t, other.flush(t.Context()))
		v.has[b.ID.String()] = Stored{ID: b.ID, Name: "anna", Started: r.clock.Now(), Bytes: 9}
		r.clock.Pass(25 * time.Hour)
		ok(t, r.search(t.Context()))
		same(t, "while the session is open", r.listed(t, o.owner, o), []RecordingState{Being})
		other.Finish(b, "", Stats{})
		ok(t, other.flush(t.Context()))
		ok(t, other.countAll(t.Context())) // it lives
		r.clock.Pass(25 * time.Hour)
		ok(t, r.search(t.Context()))
		same(t, "while the node lives", r.listed(t, o.owner, o), []RecordingState{Being})
		ok(t, r.redis.Del(t.Context(), nodeKey("node-2")).Err())
		v.busy[b.ID] = true
		ok(t, r.search(t.Context()))
		same(t, "while it is closed", r.listed(t, o.owner, o), []RecordingState{Being})
		v.busy[b.ID] = false
		r.clock.Pass(-24*time.Hour - 30*time.Minute)
		ok(t, r.search(t.Context()))
		same(t, "half an hour later", r.listed(t, o.owner, o), []RecordingState{Being})
		r.clock.Pass(time.Hour)
		ok(t, r.search(t.Context()))
		same(t, "afterwards", r.listed(t, o.owner, o), []RecordingState{Ready})
	})
}

// A recording with which another node goes on is that one's, also when it was closed too
// early, and remains one.
func TestRecordingGoesOn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		began := r.clock.Now()
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.Record(Taken{ID: b.ID, Name: "anna", At: began, Of: b})
		ok(t, r.flush(t.Context()))
		for i, node := range []string{"node-2", "node-3"} {
			other := r.open(t, Config{Node: node, Vault: v, Store: "here"})
			r.clock.Pass(time.Minute)
			other.Record(Taken{ID: b.ID, Name: "anna", At: r.clock.Now(), Of: b, Again: true})
			ok(t, other.flushRecordings(t.Context()))
			x, err := r.store().recording(t.Context(), b.ID)
			ok(t, err)
			if x.State != Being || x.Cut.Node != node || !x.Started.Equal(began) || x.Closed != nil || x.Title != "" {
				t.Errorf("%+v", x)
			}
			ok(t, other.Recorded(t.Context(), Stored{ID: b.ID, Name: "anna", Started: began, Duration: time.Minute, Bytes: int64(i + 1)}))
			same(t, "closed", r.listed(t, o.owner, o), []RecordingState{Ready})
		}
		ok(t, r.DeleteRecording(t.Context(), o.owner, b.ID))
		r.Record(Taken{ID: b.ID, Name: "anna", At: r.clock.Now(), Of: b, Again: true})
		ok(t, r.flushRecordings(t.Context()))
		same(t, "deleted meanwhile", r.listed(t, o.owner, o), []RecordingState{Deleting})
	})
}

// Another store's recordings are left alone.
func TestStoresOfTheirOwn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		id := r.taken(t, v, o, 1)
		ok(t, r.DeleteRecording(t.Context(), o.owner, id))
		elsewhere := &vault{has: map[string]Stored{}}
		other := r.open(t, Config{Node: "node-2", Vault: elsewhere, Store: "there", Keep: Keep{Days: 1}})
		r.clock.Pass(48 * time.Hour)
		ok(t, other.sweep(t.Context()))
		same(t, "elsewhere", elsewhere.removed, nil)
		ok(t, r.sweep(t.Context()))
		same(t, "here", v.removed, []uuid.UUID{id})
	})
}

func TestClips(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		recording := r.taken(t, v, o, 5)
		began := r.clock.Now()
		b := r.begin(t, r.admit(t, o.key.Secret))
		r.clock.Pass(time.Minute)
		cut := func(source *uuid.UUID, x ClipOrder) RecordingView {
			t.Helper()
			c, err := r.CreateClip(t.Context(), o.owner, o.ID, source, x)
			ok(t, err)
			if c.State != Being || c.Media != nil {
				t.Errorf("%+v", c)
			}
			ok(t, r.cutAll(t.Context()))
			got, err := r.Recording(t.Context(), o.owner, Shown{}, c.ID)
			ok(t, err)
			return got
		}
		last := cut(nil, ClipOrder{Start: -30, Length: 10, Title: "wow"})
		if last.State != Ready || last.Kind != Clip || last.Title != "wow" || last.Duration != 10 || last.Inside.By == nil || *last.Inside.By != o.owner.User {
			t.Errorf("%+v", last)
		}
		piece := cut(&recording, ClipOrder{Start: 12.5, Length: 20})
		nothing := cut(&b.ID, ClipOrder{Start: 1, Length: 666})
		if nothing.State != Failed || !strings.Contains(nothing.Inside.Reason, "no media at that time") || nothing.Media != nil {
			t.Errorf("%+v", nothing)
		}
		full := cut(&recording, ClipOrder{Start: 1, Length: 777})
		if full.State != Failed || !strings.Contains(full.Inside.Reason, "nearly full") || full.Media != nil {
			t.Errorf("%+v", full)
		}
		same(t, "cuts", v.cuts[:3], []Cut{
			{&b.ID, 30 * time.Second, 10 * time.Second, &o.owner.User, "node-1"},
			{&recording, 12500 * time.Millisecond, 20 * time.Second, &o.owner.User, ""},
			{&b.ID, time.Second, 666 * time.Second, &o.owner.User, "node-1"},
		})
		ready := events[event.ClipReady](t, r)
		if len(ready) != 2 || ready[0].ClipID != last.ID || ready[0].SourceID != b.ID || ready[0].ByUserID != o.owner.User || ready[1].ClipID != piece.ID {
			t.Errorf("%+v", ready)
		}
		p, err := r.Recordings(t.Context(), auth.Identity{}, Shown{}, o.ID, Clip, "", 10)
		ok(t, err)
		same(t, "clips for viewers", len(p.Items), 2)
		if at := began.Add(30 * time.Second); !last.Created.Equal(r.clock.Now()) || at.After(r.clock.Now()) {
			t.Errorf("%+v", last)
		}
	})
}

func TestClipsThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o, other := r.shelved(t, Keep{}), r.owned(t, "anna"), r.owned(t, "other")
		recording, foreign := r.taken(t, v, o, 5), r.taken(t, v, other, 5)
		for name, c := range map[string]struct {
			source *uuid.UUID
			x      ClipOrder
			code   fault.Code
		}{
			"nothing on the air":     {nil, ClipOrder{Start: -5, Length: 5}, fault.NotFound},
			"another channel's":      {&foreign, ClipOrder{Length: 5}, fault.NotFound},
			"nobody's":               {ptr(uuid.Max), ClipOrder{Length: 5}, fault.NotFound},
			"before the beginning":   {&recording, ClipOrder{Start: -1, Length: 5}, fault.Invalid},
			"after the end":          {&recording, ClipOrder{Start: 60, Length: 5}, fault.Invalid},
			"a title of two lines":   {&recording, ClipOrder{Length: 5, Title: "a\nb"}, fault.Invalid},
			"a title that is hidden": {&recording, ClipOrder{Length: 5, Title: "a\u202eb"}, fault.Invalid},
		} {
			_, err := r.CreateClip(t.Context(), o.owner, o.ID, c.source, c.x)
			if !fault.Is(err, c.code) {
				t.Errorf("%s: %v, want %s", name, err, c.code)
			}
		}
		r.begin(t, r.admit(t, o.key.Secret))
		_, err := r.CreateClip(t.Context(), o.owner, o.ID, nil, ClipOrder{Start: 60, Length: 5})
		want(t, err, fault.Invalid)
		for range ClipsAtOnce {
			_, err := r.CreateClip(t.Context(), o.owner, o.ID, nil, ClipOrder{Length: 5})
			ok(t, err)
		}
		_, err = r.CreateClip(t.Context(), o.owner, o.ID, nil, ClipOrder{Length: 5})
		want(t, err, fault.Conflict)
		v.away = errors.New("the store is away")
		ok(t, r.cutAll(t.Context()))
		same(t, "while the store is away", len(r.listed(t, o.owner, o)), ClipsAtOnce+1)
		v.away = nil
		ok(t, r.cutAll(t.Context()))
		same(t, "just after a failure", len(v.cuts), 0)
		r.clock.Pass(clipPause + time.Second)
		ok(t, r.cutAll(t.Context()))
		same(t, "later", len(v.cuts), ClipsAtOnce)
		ok(t, r.DeleteChannel(t.Context(), o.owner, o.ID))
		ok(t, r.cutAll(t.Context()))
		same(t, "of a channel that is gone", len(v.cuts), ClipsAtOnce)
		ok(t, r.sweep(t.Context()))
		same(t, "removed", len(v.removed), ClipsAtOnce+1)
	})
}

// Of a channel so many clips are kept, and so many ordered in a minute.
func TestTooManyClips(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, o := r.shelved(t, Keep{}), r.owned(t, "anna")
		recording := r.taken(t, v, o, 5)
		order := func() (RecordingView, error) {
			return r.CreateClip(t.Context(), o.owner, o.ID, &recording, ClipOrder{Length: 5})
		}
		for range ClipsPace {
			_, err := order()
			ok(t, err)
			ok(t, r.cutAll(t.Context()))
		}
		_, err := order()
		want(t, err, fault.Limited)
		if after := fault.From(err).RetryAfter; after != time.Minute {
			t.Errorf("again after %s", after)
		}
		r.clock.Pass(time.Minute)
		first, err := order()
		ok(t, err)
		ok(t, r.cutAll(t.Context()))
		ok(t, r.within(t.Context(), func(ctx context.Context, st Store) error {
			x, err := st.recording(ctx, first.ID)
			for i := ClipsPace + 1; i < ClipsEach && err == nil; i++ {
				if x.ID, err = newID(); err == nil {
					_, err = st.addRecording(ctx, x)
				}
			}
			return err
		}))
		r.clock.Pass(time.Hour)
		_, err = order()
		want(t, err, fault.Conflict)
		ok(t, r.DeleteRecording(t.Context(), o.owner, first.ID))
		ok(t, r.sweep(t.Context()))
		_, err = order()
		ok(t, err)
	})
}

// Every operation on a recording, by everybody who may not.
func TestForeignRecordings(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		v := w.shelved(t, Keep{})
		public := w.taken(t, v, w.anna, 5)
		hidden := w.owned(t, "hidden")
		secret := w.taken(t, v, hidden, 5)
		_, err := w.UpdateChannel(t.Context(), hidden.owner, hidden.ID, 0, Changes{Visibility: ptr(Unlisted)})
		ok(t, err)
		before := snapshot(t, w)
		at := func(id string) string { return "/api/v1/recordings/" + id }
		w.expect(t, 200, "GET", at(public.String()), "", "")
		for _, name := range []string{"", "stranger", "owner"} {
			w.expect(t, 404, "GET", at(secret.String()), name, "")
			w.expect(t, 404, "GET", "/api/v1/channels/"+hidden.ID.String()+"/recordings", name, "")
		}
		w.expect(t, 200, "GET", at(secret.String()), "judge", "")
		for _, o := range []struct{ method, body string }{{"PATCH", `{"title":"x"}`}, {"DELETE", ""}} {
			for name, status := range map[string]int{"": 401, "forged": 401, "stranger": 403, "moderator": 403, "reader": 403} {
				w.expect(t, status, o.method, at(public.String()), name, o.body, "If-Match: *")
			}
			for _, name := range []string{"stranger", "owner", "manager"} {
				w.expect(t, 404, o.method, at(secret.String()), name, o.body, "If-Match: *")
			}
			w.expect(t, 404, o.method, at(uuid.Max.String()), "admin", o.body, "If-Match: *")
			for _, id := range []string{"1", strings.Repeat("z", 36), "%27%20OR%201%3D1--", strings.ToUpper(public.String()) + "0"} {
				w.expect(t, 422, o.method, at(id), "admin", o.body, "If-Match: *")
			}
		}
		for _, body := range []string{`{"title":"` + strings.Repeat("x", 141) + `"}`, `{"title":7}`, `{"state":"ready"}`, `{"bytes":1}`, `{"title":"a\u0000"}`} {
			w.expect(t, 422, "PATCH", at(public.String()), "owner", body, "If-Match: *")
		}
		w.expect(t, 412, "PATCH", at(public.String()), "owner", `{"title":"x"}`)
		clips := "/api/v1/channels/" + w.anna.ID.String() + "/clips"
		for _, body := range []string{`{}`, `{"start":0,"length":0}`, `{"start":0,"length":3601}`, `{"start":1e300,"length":5}`, `{"start":0,"length":-5}`, `{"start":"x","length":5}`,
			`{"source":"` + strings.Repeat("z", 36) + `","start":0,"length":5}`, `{"source":"x","start":0,"length":5}`} {
			w.expect(t, 422, "POST", clips, "owner", body)
		}
		w.expect(t, 404, "POST", clips, "owner", `{"source":"`+secret.String()+`","start":0,"length":5}`)
		if after := snapshot(t, w); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
		res, text := w.expect(t, 202, "POST", clips, "moderator", `{"source":"`+public.String()+`","start":0,"length":5}`)
		var clip RecordingView
		ok(t, json.Unmarshal([]byte(text), &clip))
		if res.Header.Get("Location") != at(clip.ID.String()) {
			t.Errorf("%v", res.Header)
		}
		w.expect(t, 200, "PATCH", at(public.String()), "manager", `{"title":"x"}`, `If-Match: "1"`)
		w.expect(t, 204, "DELETE", at(public.String()), "manager", "")
	})
}
