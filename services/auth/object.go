package auth

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxMembers bounds the names of one JSON object.
const maxMembers = 32

// object is a JSON object whose names are as written. encoding/json would take
// "SUB" for "sub" and the last of two; here a name twice is an error (RFC 7519
// section 4 lets us) and another case is another name.
type object map[string]json.RawMessage

// parseObject reads one JSON object and nothing after it. Memory and time are
// bounded by the caller, who bounds data; the values are pieces of data.
func parseObject(data []byte) (object, error) {
	rest := bytes.TrimLeft(data, blanks)
	if !json.Valid(data) || rest[0] != '{' {
		return nil, ErrMalformed
	}
	o := object{}
	rest = bytes.TrimLeft(rest[1:], blanks)
	for rest[0] != '}' {
		n := valueLength(rest)
		name, err := unquote(rest[:n])
		if _, twice := o[name]; err != nil || twice || len(o) == maxMembers {
			return nil, ErrMalformed
		}
		rest = bytes.TrimLeft(rest[n:], blanks+":")
		n = valueLength(rest)
		o[name] = json.RawMessage(rest[:n])
		rest = bytes.TrimLeft(rest[n:], blanks+",")
	}
	return o, nil
}

const blanks = " \t\r\n" // of JSON: RFC 8259 section 2

// valueLength is the length of the value that valid JSON begins with.
func valueLength(data []byte) int {
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
			if !inText && depth == 0 {
				return i + 1
			}
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth < 0 { // a number, at the end of the object around it
				return i
			} else if depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || strings.IndexByte(blanks, c) >= 0):
			return i
		}
	}
	return len(data)
}

// unquote is the text of a JSON string.
func unquote(value []byte) (string, error) {
	if value[0] == '"' && bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value) {
		return string(value[1 : len(value)-1]), nil // nearly always, at a tenth of the price
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err
}

// member is a name and where its value goes.
type member struct {
	name string
	out  any
}

// get reads the member into out. A missing one leaves out as it is and reports
// false; null and a wrong type are errors.
func (o object) get(name string, out any) (bool, error) {
	value, ok := o[name]
	if !ok {
		return false, nil
	}
	if bytes.Equal(value, []byte("null")) {
		return true, ErrMalformed
	}
	if s, isText := out.(*string); isText {
		var err error
		if *s, err = unquote(value); err != nil {
			return true, ErrMalformed
		}
		return true, nil
	}
	if json.Unmarshal(value, out) != nil {
		return true, ErrMalformed
	}
	return true, nil
}

// text is a member that is a string; "" when it is missing.
func (o object) text(name string) (string, error) {
	var s string
	_, err := o.get(name, &s)
	return s, err
}
