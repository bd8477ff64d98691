package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrEnded is the error of a service that returned without being asked to.
var ErrEnded = errors.New("ended by itself")

// Service is a part of the process that serves until it is told to stop.
type Service interface {
	// Name is the short name used in errors, such as "gateway".
	Name() string
	// Run blocks until ctx is done and then returns nil, or returns the error
	// that ended it earlier. It is called once. When it returns, every goroutine
	// that it started has ended and all that was opened for it is closed; called
	// with a done context it only closes.
	Run(ctx context.Context) error
}

// Stages runs the services of stages[0], inside them those of stages[1], and so
// on. It blocks until ctx is done or any service returns; then the last stage is
// stopped, and each stage before it once every later one has ended. The errors of
// all services are joined, each with the name of its service. A service that
// returns nil while its context is live counts as failed with ErrEnded.
func Stages(ctx context.Context, stages ...[]Service) error {
	if len(stages) == 0 {
		<-ctx.Done()
		return nil
	}
	// This stage outlives ctx: it is stopped only after the stages inside it.
	own, stopOwn := context.WithCancel(context.WithoutCancel(ctx))
	defer stopOwn()
	inner, stopInner := context.WithCancel(ctx)
	defer stopInner()

	errs := make([]error, len(stages[0])+1)
	var wg sync.WaitGroup
	for i, s := range stages[0] {
		wg.Go(func() {
			defer stopInner()
			errs[i] = runOne(own, s)
		})
	}
	errs[len(stages[0])] = Stages(inner, stages[1:]...)
	stopOwn()
	wg.Wait()
	return errors.Join(errs...)
}

func runOne(ctx context.Context, s Service) error {
	err := s.Run(ctx)
	if err == nil && ctx.Err() == nil {
		err = ErrEnded
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name(), err)
	}
	return nil
}
