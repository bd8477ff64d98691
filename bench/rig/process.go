package rig

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Process is a process id whose books can be read.
type Process int

// kernelTick is the unit of /proc/PID/stat: 100 a second on every Linux.
const kernelTick = 10 * time.Millisecond

// CPU is the time that all threads of the process have had so far.
func (p Process) CPU() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", int(p)))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d: %q", int(p), text)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * kernelTick, err
}

// RSS is the memory that is resident now, in bytes.
func (p Process) RSS() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", int(p)))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", int(p))
}

// CPUFor runs f and returns the CPU time that the process had meanwhile, and how
// long it took.
func (p Process) CPUFor(f func() error) (cpu, took time.Duration, err error) {
	before, err := p.CPU()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	after, err := p.CPU()
	return after - before, took, err
}
