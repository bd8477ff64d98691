package main

import (
	"strings"
	"testing"
)

func TestTally(t *testing.T) {
	tests := map[string]struct {
		in             string
		passed, failed int
		out            string
	}{
		"passes": {`{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Elapsed":0.5}`, 2, 0, "ok  \tp\t0.500s\n"},
		"a test fails": {`{"Action":"output","Package":"p","Test":"TestA","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}`, 0, 1, "why\nFAIL\n"},
		"does not build": {`{"ImportPath":"p","Action":"build-output","Output":"syntax error\n"}
{"Action":"fail","Package":"p"}`, 0, 1, "syntax error\n"},
		"not JSON": {"go: cannot find main module", 0, 1, "go: cannot find main module\n"},
		"skipped and without tests": {`{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"skip","Package":"q"}`, 0, 0, ""},
	}
	for name, tc := range tests {
		var out strings.Builder
		passed, failed, err := tally(strings.NewReader(tc.in), &out)
		if err != nil || passed != tc.passed || failed != tc.failed || out.String() != tc.out {
			t.Errorf("%s: %d passed, %d failed, %v, %q", name, passed, failed, err, out.String())
		}
	}
}
