package rtmp

import (
	"errors"
	"io"
)

// What ends a connection. Errors of this package wrap one of these, or are those
// of the connection underneath (io.EOF when the peer left between two messages).
var (
	// ErrProtocol: the peer's bytes make no sense.
	ErrProtocol = errors.New("not RTMP as we know it")
	// ErrLimit: the peer asks for more than Limits allows.
	ErrLimit = errors.New("limit exceeded")
	// ErrGoodbye: the publisher ended its stream in good order.
	ErrGoodbye = errors.New("publisher said goodbye")
	// ErrPlay: the peer wants to play, which is not done over RTMP here. It has
	// been told so.
	ErrPlay = errors.New("playing over RTMP is not offered")
	// ErrPublish: the peer wants to publish where one can only play. It has been told so.
	ErrPublish = errors.New("publishing is not offered here")
	// ErrInterrupted: our own side called Interrupt.
	ErrInterrupted = errors.New("interrupted")
	// ErrRefused: the server that a Client talks to said no.
	ErrRefused = errors.New("refused by the server")
)

// midway turns the end of input inside a chunk into io.ErrUnexpectedEOF.
func midway(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
