package rig

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Child runs this program again with args, for what has to have a process of its own,
// and ends it after use, which gets the first line that it wrote.
func Child(ctx context.Context, args []string, use func(line string, p Process) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if e := cmd.Wait(); err == nil {
			err = e
		}
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return err
	}
	return use(strings.TrimSpace(line), Process(cmd.Process.Pid))
}
