package db

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// onKeeper runs do with the one connection that writes, and its statements.
func onKeeper(t *testing.T, do func(conn *sql.Conn, k *keeper)) {
	t.Helper()
	l, err := openSQLite(t.Context(), filepath.Join(t.TempDir(), "t.db"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	conn, err := l.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var k *keeper
	if err := conn.Raw(func(raw any) error { k = raw.(*keeper); return nil }); err != nil {
		t.Fatal(err)
	}
	do(conn, k)
}

func (k *keeper) texts() (out []string) {
	for _, s := range k.kept {
		out = append(out, s.text)
	}
	return out
}

func mustExec(t *testing.T, conn *sql.Conn, text string, args ...any) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(text, err)
	}
}

// Statements are used again, the ones used last are kept, and no more than the bound.
func TestStatementsAreKept(t *testing.T) {
	onKeeper(t, func(conn *sql.Conn, k *keeper) {
		mustExec(t, conn, `CREATE TABLE t (a INT PRIMARY KEY)`)
		const insert = `INSERT INTO t VALUES ($1)`
		mustExec(t, conn, insert, 1)
		first := k.kept[len(k.kept)-1]
		mustExec(t, conn, insert, 2)
		if last := k.kept[len(k.kept)-1]; last != first || first.text != insert {
			t.Errorf("%q was prepared again", last.text)
		}
		for i := range keptStatements - 1 {
			mustExec(t, conn, fmt.Sprintf(`SELECT %d`, i))
		}
		mustExec(t, conn, insert, 3)
		mustExec(t, conn, `SELECT -1`)
		texts := k.texts()
		if n := len(texts); n != keptStatements || texts[n-1] != `SELECT -1` || texts[n-2] != insert || texts[0] != `SELECT 1` {
			t.Errorf("%d: %q", len(texts), texts)
		}
	})
}

// The same text while its rows are open, another shape of the table, and errors.
func TestKeptStatementsStayRight(t *testing.T) {
	onKeeper(t, func(conn *sql.Conn, k *keeper) {
		mustExec(t, conn, `CREATE TABLE t (a INT PRIMARY KEY)`)
		mustExec(t, conn, `INSERT INTO t VALUES (1), (2)`)
		const all = `SELECT * FROM t ORDER BY a`
		outer, err := conn.QueryContext(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for outer.Next() {
			inner, err := conn.QueryContext(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			for inner.Next() {
				seen++
			}
			inner.Close()
		}
		outer.Close()
		if seen != 4 {
			t.Errorf("%d rows of 2 x 2", seen)
		}
		kept := 0
		for _, text := range k.texts() {
			if text == all {
				kept++
			}
		}
		if kept != 1 {
			t.Errorf("kept %d times", kept)
		}
		mustExec(t, conn, `ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'new'`)
		var a int
		var b string
		if err := conn.QueryRowContext(t.Context(), all).Scan(&a, &b); err != nil || a != 1 || b != "new" {
			t.Errorf("%d %q %v", a, b, err)
		}
		const insert = `INSERT INTO t (a) VALUES ($1)`
		for i, fails := range []bool{false, true, false, true} {
			if _, err := conn.ExecContext(t.Context(), insert, []int{3, 3, 4, 1}[i]); (err != nil) != fails {
				t.Errorf("insert %d: %v", i, err)
			}
		}
	})
}
