package user

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"weir/services/fault"
	"weir/services/servicetest"
)

// unzip is the files of a zip.
func unzip(t testing.TB, b []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	ok(t, err)
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		ok(t, err)
		body, err := io.ReadAll(r)
		ok(t, err)
		ok(t, r.Close())
		files[f.Name] = string(body)
	}
	return files
}

// fans has many users follow one, without the rest of what makes a user.
func fans(t testing.TB, r *rig, of uuid.UUID, n int) {
	t.Helper()
	ok(t, r.within(t.Context(), func(ctx context.Context, st Store) error {
		for i := range n {
			id, err := newID()
			if err != nil {
				return err
			}
			a := &Account{ID: id, Username: fmt.Sprintf("fan-%d", i), Email: fmt.Sprintf("fan%d@example.org", i), Role: "user", Created: r.stamp()}
			if _, err := st.insert(ctx, a, a.Email); err != nil {
				return err
			}
			if _, err := st.follow(ctx, id, of, r.stamp()); err != nil { // all at the same time
				return err
			}
		}
		return nil
	}))
}

func TestExport(t *testing.T) {
	eachWeb(t, func(t *testing.T, w *web) {
		b := stored(t, w.rig)
		anna, bert := w.person(t, "anna"), w.person(t, "bert")
		as, other := anna.tokens.Access, bert.tokens.Access
		const n = exportPage + 3
		fans(t, w.rig, anna.ID, n)
		ok(t, w.Follow(t.Context(), anna.who, bert.ID))
		_, err := w.SetPicture(t.Context(), anna.who, Avatar, asPNG(t, paint(64, 64)))
		ok(t, err)
		path := "/api/v1/users/me/export"
		w.expect(t, 404, "GET", path, as, "")
		w.expect(t, 401, "POST", path, "", "")
		var v ExportView
		w.expect(t, 202, "POST", path, as, "").into(t, &v)
		w.expect(t, 409, "POST", path, as, "")
		file := path + "/" + v.ID.String() + "/file"
		w.expect(t, 404, "GET", file, as, "")
		ok(t, w.makeExports(t.Context()))
		w.expect(t, 200, "GET", path, as, "").into(t, &v)
		got := w.expect(t, 200, "GET", file, as, "")
		if v.State != "ready" || v.Size != int64(len(got.body)) || got.Header.Get("Content-Type") != "application/zip" || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%+v %v", v, got.Header)
		}
		checkExport(t, unzip(t, got.body), n)
		// Nobody else: not another user, not an admin, not without a token.
		chief := w.admin(t, "chief")
		for _, token := range []string{other, chief.tokens.Access} {
			checkProblem(t, bad{"of another", 404, "GET", file, "", "", nil}, w.call(t, "GET", file, token, ""))
		}
		w.expect(t, 401, "GET", file, "", "")
		w.expect(t, 422, "GET", path+"/"+strings.Repeat("x", 36)+"/file", as, "")
		w.expect(t, 404, "GET", path, other, "")
		limited := w.expect(t, 429, "POST", path, as, "")
		if limited.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		// After its time it is gone.
		w.clock.Pass(ExportLife)
		as = w.enter(t, anna.Own).tokens.Access
		v = ExportView{}
		w.expect(t, 200, "GET", path, as, "").into(t, &v)
		w.expect(t, 404, "GET", file, as, "")
		ok(t, w.sweep(t.Context()))
		if keys := keysIn(t, b); v.State != "expired" || slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, "exports/") }) {
			t.Errorf("%+v %q", v, keys)
		}
		w.expect(t, 202, "POST", path, as, "")
		ok(t, w.makeExports(t.Context()))
		ok(t, w.Delete(t.Context(), chief.who, here(), anna.ID))
		ok(t, w.sweep(t.Context()))
		if keys := keysIn(t, b); len(keys) != 0 {
			t.Errorf("left of a deleted account: %q", keys)
		}
	})
}

