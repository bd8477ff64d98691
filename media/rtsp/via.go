package rtsp

import (
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// viaHeader has marks of where a stream was, with blanks between, for another weir that
// fetches it.
const viaHeader = "Weir-Via"

// TellVia is the header of an answer with those marks.
func TellVia(marks []string) base.Header {
	if len(marks) == 0 {
		return nil
	}
	return base.Header{viaHeader: base.HeaderValue{strings.Join(marks, " ")}}
}

// Via are the marks in the header of an answer.
func Via(h base.Header) []string {
	if v := h[viaHeader]; len(v) > 0 {
		return strings.Fields(v[0])
	}
	return nil
}
