package db

import (
	"errors"
	"fmt"
	"time"

	"weir/services/fault"
)

// Fault makes an error of this package one for the caller of a service; what already is
// a fault stays as it is. service begins the text of what nobody expected.
func Fault(service string, err error) error {
	var known *fault.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, ErrUnavailable):
		e := fault.Wrap(fault.Unavailable, "the database is not available; try again in a few seconds", err)
		e.RetryAfter = 2 * time.Second
		return e
	case errors.Is(err, ErrConflict):
		return fault.Wrap(fault.Conflict, "somebody else was faster; read again and retry", err)
	case errors.Is(err, ErrRefused):
		return fault.Wrap(fault.Invalid, "a value cannot be stored", err)
	}
	return fmt.Errorf("%s: %w", service, err)
}
