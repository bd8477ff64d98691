package main

import (
	"net"
	"os/exec"
	"strings"
	"testing"
)

// What libraries write by themselves is not in doctor's report, nor beside it.
func TestDoctorAlone(t *testing.T) {
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	cmd := exec.CommandContext(limited(t), bin, "doctor")
	cmd.Dir, cmd.Env = t.TempDir(), quiet("WEIR_REDIS_URL=redis://u:hush@"+closed.Addr().String())
	out, _ := cmd.CombinedOutput() // it fails: Redis is not there
	if !strings.Contains(string(out), "BAD  WEIR_REDIS_URL: does not answer") {
		t.Errorf("%s", out)
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "ok   ") && !strings.HasPrefix(line, "BAD  ") && !strings.HasPrefix(line, "weir: ") {
			t.Errorf("somebody else's line: %s", line)
		}
	}
}
