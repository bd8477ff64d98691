package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

// Set is the schema of one package: its migrations, in the order of their numbers.
// Each set has its own numbers and its own table of versions, goose_<Name>.
type Set struct {
	// Name is of lower-case letters, digits and _; never change it.
	Name string
	// FS holds NNNN_word.sql files with "-- +goose Up" and "-- +goose Down" parts in
	// the folders common, pg and lite: those of common run on both databases, those
	// of pg on PostgreSQL and those of lite on SQLite, merged by number.
	FS fs.FS
}

// migrator is what goose works on; release frees the lock of the migrations.
type migrator struct {
	dialect goose.Dialect
	folder  string
	db      *sql.DB
	release func()
}

// Migrate brings the sets, in this order, to their newest version. Each migration is
// a transaction. Several processes may call it at once: one works, the others wait
// until ctx ends. It refuses a database that a newer weir has migrated.
func (d *DB) Migrate(ctx context.Context, sets ...Set) error {
	return d.migrate(ctx, sets, func(p *goose.Provider) ([]*goose.MigrationResult, error) {
		done, err := p.Up(ctx)
		if err != nil {
			return done, err
		}
		have, want, err := p.GetVersions(ctx)
		if err == nil && have > want {
			err = fmt.Errorf("the database is at version %d, of a newer weir; this one knows %d: run the newer one, or restore a backup", have, want)
		}
		return done, err
	})
}

// Down takes a set back to nothing: all of its data is gone. It is for tests.
func (d *DB) Down(ctx context.Context, s Set) error {
	return d.migrate(ctx, []Set{s}, func(p *goose.Provider) ([]*goose.MigrationResult, error) {
		return p.DownTo(ctx, 0)
	})
}

func (d *DB) migrate(ctx context.Context, sets []Set, run func(*goose.Provider) ([]*goose.MigrationResult, error)) error {
	if err := d.outside(ctx); err != nil {
		return err
	}
	m, err := d.back.migrator(ctx)
	if err != nil {
		return err
	}
	defer m.release()
	for _, set := range sets {
		provider, err := m.provider(set)
		if err != nil {
			return fmt.Errorf("db: migrations %q: %w", set.Name, err)
		}
		done, err := run(provider)
		for _, one := range done {
			d.log.Info("migrated", slog.String("set", set.Name), slog.Int64("version", one.Source.Version),
				slog.String("direction", one.Direction), slog.Duration("took", one.Duration))
		}
		if err != nil {
			return fmt.Errorf("db: migrations %q: %w", set.Name, err)
		}
	}
	return nil
}

func (m *migrator) provider(s Set) (*goose.Provider, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`).MatchString(s.Name) {
		return nil, errors.New("the name is not of 1 to 40 lower-case letters, digits and _, a letter first")
	}
	files, err := merge(s.FS, "common", m.folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(m.dialect, m.db, files, goose.WithTableName("goose_"+s.Name))
}

// merged shows the files of several folders as one.
type merged struct {
	fs.FS
	files []fs.DirEntry
	paths map[string]string // name -> path in FS
}

// merge collects the .sql files of those folders that exist.
func merge(from fs.FS, folders ...string) (*merged, error) {
	if from == nil {
		return nil, errors.New("there are no files")
	}
	m := &merged{FS: from, paths: map[string]string{}}
	for _, folder := range folders {
		files, err := fs.ReadDir(from, folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, file := range files {
			name := file.Name()
			if path.Ext(name) != ".sql" {
				continue
			}
			if number, _, ok := strings.Cut(name, "_"); !ok || strings.Trim(number, "0123456789") != "" || number == "" {
				return nil, fmt.Errorf("%s/%s: the name has to be of the form 0001_word.sql", folder, name)
			}
			if other, twice := m.paths[name]; twice {
				return nil, fmt.Errorf("%s and %s/%s have the same name", other, folder, name)
			}
			m.paths[name] = path.Join(folder, name)
			m.files = append(m.files, file)
		}
	}
	if len(m.files) == 0 {
		return nil, fmt.Errorf("there is no .sql file in the folders %s", strings.Join(folders, " and "))
	}
	slices.SortFunc(m.files, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return m, nil
}

// Open opens a file by its name without the folder.
func (m *merged) Open(name string) (fs.File, error) {
	if at, ok := m.paths[name]; ok {
		return m.FS.Open(at)
	}
	if name == "." {
		return m.FS.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists the files; there are no folders.
func (m *merged) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return m.files, nil
}

var _ fs.ReadDirFS = (*merged)(nil)
