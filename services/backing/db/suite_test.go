package db_test

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
)

//go:embed testdata/migrations
var files embed.FS

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func things(t testing.TB) db.Set {
	t.Helper()
	sub, err := fs.Sub(files, "testdata/migrations")
	if err != nil {
		t.Fatal(err)
	}
	return db.Set{Name: "things", FS: sub}
}

// each runs a test on a fresh database that has the things.
func each(t *testing.T, run func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context(), things(t)); err != nil {
			t.Fatal(err)
		}
		run(t, d)
	})
}

type kind string

type thing struct {
	ID, Owner uuid.UUID
	Title     kind
	Meta      json.RawMessage
	Views     int64
	Score     float64
	Public    bool
	Hash      []byte
	Note      *string
	Parent    *uuid.UUID
	Extra     json.RawMessage
	Seen      *bool
	Count     *int64
	Created   time.Time
	Deleted   *time.Time
}

const thingColumns = "id, owner_id, title, meta, views, score, public, hash, note, parent_id, extra, seen, count, created_at, deleted_at"

func scanThing(r db.Row) (v thing, err error) {
	err = r.Scan(&v.ID, &v.Owner, &v.Title, &v.Meta, &v.Views, &v.Score, &v.Public, &v.Hash, &v.Note, &v.Parent, &v.Extra, &v.Seen, &v.Count, &v.Created, &v.Deleted)
	return v, err
}

func (v thing) args() []any {
	return []any{v.ID, v.Owner, v.Title, v.Meta, v.Views, v.Score, v.Public, v.Hash, v.Note, v.Parent, v.Extra, v.Seen, v.Count, v.Created, v.Deleted}
}

const insertThing = "INSERT INTO things (" + thingColumns + ") VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)"

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func newThing(title string) thing {
	return thing{ID: newID(), Owner: newID(), Title: kind(title), Meta: json.RawMessage(`{}`), Created: time.Now()}
}

func insert(t testing.TB, q db.Q, v thing) {
	t.Helper()
	n, err := q.Exec(context.Background(), insertThing, v.args()...)
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
}

func find(t testing.TB, q db.Q, id uuid.UUID) thing {
	t.Helper()
	v, err := scanThing(q.QueryRow(context.Background(), "SELECT "+thingColumns+" FROM things WHERE id = $1", id))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func count(t testing.TB, q db.Q, table string) (n int) {
	t.Helper()
	if err := q.QueryRow(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return a == nil && b == nil
	}
	return reflect.DeepEqual(x, y)
}

func ptr[T any](v T) *T { return &v }

func TestTypes(t *testing.T) {
	zone := time.FixedZone("far", -11*3600)
	parent := newThing("parent")
	full := thing{
		ID: newID(), Owner: newID(), Title: "Ünï 'quote\" 100%_\\ 🎬 \r\n", Meta: json.RawMessage(`{"codec":"h264","w":[1,2.5,null],"s":"é\\u0000"}`),
		Views: math.MaxInt64, Score: -1.5e-300, Public: true, Hash: []byte{0, 255, 1, 0}, Note: ptr(""), Parent: &parent.ID,
		Extra: json.RawMessage(`[]`), Seen: ptr(false), Count: ptr(int64(0)),
		Created: time.Date(2026, 2, 28, 23, 59, 59, 123456999, zone), Deleted: ptr(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
	scalars := newThing("scalars")
	scalars.Meta, scalars.Extra = json.RawMessage(`5`), json.RawMessage(`"7"`)
	half := newThing("half")
	half.Meta, half.Extra = json.RawMessage(`1.5`), json.RawMessage(`null`)
	late := newThing("late")
	late.Hash = []byte{}
	late.Created = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	each(t, func(t *testing.T, d *db.DB) {
		for _, want := range []thing{parent, full, newThing(""), scalars, half, late} {
			insert(t, d, want)
			got := find(t, d, want.ID)
			if !sameJSON(got.Meta, want.Meta) || !sameJSON(got.Extra, want.Extra) || (got.Extra == nil) != (want.Extra == nil) {
				t.Errorf("%q: JSON %s and %s, want %s and %s", want.Title, got.Meta, got.Extra, want.Meta, want.Extra)
			}
			want.Meta, want.Extra = got.Meta, got.Extra
			want.Created = want.Created.UTC().Truncate(time.Microsecond)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v, want\n%+v", got, want)
			}
		}
	})
}

func TestNullIntoValue(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		v := newThing("x")
		insert(t, d, v)
		for column, dst := range map[string]any{"note": new(string), "parent_id": new(uuid.UUID), "seen": new(bool), "count": new(int64), "deleted_at": new(time.Time)} {
			if err := d.QueryRow(t.Context(), "SELECT "+column+" FROM things WHERE id=$1", v.ID).Scan(dst); err == nil || errors.Is(err, db.ErrNotFound) {
				t.Errorf("NULL of %s into %T: %v", column, dst, err)
			}
		}
		got := ptr(json.RawMessage("{}"))
		if err := d.QueryRow(t.Context(), "SELECT extra FROM things WHERE id=$1", v.ID).Scan(&got); err != nil || got != nil {
			t.Error(got, err)
		}
	})
}

func TestRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		cases := map[string]func(*thing){
			"NUL in text":       func(v *thing) { v.Title = "a\x00b" },
			"NUL in a pointer":  func(v *thing) { v.Note = ptr("\x00") },
			"text not UTF-8":    func(v *thing) { v.Title = "a\xffb" },
			"JSON not valid":    func(v *thing) { v.Meta = json.RawMessage(`{"a":`) },
			"JSON empty":        func(v *thing) { v.Meta = json.RawMessage(``) },
			"JSON with NUL":     func(v *thing) { v.Meta = json.RawMessage(`{"a":"x\u0000"}`) },
			"JSON is NULL":      func(v *thing) { v.Meta = nil },
			"check":             func(v *thing) { v.Views = -1 },
			"year 10000":        func(v *thing) { v.Created = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
			"year 0, a pointer": func(v *thing) { v.Deleted = ptr(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)) },
		}
		for name, spoil := range cases {
			v := newThing(name)
			spoil(&v)
			if _, err := d.Exec(t.Context(), insertThing, v.args()...); !errors.Is(err, db.ErrRefused) {
				t.Errorf("%s: %v, want ErrRefused", name, err)
			}
		}
		if n := count(t, d, "things"); n != 0 {
			t.Errorf("%d things were stored", n)
		}
	})
}

func TestUpsertReturning(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const upsert = `INSERT INTO things (id, owner_id, title, meta, views, public, created_at) VALUES ($1,$2,$3,$4,$5,$6,$7)
ON CONFLICT (owner_id, title) DO UPDATE SET meta = excluded.meta, views = things.views + excluded.views, public = excluded.public RETURNING ` + thingColumns
		first, second := newThing("same"), newThing("same")
		second.Owner = first.Owner
		for i, v := range []thing{first, second} {
			got, err := scanThing(d.QueryRow(t.Context(), upsert, v.ID, v.Owner, v.Title, v.Meta, 2, i == 1, v.Created))
			if err != nil || got.ID != first.ID || got.Views != int64(2*(i+1)) || got.Public != (i == 1) {
				t.Fatal(got, err)
			}
		}
		got, err := collect(d.Query(t.Context(), "WITH old AS (SELECT id FROM things) DELETE FROM things WHERE id IN (SELECT id FROM old) RETURNING "+thingColumns))
		if err != nil || len(got) != 1 || count(t, d, "things") != 0 {
			t.Fatal(got, err)
		}
	})
}

func collect(rows db.Rows, err error) ([]thing, error) { return db.Collect(rows, err, scanThing) }

func TestPortableSQL(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		v := newThing("Big Buck 100%_Bunny")
		v.Meta, v.Public = json.RawMessage(`{"codec":"h264","deep":{"n":7}}`), true
		insert(t, d, v)
		insert(t, d, newThing("other"))
		cases := []struct {
			where string
			args  []any
		}{
			{"meta->>'codec' = $1 AND public", []any{"h264"}},
			{"public = $2 AND owner_id = $1", []any{v.Owner, true}},
			{"title = $1 OR title = $1", []any{"Big Buck 100%_Bunny"}},
			{`title LIKE $1 ESCAPE '\'`, []any{`%100\%\_B%`}},
			{"created_at >= $1 AND deleted_at IS NULL AND title LIKE 'Big%'", []any{v.Created.Add(-time.Hour)}},
			{"EXISTS (SELECT 1 FROM things t WHERE t.id = things.id AND t.public)", nil},
			{"id IN ($1, $2)", []any{v.ID, newID()}},
			{"(created_at, id) <= ($1, $2) AND public", []any{v.Created, v.ID}},
			{"CAST($1 AS BIGINT) = 3 AND public", []any{3}},
		}
		for _, c := range cases {
			got, err := collect(d.Query(t.Context(), "SELECT "+thingColumns+" FROM things WHERE "+c.where, c.args...))
			if err != nil || len(got) != 1 || got[0].ID != v.ID {
				t.Errorf("%s: %d rows, %v", c.where, len(got), err)
			}
		}
		var n int
		if err := d.QueryRow(t.Context(), "SELECT count(*) FROM things WHERE title LIKE 'big%'").Scan(&n); err != nil || n != 0 {
			t.Errorf("LIKE does not mind case: %d, %v", n, err)
		}
		var yes bool
		if err := d.QueryRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM things)").Scan(&yes); err != nil || !yes {
			t.Error(yes, err)
		}
		var sum int64
		if err := d.QueryRow(t.Context(), "SELECT CAST(coalesce(sum(views), 0) AS BIGINT) FROM things").Scan(&sum); err != nil {
			t.Error(err)
		}
	})
}

