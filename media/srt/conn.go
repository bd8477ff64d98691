package srt

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Why a connection ended, beside io.EOF, the sender's goodbye, and net.ErrClosed, ours.
var (
	ErrGone  = errors.New("srt: nothing came any more")
	ErrFlood = errors.New("srt: too much was sent that is not due yet")
)

const (
	silence    = 1_000_000 // 3.2.3: microseconds without a word, then it is a keep-alive
	lastWait   = 200_000   // for what was overtaken by the goodbye, at most
	lostTrack  = 16        // so many packets in a row too far ahead: the sender went on without us
	rateTime   = 1_000_000 // over which rates are counted
	ackHistory = 64
	keyTime    = 10_000_000 // least time between two keys with another salt
	ahead      = 1_000_000  // so far a sender's clock may go before ours; beyond, it has jumped
)

// Stats are of a whole connection, except the last three.
type Stats struct {
	Packets       uint64 // received, each once
	Lost          uint64 // missing, and asked for
	Retransmitted uint64 // sent again
	Dropped       uint64 // not there when they were due, and given up
	Late          uint64 // of no use: they came twice, or too late
	Undecrypted   uint64 // that had no key, or none that is known

	RTT     time.Duration
	Rate    int // bytes a second
	Waiting int // packets that wait for their time, or for Read
}

// Conn is one sender. One goroutine may Read; the other methods may be called from any.
type Conn struct {
	l       *Listener
	id      uint32 // ours
	peer    peerID
	udp     *net.UDPAddr
	answer  []byte        // of the handshake, should it get lost
	latency int64         // TSBPD delay, microseconds
	ready   chan struct{} // capacity 1: there is something to read

	mu     sync.Mutex
	err    error // why it ended; nil: it has not
	buf    buffer
	losses losses
	clock  clock
	keys   *keys // nil: plain
	rekey  int64 // when the last key with another salt came
	stats  Stats
	beyond int // packets in a row that were too far ahead

	heard, spoke int64
	bye          int64 // when the sender said goodbye; 0: it has not

	acked  uint32 // position of the last ACK
	ackNo  uint32
	acks   [ackHistory]struct{ no, at int64 }
	rtt    int64
	rttVar int64

	counted        int64 // when the rates were
	packets, bytes int   // since
	pps            int
}

// peerID is a caller: its address and its socket.
type peerID struct {
	addr netip.AddrPort
	id   uint32
}

// Read waits for payloads that are due and puts as many as fit into b, one behind the
// other.
func (c *Conn) Read(b []byte) (n int, err error) {
	for {
		if n, err = c.read(b); n > 0 || err != nil {
			return n, err
		}
		<-c.ready
	}
}

func (c *Conn) read(b []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		p := c.buf.peek()
		if p == nil {
			break
		}
		if len(p.payload()) > len(b)-n {
			if n == 0 {
				return 0, io.ErrShortBuffer
			}
			return n, nil
		}
		n += copy(b[n:], p.payload())
		c.l.pool.Put(c.buf.pop())
	}
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// Close says goodbye. It may be called more than once.
func (c *Conn) Close() {
	if c.end(net.ErrClosed) {
		c.l.forget(c)
		c.l.write(c.goodbye(nil), c.peer.addr)
	}
}

// goodbye appends our last word to the sender.
func (c *Conn) goodbye(b []byte) []byte {
	return appendControl(b, ctrlShutdown, 0, 0, uint32(c.l.now()), c.peer.id)
}

// end ends the connection; false: it has ended already. Who reads gets what is due before.
func (c *Conn) end(reason error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.endLocked(reason)
}

func (c *Conn) endLocked(reason error) bool {
	if c.err != nil {
		return false
	}
	c.err = reason
	c.wake()
	return true
}

func (c *Conn) wake() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// Stats tells how the network treats the sender.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.RTT, s.Waiting = time.Duration(c.rtt)*time.Microsecond, c.buf.held
	return s
}

// datagram takes what came for the connection. kept: p is in use; over: the connection
// has ended.
func (c *Conn) datagram(h head, p *packet, now int64, out *outbox) (kept, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false, true
	}
	c.heard = now
	if h.control {
		c.control(h, p.payload(), now, out)
	} else {
		kept = c.data(h, p, now)
	}
	return kept, c.err != nil
}

func (c *Conn) data(h head, p *packet, now int64) (kept bool) {
	size := p.to - p.from
	if h.message == 0 || size == 0 || size > maxPayload {
		return false // of a packet filter, or of nobody's
	}
	if h.again {
		c.stats.Retransmitted++
	}
	switch c.buf.find(h.seq) {
	case stale:
		c.stats.Late++
		return false
	case beyond:
		if !c.follow(h.seq) {
			return false
		}
	}
	c.beyond = 0
	if (c.keys != nil) != (h.key != 0) || c.keys != nil && !c.keys.decrypt(p.payload(), h.key, h.seq) {
		c.stats.Undecrypted++
		return false
	}
	c.stats.Packets++
	c.packets++
	c.bytes += size
	p.due = min(c.clock.sent(h.stamp, now), now+ahead) + c.latency // 4.5.1
	if gap := after(h.seq, c.buf.end); gap > 0 {
		c.losses.skipped(c.buf.end, h.seq, now)
	} else if gap < 0 {
		c.losses.came(h.seq, h.again, now, (c.latency-2*c.rtt)/3)
	}
	c.buf.add(h.seq, p)
	return true
}

// follow counts packets that the buffer has no room for. Either it is full of what is not
// due, or not read; or much was lost, and the sender went on: true, it goes on at seq.
func (c *Conn) follow(seq uint32) bool {
	if c.beyond++; c.beyond < lostTrack {
		return false
	}
	if c.buf.held > c.buf.room/2 {
		c.endLocked(ErrFlood)
		return false
	}
	c.stats.Dropped += uint64(c.buf.restart(seq))
	c.losses.list = c.losses.list[:0]
	return true
}

