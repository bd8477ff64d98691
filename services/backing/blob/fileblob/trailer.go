package fileblob

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// errDamaged is the error of a file with the name of an object that is none.
var errDamaged = errors.New("the file is not an object or is damaged")

// A file ends with the JSON of a trailer, its length (4 bytes, big endian), and magic.
const (
	magic      = "weirblb1"
	tail       = 4 + len(magic)
	maxTrailer = 4096
)

// trailer is what is kept behind an object's bytes.
type trailer struct {
	// Size of the object, once more: a file that was cut and grown again is found.
	Size        int64  `json:"size"`
	ETag        string `json:"etag"`
	ContentType string `json:"type"`
}

// bytes returns the trailer as it is written.
func (t trailer) bytes() ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	if len(b) > maxTrailer {
		return nil, fmt.Errorf("%w: trailer of %d bytes", errDamaged, len(b))
	}
	n := uint32(len(b)) // at most maxTrailer
	return append(binary.BigEndian.AppendUint32(b, n), magic...), nil
}

// readTrailer reads the end of a file of fileSize bytes and returns the object's size.
func readTrailer(r io.ReaderAt, fileSize int64) (trailer, int64, error) {
	var end [tail]byte
	if fileSize < int64(tail) {
		return trailer{}, 0, errDamaged
	}
	if _, err := r.ReadAt(end[:], fileSize-int64(tail)); err != nil {
		return trailer{}, 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	n := int64(binary.BigEndian.Uint32(end[:4]))
	size := fileSize - int64(tail) - n
	if string(end[4:]) != magic || n > maxTrailer || size < 0 {
		return trailer{}, 0, errDamaged
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, size); err != nil {
		return trailer{}, 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	var t trailer
	if err := json.Unmarshal(b, &t); err != nil {
		return trailer{}, 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if t.Size != size {
		return trailer{}, 0, fmt.Errorf("%w: %d bytes of %d", errDamaged, size, t.Size)
	}
	return t, size, nil
}
