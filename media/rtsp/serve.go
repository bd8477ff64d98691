package rtsp

import (
	"context"
	"fmt"

	"github.com/bluenviron/gortsplib/v5"
)

// Serve runs the library's server until ctx ends, which is no error, or its port breaks.
// It returns when the library's goroutines have ended.
func Serve(ctx context.Context, lib *gortsplib.Server) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // asked to stop before it began
	}
	if err := lib.Start(); err != nil {
		return fmt.Errorf("rtsp: %w", err)
	}
	over := make(chan error, 1)
	go func() { over <- lib.Wait() }()
	select {
	case <-ctx.Done():
		lib.Close()
		<-over
		return nil
	case err := <-over:
		return fmt.Errorf("rtsp: %w", err)
	}
}
