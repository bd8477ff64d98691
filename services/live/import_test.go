package live

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"weir/services/auth"
)

func TestImport(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		dir := t.TempDir()
		path := filepath.Join(dir, "keys.json")
		ok(t, r.Import(t.Context(), dir)) // without the file
		anna := r.owned(t, "anna")
		file := fmt.Sprintf(`{"keys":[{"id":"0011223344556677","name":"stage","hash":%q,"created":"2026-01-02T03:04:05Z"},
{"id":"8899aabbccddeeff","name":"stage","hash":%q,"created":"2026-01-02T03:04:05Z"},{"id":"x","name":"anna","hash":%q,"created":"2026-01-02T03:04:05Z"}]}`,
			hashOf("old one"), hashOf("old two"), hashOf("old three"))
		for range 2 { // the second time as after a crash before the file was renamed
			ok(t, os.WriteFile(path, []byte(file), 0o600))
			ok(t, r.Import(t.Context(), dir))
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Error("the file is there still")
			}
		}
		if kept, err := os.ReadFile(path + ".imported"); err != nil || string(kept) != file {
			t.Errorf("%s %v", kept, err)
		}
		for key, name := range map[string]string{"old one": "stage", "old two": "stage", "old three": "anna"} {
			if g := r.admit(t, key); g.Name != name {
				t.Errorf("%+v", g)
			}
		}
		keys, err := r.AllKeys(t.Context())
		ok(t, err)
		if len(keys) != 4 || keys[1].Created.Format("2006-01-02") != "2026-01-02" {
			t.Errorf("%+v", keys)
		}
		stage, err := r.ByName(t.Context(), auth.Identity{}, "stage")
		ok(t, err)
		owned, err := r.ByName(t.Context(), auth.Identity{}, "anna")
		ok(t, err)
		if stage.Owner != nil || *owned.Owner != anna.owner.User {
			t.Errorf("%v %v", stage.Owner, owned.Owner)
		}
		if key, err := r.First(t.Context(), "live", nil); key != "" || err != nil {
			t.Errorf("a first key beside imported ones: %v", err)
		}
	})
}

func TestImportOfADamagedFile(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		for _, text := range []string{"", "{", `{"keys":[{"name":"../etc","hash":"x"}]}`} {
			dir := t.TempDir()
			path := filepath.Join(dir, "keys.json")
			ok(t, os.WriteFile(path, []byte(text), 0o600))
			if r.Import(t.Context(), dir) == nil {
				t.Errorf("%q is imported", text)
			}
			if _, err := os.Stat(path); err != nil {
				t.Error("the file is gone")
			}
		}
	})
}
