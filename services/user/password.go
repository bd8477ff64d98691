package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"weir/services/fault"
)

// Bounds of a password. What is longer is refused before anything is computed.
const (
	PasswordMin   = 8   // characters
	PasswordMax   = 128 // characters
	passwordBytes = 4 * PasswordMax
	// strengthRunes is how much of a password its strength is judged by: the work of
	// zxcvbn grows faster than the length, and a password that is strong stays strong
	// when more follows.
	strengthRunes = 48
	// strengthScore is the least score of zxcvbn (0-4) that is taken: 3 is 10^8 guesses.
	strengthScore = 3
)

// errHash is returned for a stored hash that is not one of ours.
var errHash = errors.New("password hash is not readable")

// hashCost are the parameters of argon2id; they are written into every hash.
type hashCost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// presentCost is what new hashes are made with: 19 MiB and 2 passes, the OWASP minimum
// for one thread. Raising it upgrades each account at its next sign-in.
func presentCost() hashCost { return hashCost{memory: 19 * 1024, passes: 2, threads: 1} }

const (
	saltBytes = 16
	keyBytes  = 32
	// maxStoredMemory bounds what a stored hash may ask for (a damaged row must not).
	maxStoredMemory = 256 * 1024 // KiB
	maxStoredPasses = 16
)

// passwordHash is a parsed PHC string: $argon2id$v=19$m=19456,t=2,p=1$salt$key.
type passwordHash struct {
	cost hashCost
	salt []byte
	key  []byte
}

func (h passwordHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.memory, h.cost.passes, h.cost.threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// parseHash reads what String wrote. The error never quotes its input.
func parseHash(s string) (passwordHash, error) {
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return passwordHash{}, errHash
	}
	memory, passes, threads, err := parseCost(parts[3])
	if err != nil {
		return passwordHash{}, err
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, errSalt := b64.DecodeString(parts[4])
	key, errKey := b64.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return passwordHash{}, errHash
	}
	return passwordHash{cost: hashCost{uint32(memory), uint32(passes), uint8(threads)}, salt: salt, key: key}, nil
}

func parseCost(s string) (memory, passes, threads uint64, err error) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return 0, 0, 0, errHash
	}
	for i, want := range []struct {
		name string
		to   *uint64
		max  uint64
	}{{"m=", &memory, maxStoredMemory}, {"t=", &passes, maxStoredPasses}, {"p=", &threads, 16}} {
		digits, ok := strings.CutPrefix(fields[i], want.name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n == 0 || n > want.max {
			return 0, 0, 0, errHash
		}
		*want.to = n
	}
	if memory < 8*threads {
		return 0, 0, 0, errHash
	}
	return memory, passes, threads, nil
}

// Hasher makes and checks password hashes, a few at a time. Its methods block for a
// hash (about 30 ms of CPU) and may be called from any goroutine; what finds no place
// in the short queue is answered unavailable at once.
type Hasher struct {
	cost    hashCost
	running chan struct{} // held while computing
	waiting chan struct{} // held while computing or in the queue
	wait    time.Duration
	dummy   passwordHash // what unknown accounts are checked against
}

// NewHasher returns a Hasher that computes at most running hashes at once (each 19 MiB)
// and lets at most queue more callers wait, none longer than wait.
func NewHasher(running, queue int, wait time.Duration) *Hasher {
	h := &Hasher{
		cost:    presentCost(),
		running: make(chan struct{}, running),
		waiting: make(chan struct{}, running+queue),
		wait:    wait,
	}
	h.dummy = passwordHash{cost: h.cost, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	rand.Read(h.dummy.salt)
	rand.Read(h.dummy.key)
	return h
}

// Hash returns the PHC string for password, which CheckPassword accepted.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := passwordHash{cost: h.cost, salt: make([]byte, saltBytes)}
	rand.Read(p.salt)
	key, err := h.compute(ctx, p, password, keyBytes)
	if err != nil {
		return "", err
	}
	p.key = key
	return p.String(), nil
}

// Check says whether password is the one of stored, and whether stored should be made
// anew because the cost has changed since. An empty stored hash (an unknown account, or
// one without a password) costs the same work and is never right.
func (h *Hasher) Check(ctx context.Context, stored, password string) (right, upgrade bool, err error) {
	want := h.dummy
	if stored != "" {
		if want, err = parseHash(stored); err != nil {
			return false, false, fault.Wrap(fault.Internal, "internal error", err)
		}
	}
	if len(password) > passwordBytes {
		password = password[:passwordBytes+1] // never right, but bounded work all the same
	}
	key, err := h.compute(ctx, want, password, uint32(len(want.key)))
	if err != nil {
		return false, false, err
	}
	right = subtle.ConstantTimeCompare(key, want.key) == 1 && stored != ""
	return right, right && want.cost != h.cost, nil
}

func (h *Hasher) compute(ctx context.Context, p passwordHash, password string, size uint32) ([]byte, error) {
	release, err := h.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	return argon2.IDKey([]byte(norm.NFKC.String(password)), p.salt, p.cost.passes, p.cost.memory, p.cost.threads, size), nil
}

// enter takes a place among the running, waiting in a bounded queue for a bounded time.
func (h *Hasher) enter(ctx context.Context) (release func(), err error) {
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, busy()
	}
	timer := time.NewTimer(h.wait)
	defer timer.Stop()
	select {
	case h.running <- struct{}{}:
		return func() { <-h.running; <-h.waiting }, nil
	case <-timer.C:
		err = busy()
	case <-ctx.Done():
		err = ctx.Err()
	}
	<-h.waiting
	return nil, err
}

func busy() error {
	e := fault.New(fault.Unavailable, "too many sign-ins at this moment; try again in a second")
	e.RetryAfter = time.Second
	return e
}

// CheckPassword says what is wrong with a new password, or "". It takes about a
// millisecond. The words about the person (names, mail address) are guessed first by
// attackers, and so count for nothing.
func CheckPassword(password string, about ...string) string {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return "must be valid UTF-8"
	case n < PasswordMin:
		return fmt.Sprintf("is too short: use at least %d characters, better a few random words", PasswordMin)
	case n > PasswordMax:
		return fmt.Sprintf("is too long: use at most %d characters", PasswordMax)
	}
	if strings.ContainsRune(password, 0) {
		return "must not contain the NUL character"
	}
	judged := password
	if runes := []rune(password); len(runes) > strengthRunes {
		judged = string(runes[:strengthRunes])
	}
	if zxcvbn.PasswordStrength(judged, personal(about)).Score < strengthScore {
		return "is too easy to guess: use more words, or ones that do not belong together; not your name, dates or keyboard rows"
	}
	return ""
}

// personal bounds the words for zxcvbn: the whole ones and the parts of mail addresses.
func personal(about []string) []string {
	words := []string{"weir"}
	for _, a := range about {
		for _, w := range append([]string{a}, strings.FieldsFunc(a, func(r rune) bool { return strings.ContainsRune("@.+-_ ", r) })...) {
			if len(w) >= 3 && len(w) <= 64 && len(words) < 24 {
				words = append(words, strings.ToLower(w))
			}
		}
	}
	return words
}
