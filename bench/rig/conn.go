package rig

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// Conn is a kept-alive connection of a viewer that reads no more than it must.
type Conn struct {
	net.Conn
	r *bufio.Reader
}

// Dial opens one with a buffer of so many bytes.
func Dial(ctx context.Context, addr string, buffer int) (*Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{c, bufio.NewReaderSize(c, buffer)}, nil
}

// DialAll opens n connections; all are closed on failure.
func DialAll(ctx context.Context, addr string, n, buffer int) (list []*Conn, err error) {
	for range n {
		c, err := Dial(ctx, addr, buffer)
		if err != nil {
			HangUp(list)
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// HangUp closes them.
func HangUp(list []*Conn) {
	for _, c := range list {
		c.Close()
	}
}

// Ask sends a request.
func (c *Conn) Ask(path string) error {
	_, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: weir\r\nAccept-Encoding: gzip\r\n\r\n")
	return err
}

// Answer reads a whole answer and returns the size of its body.
func (c *Conn) Answer() (int, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return 0, fmt.Errorf("answered %q", line)
	}
	size := -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return 0, err
			}
		}
	}
	if size < 0 {
		return 0, fmt.Errorf("an answer without Content-Length")
	}
	_, err = c.r.Discard(size)
	return size, err
}

// Hammer asks for path over all connections, one request after the other on each,
// for a time. It returns the number of answers and the size of the last.
func Hammer(list []*Conn, path string, length time.Duration) (requests, size int, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for _, c := range list {
		all.Go(func() {
			n, last := 0, 0
			var e error
			for e == nil && time.Now().Before(end) {
				if e = c.Ask(path); e == nil {
					last, e = c.Answer()
				}
				n++
			}
			mu.Lock()
			defer mu.Unlock()
			requests += n
			if e != nil {
				err = e
			}
			size = max(size, last)
		})
	}
	all.Wait()
	return requests, size, err
}
