package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// liteReaders is how many connections read when nobody says another number.
	liteReaders = 4
	// lockPoll is how often the lock of the migrations is asked for.
	lockPoll = 20 * time.Millisecond
	// litePragmas are the settings of each connection: wait 5 s for another process
	// that writes, and be what PostgreSQL is.
	litePragmas = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=case_sensitive_like(1)&_pragma=synchronous(NORMAL)"
)

// openSQLite makes the file if there is none and opens it.
func openSQLite(ctx context.Context, path string, readers int) (*lite, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("db: %s: %w", path, err)
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	if readers == 0 {
		readers = liteReaders
	}
	// The writer comes first: it turns the file to WAL.
	writer, err := openPool(path, litePragmas+"&_pragma=journal_mode(WAL)&_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	reader, err := openPool(path, litePragmas+"&_pragma=query_only(1)", min(readers, 1000))
	if err != nil {
		_ = writer.Close()
		return nil, err
	}
	l := &lite{path: path, writer: writer, reader: reader}
	if err := l.check(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// makeFile makes the file, for its owner only, or finds out why it cannot be written.
func makeFile(path string) error {
	const advice = "give the user that runs weir a folder it may write to, on a local disk"
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("db: the folder %s cannot be made: %s: %w", folder, advice, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("db: %s cannot be written: %s: %w", path, advice, err)
	}
	return file.Close()
}

func openPool(path, query string, conns int) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: query}
	connector, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("db: %s: %w", path, err)
	}
	pool := sql.OpenDB(liteConnector{connector})
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}

// check writes nothing, but needs the rights to write.
func (l *lite) check(ctx context.Context) error {
	var mode string
	err := l.writer.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode)
	if err == nil {
		err = l.ping(ctx)
	}
	var fault *sqlite.Error
	switch {
	case err != nil && errors.As(err, &fault) && fault.Code()&0xff == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("db: %s is no SQLite database: move it away, or give another path: %w", l.path, err)
	case err != nil:
		return fmt.Errorf("db: %s: can files be made in its folder, and is the disk local and not full? %w", l.path, liteFault(ctx, err))
	case mode != "wal":
		return fmt.Errorf("db: %s: SQLite cannot use a write-ahead log there (it says %q): put it on a local disk", l.path, mode)
	}
	return nil
}

// migrator holds a lock on a file beside the database, so that of several processes
// that start at once one migrates and the others wait.
func (l *lite) migrator(ctx context.Context) (*migrator, error) {
	lock, err := os.OpenFile(l.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("db: the lock of the migrations: %w", err)
	}
	if err := flock(ctx, lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("db: waiting for another process to migrate (%s): %w", lock.Name(), err)
	}
	release := func() { lock.Close() } // ends the flock too
	return &migrator{dialect: goose.DialectSQLite3, folder: "lite", db: l.writer, release: release}, nil
}

// flock waits for the lock until ctx ends.
func flock(ctx context.Context, f *os.File) error {
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
}