func TestSearchFragment(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		v := newThing("Big Buck Bunny")
		insert(t, d, v)
		words := map[bool]string{
			true:  "to_tsvector('simple', title) @@ websearch_to_tsquery('simple', $1)",
			false: "rowid IN (SELECT rowid FROM things_words WHERE things_words MATCH $1)",
		}[db.IsPostgres(d)]
		search := func(word string) int {
			got, err := collect(d.Query(t.Context(), "SELECT "+thingColumns+" FROM things WHERE "+words, word))
			if err != nil {
				t.Fatal(err)
			}
			return len(got)
		}
		if search("buck") != 1 || search("duck") != 0 {
			t.Fatal("search")
		}
		if _, err := d.Exec(t.Context(), "UPDATE things SET title = 'Sintel' WHERE id = $1", v.ID); err != nil {
			t.Fatal(err)
		}
		if search("buck") != 0 || search("sintel") != 1 {
			t.Fatal("search after an update")
		}
	})
}

func TestTimeOrder(t *testing.T) {
	base := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	east := time.FixedZone("east", 9*3600)
	times := []time.Time{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(999, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(-1, 0), base,
		base.Add(time.Microsecond).In(east), base.Add(10 * time.Microsecond), base.Add(100 * time.Millisecond).In(east), base.Add(time.Second), base.AddDate(1000, 0, 0),
	}
	each(t, func(t *testing.T, d *db.DB) {
		for i := range times {
			v := newThing("")
			v.Created = times[(i*4)%len(times)]
			insert(t, d, v)
		}
		got, err := collect(d.Query(t.Context(), "SELECT "+thingColumns+" FROM things ORDER BY created_at"))
		if err != nil || len(got) != len(times) {
			t.Fatal(len(got), err)
		}
		for i, v := range got {
			if !v.Created.Equal(times[i]) || v.Created.Location() != time.UTC {
				t.Errorf("%d: %v, want %v", i, v.Created, times[i])
			}
		}
		var after int
		if err := d.QueryRow(t.Context(), "SELECT count(*) FROM things WHERE created_at > $1", base.In(east)).Scan(&after); err != nil || after != 5 {
			t.Error(after, err)
		}
	})
}

func TestNotFound(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if _, err := scanThing(d.QueryRow(t.Context(), "SELECT "+thingColumns+" FROM things WHERE id=$1", newID())); !errors.Is(err, db.ErrNotFound) {
			t.Error(err)
		}
		var id uuid.UUID
		if err := d.QueryRow(t.Context(), "UPDATE things SET views = 1 WHERE id=$1 RETURNING id", newID()).Scan(&id); !errors.Is(err, db.ErrNotFound) {
			t.Error(err)
		}
		if n, err := d.Exec(t.Context(), "DELETE FROM things WHERE id=$1", newID()); err != nil || n != 0 {
			t.Error(n, err)
		}
	})
}

func TestConflict(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		v := newThing("secret title")
		insert(t, d, v)
		_, byID := d.Exec(t.Context(), insertThing, func() []any { w := newThing("b"); w.ID = v.ID; return w.args() }()...)
		_, byTitle := d.Exec(t.Context(), insertThing, func() []any { w := v; w.ID = newID(); return w.args() }()...)
		for column, err := range map[string]error{"id": byID, "title": byTitle, "owner_id": byTitle} {
			if !errors.Is(err, db.ErrConflict) || !db.ConflictOn(err, column) || db.ConflictOn(err, "views") || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", column, err)
			}
		}
		var conflict *db.ConflictError
		if !errors.As(byTitle, &conflict) || !slices.Equal(conflict.Columns, []string{"owner_id", "title"}) {
			t.Error(conflict)
		}
		const owner = "INSERT INTO owners (id, email) VALUES ($1, $2)"
		if _, err := d.Exec(t.Context(), owner, newID(), "A@b.c"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Exec(t.Context(), owner, newID(), "a@B.c"); !db.ConflictOn(err, "owners_email_folded") {
			t.Error(err)
		}
		var id uuid.UUID
		if err := d.QueryRow(t.Context(), owner+" RETURNING id", newID(), "a@b.c").Scan(&id); !errors.Is(err, db.ErrConflict) {
			t.Error(err)
		}
		if db.ConflictOn(nil, "id") || db.ConflictOn(db.ErrConflict, "id") {
			t.Error("ConflictOn")
		}
	})
}

func TestReference(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		parent, child := newThing("parent"), newThing("child")
		child.Parent = &parent.ID
		if _, err := d.Exec(t.Context(), insertThing, child.args()...); !errors.Is(err, db.ErrReference) {
			t.Fatal(err)
		}
		insert(t, d, parent)
		insert(t, d, child)
		if n, err := d.Exec(t.Context(), "DELETE FROM things WHERE id=$1", parent.ID); err != nil || n != 1 || count(t, d, "things") != 0 {
			t.Fatal(n, err)
		}
	})
}

func TestWrongSQL(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for _, text := range []string{"SELEC 1", "SELECT * FROM nothing", "", "SELECT $1 FROM things WHERE id = $2"} {
			rows, err := d.Query(t.Context(), text)
			if err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				rows.Close()
			}
			if text != "" && (err == nil || errors.Is(err, db.ErrUnavailable) || errors.Is(err, db.ErrNotFound)) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if err := d.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
