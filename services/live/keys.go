package live

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Refusals and other answers of Keys.
var (
	// ErrDenied is returned by Resolve for a key that is not, or no longer, valid.
	ErrDenied = errors.New("stream key is not valid")
	// ErrNotFound is returned by Revoke for an ID that no key has.
	ErrNotFound = errors.New("no such key")
	// ErrFile is returned when the key file cannot be understood.
	ErrFile = errors.New("the key file is damaged or of a newer weir")
)

// maxKeys bounds the file that a process reads at a change.
const maxKeys = 100_000

// Key is what is kept of a stream key.
type Key struct {
	ID      string    `json:"id"`      // 8 hex digits, to revoke it by; not secret
	Name    string    `json:"name"`    // the stream that its owner publishes
	Hash    string    `json:"hash"`    // SHA-256 of the key, 64 hex digits
	Created time.Time `json:"created"` // UTC
}

// Keys are the stream keys of one data folder. All methods may be called from any
// goroutine, and by several processes on the same folder at once.
type Keys struct {
	file keyFile
	now  func() time.Time

	mu     sync.RWMutex
	seen   stamp             // the file that byHash was read from
	byHash map[string]string // hash -> name
	lent   map[string]string // hash -> name, of this process only
}

// Open reads the keys in folder dir, which must exist; that there is no file yet is no
// error. now is the clock of Key.Created; nil means time.Now.
func Open(dir string, now func() time.Time) (*Keys, error) {
	if now == nil {
		now = time.Now
	}
	k := &Keys{file: newKeyFile(dir), now: now, lent: map[string]string{}}
	if _, _, err := k.lookup(""); err != nil {
		return nil, err
	}
	return k, nil
}

// Create makes a key for name and returns its ID and the key itself, which cannot
// be had again. A name may have several keys. It blocks on the disk and on other
// processes that are writing.
func (k *Keys) Create(name string) (id, key string, err error) {
	if err := checkName(name); err != nil {
		return "", "", err
	}
	err = k.file.update(func(keys []Key) ([]Key, error) {
		var entry Key
		entry, key = k.mint(name)
		id = entry.ID
		return append(keys, entry), nil
	})
	return id, key, err
}

// First makes a key for name if this folder never had any key; otherwise key is
// empty. Of several processes that call it at once, one gets the key.
func (k *Keys) First(name string) (key string, err error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	err = k.file.update(func(keys []Key) ([]Key, error) {
		if keys != nil {
			return nil, errUnchanged
		}
		var entry Key
		entry, key = k.mint(name)
		return []Key{entry}, nil
	})
	return key, err
}

// List returns the keys, oldest first.
func (k *Keys) List() ([]Key, error) {
	keys, _, err := k.file.read()
	return keys, err
}

// Revoke removes the key with that ID, in every process on the folder. Sessions
// that it opened before go on. It returns ErrNotFound when there is none.
func (k *Keys) Revoke(id string) error {
	return k.file.update(func(keys []Key) ([]Key, error) {
		i := slices.IndexFunc(keys, func(e Key) bool { return e.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("%.80q: %w", id, ErrNotFound)
		}
		return slices.Delete(keys, i, i+1), nil
	})
}

// Lend makes a key for name that only this process knows and that ends with it,
// or when giveBack is called.
func (k *Keys) Lend(name string) (key string, giveBack func(), err error) {
	if err := checkName(name); err != nil {
		return "", nil, err
	}
	entry, key := k.mint(name)
	k.mu.Lock()
	k.lent[entry.Hash] = name
	k.mu.Unlock()
	return key, func() {
		k.mu.Lock()
		delete(k.lent, entry.Hash)
		k.mu.Unlock()
	}, nil
}

// Resolve returns the name that key publishes as, or an error that wraps
// ErrDenied. Any other error means that the key file could not be read. It looks
// at the file's status each time and reads the file when it has changed. The time
// that it takes says nothing about a valid key: what is compared are hashes.
func (k *Keys) Resolve(ctx context.Context, key string) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	name, ok, err := k.lookup(hashOf(key))
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrDenied
	}
	return name, nil
}

// lookup finds a hash in the file's present state.
func (k *Keys) lookup(hash string) (name string, ok bool, err error) {
	now, err := k.file.stamp()
	if err != nil {
		return "", false, err
	}
	k.mu.RLock()
	fresh := k.byHash != nil && k.seen == now
	if fresh {
		name, ok = k.find(hash)
	}
	k.mu.RUnlock()
	if fresh {
		return name, ok, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	keys, seen, err := k.file.read()
	if err != nil {
		return "", false, err
	}
	k.byHash, k.seen = make(map[string]string, len(keys)), seen
	for _, e := range keys {
		k.byHash[e.Hash] = e.Name
	}
	name, ok = k.find(hash)
	return name, ok, nil
}

func (k *Keys) find(hash string) (name string, ok bool) {
	if name, ok = k.byHash[hash]; ok {
		return name, true
	}
	name, ok = k.lent[hash]
	return name, ok
}

// mint makes a new random key.
func (k *Keys) mint(name string) (entry Key, key string) {
	var secret [24]byte
	var id [4]byte
	rand.Read(secret[:]) // never fails, says crypto/rand
	rand.Read(id[:])
	key = base64.RawURLEncoding.EncodeToString(secret[:])
	return Key{ID: hex.EncodeToString(id[:]), Name: name, Hash: hashOf(key), Created: k.now().UTC().Truncate(time.Second)}, key
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
