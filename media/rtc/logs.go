package rtc

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// logs writes what pion says as debug lines: peers can cause any number of them.
type logs struct{ log *slog.Logger }

// NewLogger is for one part of pion.
func (l logs) NewLogger(scope string) logging.LeveledLogger { return line{l.log.With("part", scope)} }

type line struct{ log *slog.Logger }

// Trace is left out.
func (line) Trace(string) {}

// Tracef is left out.
func (line) Tracef(string, ...any) {}

// Debug is left out.
func (line) Debug(string) {}

// Debugf is left out.
func (line) Debugf(string, ...any) {}

// Info is left out.
func (line) Info(string) {}

// Infof is left out.
func (line) Infof(string, ...any) {}

// Warn is a debug line.
func (l line) Warn(msg string) { l.log.Debug("webrtc: " + msg) }

// Warnf is a debug line.
func (l line) Warnf(format string, a ...any) { l.Warn(fmt.Sprintf(format, a...)) }

// Error is a debug line.
func (l line) Error(msg string) { l.Warn(msg) }

// Errorf is a debug line.
func (l line) Errorf(format string, a ...any) { l.Warnf(format, a...) }
