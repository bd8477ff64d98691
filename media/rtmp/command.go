package rtmp

import (
	"errors"
	"fmt"
	"strings"
)

// command is a decoded command message (RTMP 7.2).
type command struct {
	name        string
	transaction float64
	args        []any // behind the command object, which is args[0]
	streamID    uint32
}

// parseCommand reads a command message of either encoding. Values that cannot
// be read are left out, unless they go beyond the limits: what matters stands at
// the front.
func parseCommand(m Message, l Limits) (command, error) {
	c := command{streamID: m.StreamID}
	values, err := DecodeAMF0(amf0Body(m), l)
	if errors.Is(err, ErrLimit) {
		return c, fmt.Errorf("command: %w", err)
	}
	if len(values) > 0 {
		c.name, _ = values[0].(string)
	}
	if c.name == "" {
		return c, fmt.Errorf("command: %w: no name", ErrProtocol)
	}
	if len(values) > 1 {
		c.transaction, _ = values[1].(float64)
		c.args = values[2:]
	}
	return c, nil
}

// amf0Body is the body of a command or data message without the byte that
// announces the encoding in messages of the AMF3 types; all known senders put
// AMF0 behind it.
func amf0Body(m Message) []byte {
	if (m.Type == TypeCommandAMF3 || m.Type == TypeDataAMF3) && len(m.Body) > 0 && m.Body[0] == 0 {
		return m.Body[1:]
	}
	return m.Body
}

// object is the command object as properties, nil when it is none.
func (c command) object() Object {
	if len(c.args) == 0 {
		return nil
	}
	return Properties(c.args[0])
}

// text is argument i if that is a string; the command object counts as 0.
func (c command) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, _ := c.args[i].(string)
	return s
}

// number is argument i if that is a number that fits a stream id, else 0.
func (c command) number(i int) uint32 {
	if i >= len(c.args) {
		return 0
	}
	f, _ := c.args[i].(float64)
	if !(f >= 0 && f <= 1<<32-1) {
		return 0
	}
	return uint32(f)
}

// commandMessage encodes a command for the message stream.
func commandMessage(streamID uint32, name string, transaction float64, args ...any) Message {
	b := appendAMF0(nil, name, transaction)
	return Message{Type: TypeCommand, StreamID: streamID, Body: appendAMF0(b, args...)}
}

// Status codes of onStatus and _result (RTMP 7.2).
const (
	CodeConnectSuccess   = "NetConnection.Connect.Success"
	CodeReconnectRequest = "NetConnection.Connect.ReconnectRequest" // Enhanced RTMP v2
	CodePublishStart     = "NetStream.Publish.Start"
	CodePublishBadName   = "NetStream.Publish.BadName"
	CodeUnpublishSuccess = "NetStream.Unpublish.Success"
	CodePlayNotFound     = "NetStream.Play.StreamNotFound"
	CodePlayFailed       = "NetStream.Play.Failed"
	CodePlayReset        = "NetStream.Play.Reset"
	CodePlayStart        = "NetStream.Play.Start"
	CodePlayGone         = "NetStream.Play.UnpublishNotify"
	CodeFailed           = "NetStream.Failed"
)

// status is the information object of a command's answer.
func status(level, code, words string) Object {
	return Object{{"level", level}, {"code", code}, {"description", words}}
}

// publishName splits what a publisher sent into an app and a key. The key is the
// publish name without its query; when there is none, the last element of the
// app is the key, which is what URLs without a stream name amount to.
func publishName(app, name string) (cleanApp, key string) {
	app, _, _ = strings.Cut(app, "?")
	app = strings.Trim(app, "/")
	name, _, _ = strings.Cut(name, "?")
	name = strings.Trim(name, "/")
	if name == "" {
		if i := strings.LastIndexByte(app, '/'); i >= 0 {
			app, name = strings.TrimRight(app[:i], "/"), app[i+1:]
		}
	}
	return app, name
}
