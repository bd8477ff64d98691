package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestTolerance: what is of no use is passed over, unless there is nothing else.
func TestTolerance(t *testing.T) {
	bad := fmt.Errorf("a picture: %w", &BadMedia{errors.New("cut off")})
	var x Tolerance
	for range 2 {
		for n := range maxBad {
			if err := x.Forgive(bad); err != nil {
				t.Fatalf("after %d: %v", n, err)
			}
		}
		x.Good()
	}
	if err := x.Forgive(ErrClosing); !errors.Is(err, ErrClosing) {
		t.Errorf("another error became %v", err)
	}
	if err := x.Forgive(nil); err != nil || x.Dropped != 2*maxBad {
		t.Errorf("nothing became %v, %d dropped", err, x.Dropped)
	}
	var err error
	for err == nil && x.Dropped < 10*maxBad {
		err = x.Forgive(bad)
	}
	var end *StreamError
	if !errors.As(err, &end) || x.Dropped != 3*maxBad+1 || !strings.HasPrefix(Words(err), "nothing in this stream can be decoded") {
		t.Errorf("after %d: %v", x.Dropped, err)
	}
}