func checkExport(t *testing.T, files map[string]string, followers int) {
	t.Helper()
	var crowd, follows []Followed
	var events []SecurityEvent
	var sessions []SessionView
	var account exportedAccount
	var profile Profile
	for name, into := range map[string]any{
		"followers.json": &crowd, "follows.json": &follows, "security-events.json": &events, "sessions.json": &sessions, "account.json": &account, "profile.json": &profile,
	} {
		if err := json.Unmarshal([]byte(files[name]), into); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	seen := map[uuid.UUID]bool{}
	for _, f := range crowd {
		seen[f.ID] = true
	}
	if len(crowd) != followers || len(seen) != followers || len(follows) != 1 || len(sessions) != 1 || len(events) < 3 || account.Email != "anna@example.org" || len(files["avatar.jpg"]) == 0 {
		t.Errorf("%d followers (%d), %d follows, %d sessions, %d events, %+v", len(crowd), len(seen), len(follows), len(sessions), len(events), account)
	}
	for name, body := range files {
		for _, secret := range []string{"argon2", "hash", "sealed", RefreshPrefix, "bert@example.org"} {
			if strings.Contains(body, secret) && name != "avatar.jpg" {
				t.Errorf("%s shows %s", name, secret)
			}
		}
	}
}

// A process that is killed in the middle, a storage that is away, an account that goes:
// it is made anew, or not at all, and nothing stays behind.
func TestExportCrash(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		b := stored(t, r)
		ctx := t.Context()
		anna := r.person(t, "anna")
		_, err := r.StartExport(ctx, anna.who, here())
		ok(t, err)
		// Claimed, half of the file is there, and then nothing is heard of it.
		now := r.stamp()
		dead, err := r.store().claimExport(ctx, now, now.Add(exportClaim))
		ok(t, err)
		_, err = r.store().claimExport(ctx, now, now.Add(exportClaim))
		if err == nil {
			t.Fatal("claimed twice")
		}
		ok(t, r.makeExports(ctx)) // it is somebody's
		if v, err := r.Export(ctx, anna.who); err != nil || v.State != exportPending {
			t.Fatalf("%+v %v", v, err)
		}
		r.clock.Pass(exportClaim)
		b.set(errors.New("away"), 0)
		if r.makeExports(ctx) == nil {
			t.Error("made without a storage")
		}
		b.set(nil, 0)
		r.clock.Pass(exportClaim)
		ok(t, r.makeExports(ctx))
		v, err := r.Export(ctx, anna.who)
		ok(t, err)
		if v.State != exportReady {
			t.Errorf("%+v", v)
		}
		// The first one was not dead after all: it does not count, and its file goes.
		ok(t, r.makeExport(ctx, dead))
		if n := len(keysIn(t, b)); n != 2 {
			t.Errorf("%d objects", n)
		}
		ok(t, r.sweep(ctx))
		f, _, err := r.OpenExport(ctx, anna.who, v.ID)
		ok(t, err)
		ok(t, f.Close())
		if n := len(keysIn(t, b)); n != 1 {
			t.Errorf("%d objects", n)
		}
	})
}

func TestExportGivesUp(t *testing.T) {
	r := newRig(t, openLite(t), servicetest.Redis(t, openLite(t)), plenty())
	b := stored(t, r)
	anna, bert := r.person(t, "anna"), r.person(t, "bert")
	b.set(errors.New("away"), 0)
	_, err := r.StartExport(t.Context(), anna.who, here())
	ok(t, err)
	for range exportTries {
		if r.makeExports(t.Context()) == nil {
			t.Error("made without a storage")
		}
		r.clock.Pass(exportClaim)
	}
	ok(t, r.makeExports(t.Context()))
	if v, err := r.Export(t.Context(), anna.who); err != nil || v.State != exportFailed {
		t.Errorf("%+v %v", v, err)
	}
	b.set(nil, 0)
	_, err = r.StartExport(t.Context(), anna.who, here()) // what failed does not count
	ok(t, err)
	// The account goes while its export is made.
	_, err = r.StartExport(t.Context(), bert.who, here())
	ok(t, err)
	now := r.stamp()
	e, err := r.store().claimExport(t.Context(), now, now.Add(exportClaim))
	ok(t, err)
	ok(t, r.DeleteMe(t.Context(), map[bool]person{true: anna, false: bert}[e.user == anna.ID].who, here(), goodPassword))
	if err := r.makeExport(t.Context(), e); !errors.Is(err, errLost) {
		t.Errorf("%v", err)
	}
	r.clock.Pass(2 * ExportLife)
	ok(t, r.sweep(t.Context()))
	ok(t, r.dropOldExports(t.Context()))
	if keys := keysIn(t, b); len(keys) != 0 {
		t.Errorf("%q", keys)
	}
	r.blobs = nil
	_, err = r.StartExport(t.Context(), anna.who, here())
	want(t, err, fault.Unavailable)
	_, _, err = r.OpenExport(t.Context(), anna.who, e.id)
	want(t, err, fault.Unavailable)
}

// A long export shows that it is alive, and stops when it is not wanted any more.
func TestExportClaim(t *testing.T) {
	r := newRig(t, openLite(t), servicetest.Redis(t, openLite(t)), plenty())
	stored(t, r)
	anna := r.person(t, "anna")
	_, err := r.StartExport(t.Context(), anna.who, here())
	ok(t, err)
	now := r.stamp()
	e, err := r.store().claimExport(t.Context(), now, now.Add(exportClaim))
	ok(t, err)
	x := &exporter{s: r.Service, e: e, beat: r.now()}
	for range 5 {
		r.clock.Pass(exportClaim - time.Second)
		ok(t, x.alive(t.Context()))
		ok(t, r.makeExports(t.Context())) // nobody takes it
	}
	r.clock.Pass(exportClaim)
	ok(t, r.makeExports(t.Context()))
	if err := x.alive(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("%v", err)
	}
}

// Run makes them, and ends when it is told to.
func TestRunMedia(t *testing.T) {
	r := newRig(t, openLite(t), servicetest.Redis(t, openLite(t)), plenty())
	stored(t, r)
	anna := r.person(t, "anna")
	_, err := r.StartExport(t.Context(), anna.who, here())
	ok(t, err)
	r.media(t.Context())
	if v, err := r.Export(t.Context(), anna.who); err != nil || v.State != exportReady {
		t.Errorf("%+v %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	cancel()
	ok(t, <-done)
}
