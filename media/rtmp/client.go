package rtmp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
)

const (
	clientWriteBuffer = 16 << 10
	viaProperty       = "weirVia" // of connect: Target.Via with blanks between; other servers pass over it
)

// Target is where a Client publishes.
type Target struct {
	App string // as in rtmp://host/APP/KEY
	Key string // the secret, with its query if any
	// URL is rtmp://host/APP; some servers choose a virtual host by it.
	URL string
	// Via are marks of where the stream was before, for servers that know them: weir's own.
	Via []string
}

// String leaves the key out.
func (t Target) String() string { return t.URL }

// Client publishes one stream to a server. Its Write methods may be called from
// several goroutines, but the order of frames is then theirs.
type Client struct {
	conn     io.Closer
	wire     wire
	target   Target
	streamID uint32

	reader sync.WaitGroup
	mu     sync.Mutex
	err    error // why the reader ended
	ended  bool
}

// Dial connects to rtmp://host[:port]/app/key or rtmps://..., and publishes. The
// last element of the path is the key. ctx bounds the whole of that, as
// Limits.GreetingTime does. Errors never hold the key.
func Dial(ctx context.Context, rawURL string, l Limits) (*Client, error) {
	address, secure, t, err := splitURL(rawURL)
	if err != nil {
		return nil, err
	}
	var c net.Conn
	if secure {
		c, err = new(tls.Dialer).DialContext(ctx, "tcp", address)
	} else {
		c, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, fmt.Errorf("publish to %v: %w", t, err)
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	client, err := NewClient(c, t, l)
	if !stop() && err == nil {
		err = errors.Join(ctx.Err(), client.Close())
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("publish to %v: %w", t, err)
	}
	return client, nil
}

// splitURL takes a publish URL apart.
func splitURL(raw string) (address string, secure bool, t Target, err error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "rtmp" && u.Scheme != "rtmps" {
		return "", false, t, fmt.Errorf("%w: not a URL like rtmp://host/app/key", ErrProtocol)
	}
	port := "1935"
	if secure = u.Scheme == "rtmps"; secure {
		port = "443"
	}
	if address = u.Host; u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), port)
	}
	path := strings.Trim(u.Path, "/")
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", false, t, fmt.Errorf("%w: the URL has no key: rtmp://host/app/key", ErrProtocol)
	}
	t = Target{App: path[:i], Key: path[i+1:], URL: u.Scheme + "://" + u.Host + "/" + path[:i]}
	if u.RawQuery != "" {
		t.Key += "?" + u.RawQuery
	}
	return address, secure, t, nil
}

// NewClient publishes over a connection and starts the goroutine that listens to
// the server; Close ends it and closes c. After an error c is the caller's. The
// error wraps ErrRefused, with the server's words, when that said no.
func NewClient(c interface {
	Conn
	io.Closer
}, t Target, l Limits) (*Client, error) {
	x := &Client{conn: c, target: t}
	x.wire.init(c, l, clientWriteBuffer)
	if err := clientHandshake(x.wire.src, outbound{&x.wire}); err != nil {
		return nil, err
	}
	if err := x.publish(); err != nil {
		return nil, err
	}
	x.wire.patient = true
	x.wire.granted()
	x.reader.Add(1)
	go func() {
		defer x.reader.Done()
		x.listen()
	}()
	return x, nil
}

// publish says the commands of a publisher, one after the other.
func (c *Client) publish() error {
	if err := c.wire.announceChunkSize(); err != nil {
		return err
	}
	object := Object{{"app", c.target.App}, {"type", "nonprivate"}, {"flashVer", "FMLE/3.0 (compatible; weir)"}, {"tcUrl", c.target.URL}}
	if len(c.target.Via) > 0 {
		object = append(object, Property{viaProperty, strings.Join(c.target.Via, " ")})
	}
	object = append(object, ourCapabilities().properties()...)
	if _, err := c.call(csCommand, 0, "connect", 1, object); err != nil {
		return err
	}
	for i, name := range [...]string{"releaseStream", "FCPublish"} {
		m := commandMessage(0, name, float64(2+i), nil, c.target.Key)
		if err := c.wire.send(csCommand, m); err != nil {
			return err
		}
	}
	made, err := c.call(csCommand, 0, "createStream", 4, nil)
	if err != nil {
		return err
	}
	c.streamID = made.number(1)
	_, err = c.call(csData, c.streamID, "publish", 5, nil, c.target.Key, "live")
	return err
}

