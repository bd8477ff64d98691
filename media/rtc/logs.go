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

func (line) Trace(string)          {}
func (line) Tracef(string, ...any) {}
func (line) Debug(string)          {}
func (line) Debugf(string, ...any) {}
func (line) Info(string)           {}
func (line) Infof(string, ...any)  {}

func (l line) Warn(msg string)               { l.log.Debug("webrtc: " + msg) }
func (l line) Warnf(format string, a ...any) { l.log.Debug("webrtc: " + fmt.Sprintf(format, a...)) }
func (l line) Error(msg string)              { l.log.Debug("webrtc: " + msg) }
func (l line) Errorf(format string, a ...any) {
	l.log.Debug("webrtc: " + fmt.Sprintf(format, a...))
}
