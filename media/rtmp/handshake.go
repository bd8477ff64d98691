package rtmp

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	version       = 3    // RTMP 5.2.2: plain RTMP; 6 (encrypted) is refused
	handshakeSize = 1536 // of C1, C2, S1, S2
)

// serveHandshake is the server's side of RTMP 5.2. Clients that sign their C1 as
// Flash did get signed answers; the others get an echo. C2 is read, not checked:
// some encoders send anything.
func serveHandshake(src *source, w io.Writer) error {
	b, err := src.take(1)
	if err != nil {
		return fmt.Errorf("handshake: %w", midway(err))
	}
	if b[0] != version {
		return fmt.Errorf("handshake: %w: version %d", ErrProtocol, b[0])
	}
	c1 := make([]byte, handshakeSize)
	if err := src.full(c1); err != nil {
		return fmt.Errorf("handshake: %w", midway(err))
	}
	answer, err := answerHandshake(c1)
	if err != nil {
		return err
	}
	if _, err := w.Write(answer); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if err := src.full(c1); err != nil { // C2
		return fmt.Errorf("handshake: %w", midway(err))
	}
	return nil
}

// answerHandshake makes S0, S1 and S2 for a C1.
func answerHandshake(c1 []byte) ([]byte, error) {
	out := make([]byte, 1+2*handshakeSize)
	out[0] = version
	s1, s2 := out[1:1+handshakeSize], out[1+handshakeSize:]
	if _, err := rand.Read(s1[8:]); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	digest, scheme, ok := findDigest(c1, flashPlayerKey())
	if !ok {
		copy(s2, c1) // the time of reading, bytes 4 to 7, stays the client's
		return out, nil
	}
	copy(s1[4:], serverVersion())
	signDigest(s1, scheme, flashServerKey())
	if _, err := rand.Read(s2); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	signAnswer(s2, digest, flashServerKey())
	return out, nil
}

// clientHandshake is the client's side of RTMP 5.2, plain. The echo of C1 is not
// checked: servers that sign their answers send none.
func clientHandshake(src *source, w io.Writer) error {
	c := make([]byte, 1+handshakeSize)
	c[0] = version
	if _, err := rand.Read(c[9:]); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if _, err := w.Write(c); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	b, err := src.take(1)
	if err != nil {
		return fmt.Errorf("handshake: %w", midway(err))
	}
	if b[0] != version {
		return fmt.Errorf("handshake: %w: version %d", ErrProtocol, b[0])
	}
	s1, s2 := make([]byte, handshakeSize), c[1:]
	if err := src.full(s1); err != nil {
		return fmt.Errorf("handshake: %w", midway(err))
	}
	if err := src.full(s2); err != nil {
		return fmt.Errorf("handshake: %w", midway(err))
	}
	binary.BigEndian.PutUint32(s1[4:], 0) // C2 is S1 with the time of reading
	if _, err := w.Write(s1); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	return nil
}