func (c *Conn) control(h head, body []byte, now int64, out *outbox) {
	switch h.kind {
	case ctrlShutdown:
		if c.bye == 0 {
			c.bye = now
		}
	case ctrlACKACK:
		c.ackack(h, now)
	case ctrlDropReq: // 3.2.9
		if len(body) >= 8 {
			c.losses.drop(binary.BigEndian.Uint32(body)&seqMask, binary.BigEndian.Uint32(body[4:])&seqMask)
		}
	case ctrlUser:
		if h.sub == extKMReq {
			c.refresh(body, now, out)
		}
	}
	// A keep-alive has done all it can. ACK and NAK are of data that was never sent.
}

// refresh takes other keys (6.1.6); the answer is the same message, or a word about what
// is wrong with it (3.2.2).
func (c *Conn) refresh(body []byte, now int64, out *outbox) {
	const noSecret, badSecret = 3, 4
	answer := body
	if c.keys == nil {
		answer = []byte{0, 0, 0, noSecret}
	} else if m, err := parseMaterial(body); err != nil {
		return
	} else if !c.rekeyed(m, now) {
		answer = []byte{0, 0, 0, badSecret}
	}
	out.add(append(appendControl(out.next(), ctrlUser, extKMRsp, 0, uint32(now), c.peer.id), answer...), c.udp)
}

// rekeyed takes other keys. Those with another salt cost too much to be taken often.
func (c *Conn) rekeyed(m material, now int64) bool {
	switch {
	case c.keys.knows(m):
		return c.keys.take(m) == nil
	case now-c.rekey < keyTime:
		return false
	}
	c.rekey = now
	return c.keys.renew(m) == nil
}

// ackack measures the round trip (4.10).
func (c *Conn) ackack(h head, now int64) {
	a := &c.acks[h.info%ackHistory]
	if a.no != int64(h.info) || a.no == 0 {
		return
	}
	a.no = 0
	sample := max(now-a.at, 0) // the kernel's clock may have been set
	if c.rttVar < 0 {
		c.rtt, c.rttVar = sample, sample/2
	} else {
		c.rttVar += (max(c.rtt-sample, sample-c.rtt) - c.rttVar) / 4
		c.rtt += (sample - c.rtt) / 8
	}
	c.clock.answered(h.stamp, now, c.rtt)
}

// tick does what is due: packets to the reader, answers to the sender. over: the
// connection has ended.
func (c *Conn) tick(now int64, out *outbox) (over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && now-c.heard > c.l.idle {
		c.buf.finish()
		c.endLocked(ErrGone)
	}
	if c.err != nil {
		return true
	}
	if c.bye != 0 {
		return c.leave(now)
	}
	c.stats.Dropped += uint64(c.buf.advance(now))
	if c.buf.head != c.buf.due {
		c.wake()
	}
	c.rates(now)
	c.nak(now, out)
	c.ack(now, out)
	if now-c.spoke >= silence {
		c.spoke = now
		out.add(appendControl(out.next(), ctrlKeepAlive, 0, 0, uint32(now), c.peer.id), c.udp)
	}
	return false
}

// leave ends the connection of a sender that said goodbye, which may have overtaken what
// was sent before. Nothing comes again: what is behind a hole is of no use.
func (c *Conn) leave(now int64) (over bool) {
	wait := int64(lastWait)
	if c.buf.ack == c.buf.end {
		wait = c.losses.tolerance
	}
	if now-c.bye < min(wait, c.latency) {
		return false
	}
	c.buf.finish()
	return c.endLocked(io.EOF)
}

func (c *Conn) rates(now int64) {
	took := now - c.counted
	if took < rateTime {
		return
	}
	c.pps, c.stats.Rate = int(int64(c.packets)*1_000_000/took), int(int64(c.bytes)*1_000_000/took)
	c.counted, c.packets, c.bytes = now, 0, 0
}

// nak asks for what is missing (3.2.5). What was asked for is asked for again when the
// answer should have been here: sooner, it would come twice.
func (c *Conn) nak(now int64, out *outbox) {
	c.losses.drops = 0
	if len(c.losses.list) == 0 {
		return
	}
	b := appendControl(out.next(), ctrlNAK, 0, 0, uint32(now), c.peer.id)
	b, lost := c.losses.report(b, &c.buf, now, max(c.rtt+4*max(c.rttVar, 0), minNAK))
	c.stats.Lost += uint64(lost)
	if len(b) > headSize {
		c.spoke = now
		out.add(b, c.udp)
	}
}

// ack says up to where all is here, or given up (3.2.4), where that is news. A tick is just
// the time that has to be between two (4.8.1).
func (c *Conn) ack(now int64, out *outbox) {
	if c.buf.ack == c.acked {
		return
	}
	c.acked, c.spoke = c.buf.ack, now
	if c.ackNo++; c.ackNo == 0 {
		c.ackNo = 1
	}
	a := &c.acks[c.ackNo%ackHistory]
	a.no, a.at = int64(c.ackNo), now
	b := appendControl(out.next(), ctrlACK, 0, c.ackNo, uint32(now), c.peer.id)
	free := max(c.buf.room-after(c.buf.end, c.buf.head), 2)
	for _, word := range [...]int{int(c.acked), int(c.rtt), int(max(c.rttVar, 0)), free, c.pps, c.pps, c.stats.Rate} {
		b = binary.BigEndian.AppendUint32(b, uint32(word))
	}
	out.add(b, c.udp)
}
