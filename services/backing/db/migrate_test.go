package db_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"weir/services/backing/db"
	"weir/services/backing/db/dbtest"
)

func sqlFile(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestMigrateUpDownUp(t *testing.T) {
	dbtest.EachConfig(t, func(t *testing.T, c db.Config) {
		var log bytes.Buffer
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		d := dbtest.Open(t, c)
		set := things(t)
		for range 3 {
			if err := d.Migrate(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			if err := d.Migrate(t.Context(), set); err != nil { // nothing to do
				t.Fatal(err)
			}
			insert(t, d, newThing("a"))
			if err := d.Down(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			if err := d.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(new(int)); err == nil {
				t.Fatal("the table is still there")
			}
		}
		if n := strings.Count(log.String(), "set=things"); n != 3*3*2 {
			t.Errorf("%d lines in the log, want %d:\n%s", n, 3*3*2, log.String())
		}
	})
}

// Each set has its own numbers, and what one does is not in the way of the other.
func TestMigrateSets(t *testing.T) {
	one := db.Set{Name: "one", FS: fstest.MapFS{"common/0001_a.sql": sqlFile("-- +goose Up\nCREATE TABLE a (id UUID PRIMARY KEY);\n-- +goose Down\nDROP TABLE a;")}}
	two := db.Set{Name: "two_2", FS: fstest.MapFS{
		"pg/0001_b.sql":   sqlFile("-- +goose Up\nCREATE TABLE b (id UUID PRIMARY KEY, a UUID REFERENCES a);\n-- +goose Down\nDROP TABLE b;"),
		"lite/0001_b.sql": sqlFile("-- +goose Up\nCREATE TABLE b (id UUID PRIMARY KEY, a UUID REFERENCES a);\n-- +goose Down\nDROP TABLE b;"),
	}}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context(), one, two); err != nil {
			t.Fatal(err)
		}
		if err := d.Down(t.Context(), two); err != nil {
			t.Fatal(err)
		}
		if count(t, d, "a") != 0 {
			t.Fatal("a")
		}
		if err := d.Migrate(t.Context(), one, two); err != nil || count(t, d, "b") != 0 {
			t.Fatal(err)
		}
	})
}

func TestMigrateRefuses(t *testing.T) {
	good := sqlFile("-- +goose Up\nCREATE TABLE a (id UUID);\n-- +goose Down\nDROP TABLE a;")
	cases := map[string]struct {
		set  db.Set
		want string
	}{
		"name":         {db.Set{Name: "a; DROP TABLE b", FS: fstest.MapFS{"common/0001_a.sql": good}}, "lower-case"},
		"no name":      {db.Set{FS: fstest.MapFS{"common/0001_a.sql": good}}, "lower-case"},
		"no files":     {db.Set{Name: "x"}, "no files"},
		"no folders":   {db.Set{Name: "x", FS: fstest.MapFS{"migrations/common/0001_a.sql": good}}, "no .sql file"},
		"same number":  {db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": good, "pg/0001_b.sql": good, "lite/0001_b.sql": good}}, "duplicate"},
		"same name":    {db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": good, "pg/0001_a.sql": good, "lite/0001_a.sql": good}}, "same name"},
		"no number":    {db.Set{Name: "x", FS: fstest.MapFS{"common/first.sql": good}}, "first.sql"},
		"wrong SQL":    {db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": sqlFile("-- +goose Up\nCREATE TABEL a (id UUID);")}}, "syntax"},
		"no goose":     {db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": sqlFile("CREATE TABLE a (id UUID);")}}, "goose"},
		"half of them": {db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": sqlFile("-- +goose Up\nCREATE TABLE a (id UUID);\nCREATE TABLE a (id UUID);")}}, "exists"},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, c := range cases {
			err := d.Migrate(t.Context(), c.set)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.set.Name) {
				t.Errorf("%s: %v", name, err)
			}
			if err := d.QueryRow(t.Context(), "SELECT count(*) FROM a").Scan(new(int)); err == nil {
				t.Fatalf("%s: something was made", name)
			}
		}
	})
}

func TestMigrateNewerDatabase(t *testing.T) {
	a := sqlFile("-- +goose Up\nCREATE TABLE a (id UUID);")
	b := sqlFile("-- +goose Up\nCREATE TABLE b (id UUID);")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Migrate(t.Context(), db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": a, "common/0002_b.sql": b}}); err != nil {
			t.Fatal(err)
		}
		err := d.Migrate(t.Context(), db.Set{Name: "x", FS: fstest.MapFS{"common/0001_a.sql": a}})
		if err == nil || !strings.Contains(err.Error(), "newer weir") {
			t.Fatal(err)
		}
	})
}

// Several processes start at once on an empty database.
func TestMigrateTogether(t *testing.T) {
	dbtest.EachConfig(t, func(t *testing.T, c db.Config) {
		set := things(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				d, err := db.Open(t.Context(), c)
				if err != nil {
					t.Error(err)
					return
				}
				defer d.Close()
				if err := d.Migrate(t.Context(), set); err != nil {
					t.Error(err)
				}
				insert(t, d, newThing("x"))
			})
		}
		wg.Wait()
		if n := count(t, dbtest.Open(t, c), "things"); n != 4 {
			t.Errorf("%d things", n)
		}
	})
}

func TestMigrateCancelled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := d.Migrate(ctx, things(t)); err == nil {
			t.Error("migrated")
		}
		if err := d.Migrate(t.Context(), things(t)); err != nil {
			t.Error(err)
		}
	})
}
