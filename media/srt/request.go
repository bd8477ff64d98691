package srt

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Code is why a caller is turned away: table 7 of the draft, or from 1400 on what SRT's
// access control guidelines add.
type Code uint32

// Codes that a listener needs.
const (
	CodeResource   Code = 1003
	CodeRogue      Code = 1004
	CodeBacklog    Code = 1005
	CodeClose      Code = 1007
	CodeVersion    Code = 1008
	CodeBadSecret  Code = 1010
	CodeUnsecure   Code = 1011
	CodeMessageAPI Code = 1012
	CodeCongestion Code = 1013
	CodeFilter     Code = 1014

	CodeBadRequest Code = 1400
	CodeOverload   Code = 1402
	CodeForbidden  Code = 1403
	CodeConflict   Code = 1407
	CodeInternal   Code = 1500
	CodeDown       Code = 1503
)

// Request is a caller that wants to send. It must be answered: with Accept or Reject.
type Request struct {
	l    *Listener
	peer peerID
	hs   handshake
	when clock // of its time stamps
	keys *keys
}

// newRequest takes over a conclusion, or says why not (4.3.1.2). The handshake may alias
// memory that is used again.
func newRequest(l *Listener, peer peerID, hs handshake, stamp uint32, now int64) (*Request, Code) {
	const needed = flagTSBPDSnd | flagRexmit // time stamps to go by, and the R flag in its place
	switch {
	case hs.version != 5:
		return nil, CodeVersion
	case hs.hello == nil || hs.hello.flags&needed != needed || hs.mtu < headSize+8+20+1:
		return nil, CodeRogue
	case hs.hello.flags&flagStream != 0:
		return nil, CodeMessageAPI
	case hs.congestion != "" && hs.congestion != "live":
		return nil, CodeCongestion
	case hs.filter:
		return nil, CodeFilter
	}
	if hs.km != nil {
		if _, err := parseMaterial(hs.km); err != nil {
			return nil, CodeRogue
		}
		hs.km = slices.Clone(hs.km)
	}
	return &Request{l: l, peer: peer, hs: hs, when: newClock(stamp, now)}, 0
}

// Peer is the caller's address.
func (r *Request) Peer() netip.AddrPort { return r.peer.addr }

// StreamID is what the caller wants, in its own words, of at most 512 bytes.
func (r *Request) StreamID() string { return r.hs.streamID }

// Encrypted tells whether the caller wants to encrypt.
func (r *Request) Encrypted() bool { return r.hs.km != nil }

// Unlock opens the caller's key with a passphrase; an error: it has another one. It has to be
// done before Accept where the caller encrypts.
func (r *Request) Unlock(passphrase string) error {
	m, err := parseMaterial(r.hs.km)
	if err != nil {
		return err
	}
	r.l.opening.Lock()
	defer r.l.opening.Unlock()
	r.keys, err = newKeys(passphrase, m)
	return err
}

// Reject turns the caller away.
func (r *Request) Reject(code Code) {
	if r.l.settle(r, nil) == nil {
		r.l.write(r.l.rejection(nil, r.peer, r.hs, code), r.peer.addr)
	}
}

// Accept lets the caller send.
func (r *Request) Accept() (*Conn, error) {
	if r.Encrypted() && r.keys == nil {
		r.Reject(CodeBadSecret)
		return nil, errors.New("srt: the key of an encrypted caller was not unlocked")
	}
	c := r.conn(r.l.now())
	if err := r.l.settle(r, c); err != nil {
		return nil, err
	}
	r.l.write(c.answer, c.peer.addr)
	return c, nil
}

// conn is the connection that the caller gets, and the answer that tells it so.
func (r *Request) conn(now int64) *Conn {
	wish := time.Duration(r.hs.hello.send) * time.Millisecond
	latency := max(r.l.latency, min(wish, r.l.longest)) // 4.4: the larger wish of both
	c := &Conn{
		l: r.l, id: newID(), peer: r.peer, udp: net.UDPAddrFromAddrPort(r.peer.addr), latency: latency.Microseconds(),
		ready: make(chan struct{}, 1), buf: newBuffer(r.hs.isn, r.l.room), clock: r.when, keys: r.keys,
		heard: now, spoke: now, counted: now, acked: r.hs.isn, rekey: now,
		rtt: 100_000, rttVar: -1, // 4.10: until it is measured
	}
	hs := r.hs
	hs.ext, hs.mtu, hs.window, hs.id, hs.cookie, hs.peer = hasHS, min(hs.mtu, 1500), uint32(r.l.room), c.id, 0, r.peer.addr.Addr()
	if hs.km != nil {
		hs.ext |= hasKM
	}
	hs.hello = &hello{
		version: srtVersion, flags: ourFlags, receive: uint16(latency.Milliseconds()),
		send: max(uint16(r.l.latency.Milliseconds()), r.hs.hello.receive),
	}
	c.answer = hs.append(appendControl(nil, ctrlHandshake, 0, 0, uint32(now), r.peer.id))
	return c
}

// newID is a socket ID that nobody can guess. The bit of groups is not set.
func newID() uint32 {
	var b [4]byte
	for {
		rand.Read(b[:])
		if id := binary.BigEndian.Uint32(b[:]) & (1<<30 - 1); id != 0 {
			return id
		}
	}
}
