package main

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

// conn is a kept-alive connection of a viewer that reads no more than it must.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func dial(ctx context.Context, addr string, buffer int) (*conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReaderSize(c, buffer)}, nil
}

// dialAll opens n connections; all are closed on failure.
func dialAll(ctx context.Context, addr string, n, buffer int) (list []*conn, err error) {
	for range n {
		c, err := dial(ctx, addr, buffer)
		if err != nil {
			hangUp(list)
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func hangUp(list []*conn) {
	for _, c := range list {
		c.Close()
	}
}

// ask sends a request.
func (c *conn) ask(path string) error {
	_, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: weir\r\nAccept-Encoding: gzip\r\n\r\n")
	return err
}

// answer reads a whole answer and returns the size of its body.
func (c *conn) answer() (int, error) {
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

// hammer asks for path over all connections, one request after the other on each,
// for a time. It returns the number of answers and the size of the last.
func hammer(list []*conn, path string, length time.Duration) (requests, size int, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	end := time.Now().Add(length)
	for _, c := range list {
		all.Go(func() {
			n, last := 0, 0
			var e error
			for e == nil && time.Now().Before(end) {
				if e = c.ask(path); e == nil {
					last, e = c.answer()
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
