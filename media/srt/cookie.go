package srt

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// cookieTime is how long a cookie is good for, at least, in microseconds.
const cookieTime = 30_000_000

// cookies prove that a caller gets what is sent to its address, and nothing is kept of it
// until then (4.3.1.1).
type cookies [32]byte

func newCookies() (c cookies) {
	rand.Read(c[:])
	return c
}

// bake gives the cookie of an address at a time.
func (c *cookies) bake(from netip.AddrPort, now int64) uint32 { return c.of(from, now/cookieTime) }

// fits tells whether a cookie was given to that address, a short while ago.
func (c *cookies) fits(cookie uint32, from netip.AddrPort, now int64) bool {
	n := now / cookieTime
	return cookie == c.of(from, n) || cookie == c.of(from, n-1)
}

func (c *cookies) of(from netip.AddrPort, period int64) uint32 {
	ip := from.Addr().As16()
	m := hmac.New(sha256.New, c[:])
	m.Write(ip[:])
	m.Write(binary.BigEndian.AppendUint16(nil, from.Port()))
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(period)))
	return binary.BigEndian.Uint32(m.Sum(nil))
}
