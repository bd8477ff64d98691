package live

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrName is returned for a name that no stream may have. Its text says what a
// name looks like.
var ErrName = errors.New("a name is 1 to 63 of a-z, 0-9, - and _, and begins with a letter or digit")

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// ValidName says whether a stream may be called name.
func ValidName(name string) bool { return namePattern.MatchString(name) }

func checkName(name string) error {
	if !ValidName(name) {
		return fmt.Errorf("%.80q: %w", name, ErrName)
	}
	return nil
}
