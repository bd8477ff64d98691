package blob

import (
	"fmt"
	"strings"
)

// MaxKey and MaxSegment are the most bytes of a key and of a part of it between
// slashes.
const (
	MaxKey     = 512
	MaxSegment = 200
)

// CheckKey returns nil or an error that is ErrBadKey and says why. A key is one or
// more segments with "/" between them. A segment has letters and digits of ASCII, "-",
// "_" and ".", and does not begin with ".". What people write goes into a key encoded,
// never as it is.
//
// A key that is there and "/" do not begin another one: "a" and "a/b" are not both
// objects. Nobody can check that for a bucket, and MinIO leaves "a/b" out of its lists
// then; fileblob refuses the second of the two with ErrBadKey.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: it is empty", ErrBadKey)
	}
	if len(key) > MaxKey {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrBadKey, len(key), MaxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if err := checkSegment(segment); err != nil {
			return err
		}
	}
	return nil
}

func checkSegment(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: a part between slashes is empty", ErrBadKey)
	case len(s) > MaxSegment:
		return fmt.Errorf("%w: a part of %d bytes, at most %d", ErrBadKey, len(s), MaxSegment)
	case s[0] == '.':
		return fmt.Errorf("%w: a part begins with a dot", ErrBadKey)
	}
	for i := range len(s) {
		if !inSegment(s[i]) {
			return fmt.Errorf("%w: byte %q, not one of A-Z a-z 0-9 - _ .", ErrBadKey, s[i])
		}
	}
	return nil
}

func inSegment(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// CheckPrefix returns nil when s is "", a key, or what a key may begin with; else an
// error that is ErrBadKey. The after of a List is one too.
func CheckPrefix(s string) error {
	if s == "" {
		return nil
	}
	return CheckKey(strings.TrimSuffix(s, "/"))
}
