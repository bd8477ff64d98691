package ingest

import "errors"

// maxBad is how many pieces of media in a row may be of no use before the stream is given
// up: some 20 s of one.
const maxBad = 1000

// Tolerance passes over what is of no use in a publisher's stream, as long as something
// else comes too. One goroutine uses it.
type Tolerance struct {
	Dropped int // pieces of no use
	bad     int // of them since the last one of use
}

// Forgive counts a *BadMedia and forgets it. Every other error it gives back, and a
// *StreamError when nothing of use has come for too long.
func (t *Tolerance) Forgive(err error) error {
	if bad := (*BadMedia)(nil); !errors.As(err, &bad) {
		return err
	}
	t.Dropped++
	if t.bad++; t.bad > maxBad {
		return &StreamError{Words: "nothing in this stream can be decoded", Err: err}
	}
	return nil
}

// Good says that a piece of use has come.
func (t *Tolerance) Good() { t.bad = 0 }
