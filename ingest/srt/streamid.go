package srt

import (
	"errors"
	"strings"
)

// maxStreamID bounds a streamid; SRT itself allows 512 bytes.
const maxStreamID = 512

var errStreamID = errors.New("the streamid names no stream key: give publish:KEY")

// keyOf finds the stream key in a streamid: publish:KEY, the key alone, or the syntax of
// SRT's access control guidelines, #!::m=publish,r=KEY.
func keyOf(id string) (string, error) {
	if len(id) > maxStreamID {
		return "", errStreamID
	}
	if list, ok := strings.CutPrefix(id, "#!::"); ok {
		return keyIn(list)
	}
	if key, ok := strings.CutPrefix(id, "publish:"); ok {
		id = key
	}
	if id == "" || strings.ContainsAny(id, ":/, ") {
		return "", errStreamID
	}
	return id, nil
}

// keyIn reads key=value pairs.
func keyIn(list string) (key string, err error) {
	mode := "request"
	for pair := range strings.SplitSeq(list, ",") {
		switch name, value, _ := strings.Cut(pair, "="); name {
		case "m":
			mode = value
		case "r":
			key = value
		}
	}
	if mode != "publish" || key == "" {
		return "", errStreamID
	}
	return key, nil
}