// call sends a command and waits for its answer; that of publish is an onStatus.
func (c *Client) call(csid byte, streamID uint32, name string, transaction float64, args ...any) (command, error) {
	if err := c.wire.send(csid, commandMessage(streamID, name, transaction, args...)); err != nil {
		return command{}, err
	}
	for {
		m, err := c.wire.next()
		if err != nil {
			return command{}, fmt.Errorf("%s: %w", name, err)
		}
		if m.Type != TypeCommand && m.Type != TypeCommandAMF3 {
			continue
		}
		got, err := parseCommand(m, c.wire.limits)
		if err != nil {
			return command{}, err
		}
		switch {
		case c.refusal(got) != nil && (got.name == "onStatus" || got.transaction == transaction):
			return got, c.refusal(got)
		case got.name == "_result" && got.transaction == transaction,
			got.name == "onStatus" && name == "publish":
			return got, nil
		}
	}
}

// refusal is the error in an answer, nil when it holds none.
func (c *Client) refusal(got command) error {
	var info Object
	if len(got.args) > 1 {
		info = Properties(got.args[1])
	}
	if got.name != "_error" && (got.name != "onStatus" || info.Text("level") != "error") {
		return nil
	}
	words := info.Text("description")
	if words == "" {
		words = info.Text("code")
	}
	if c.target.Key != "" {
		words = strings.ReplaceAll(words, c.target.Key, "KEY")
	}
	return fmt.Errorf("%w: %s", ErrRefused, words)
}

// listen answers the server until the connection ends or it refuses to go on.
func (c *Client) listen() {
	for {
		m, err := c.wire.next()
		if err == nil && (m.Type == TypeCommand || m.Type == TypeCommandAMF3) {
			var got command
			got, err = parseCommand(m, c.wire.limits)
			switch {
			case err == nil && got.name == "onStatus":
				err = c.refusal(got)
			case !errors.Is(err, ErrLimit):
				err = nil
			}
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// Err is why the connection has ended, nil while it lives as far as is known.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// WriteVideo sends one Tag with its decoding time in milliseconds. It blocks
// until the connection has taken it, for Limits.WriteTime at most. t.Body is not
// kept. A Tag of H.264 goes out in the classic form unless t.Enhanced is set.
func (c *Client) WriteVideo(timestamp uint32, t Tag) error {
	return c.write(csVideo, TypeVideo, timestamp, appendTagHeader(nil, t, true), t.Body)
}

// WriteAudio does for sound what WriteVideo does for the picture.
func (c *Client) WriteAudio(timestamp uint32, t Tag) error {
	return c.write(csAudio, TypeAudio, timestamp, appendTagHeader(nil, t, false), t.Body)
}

// WriteMetadata sends onMetaData; call it before the first frame.
func (c *Client) WriteMetadata(timestamp uint32, properties Array) error {
	return c.write(csData, TypeData, timestamp, appendAMF0(nil, "@setDataFrame", "onMetaData", properties), nil)
}

func (c *Client) write(csid byte, t MessageType, timestamp uint32, head, body []byte) error {
	if err := c.Err(); err != nil {
		return err
	}
	m := Message{Type: t, StreamID: c.streamID, Timestamp: timestamp, Body: head}
	if err := c.wire.sendParts(csid, m, body); err != nil {
		c.fail(err)
		return c.Err()
	}
	return nil
}

// Close says goodbye, closes the connection and waits for the listener to end.
// Calls after the first do nothing.
func (c *Client) Close() error {
	c.mu.Lock()
	ended := c.ended
	c.ended = true
	c.mu.Unlock()
	if ended {
		return nil
	}
	var err error
	if c.Err() == nil {
		err = c.wire.send(csCommand, commandMessage(0, "FCUnpublish", 6, nil, c.target.Key))
		if err == nil {
			err = c.wire.send(csCommand, commandMessage(0, "deleteStream", 7, nil, float64(c.streamID)))
		}
	}
	err = errors.Join(err, c.conn.Close())
	c.reader.Wait()
	return err
}
