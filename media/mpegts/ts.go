package mpegts

import (
	"bytes"
	"fmt"

	"weir/media"
	"weir/media/timing"
)

const (
	packetSize = 188
	sync       = 0x47
	// clockRate is that of PTS and DTS, in Hz (13818-1 2.4.3.7).
	clockRate = 90_000
)

// Handler takes what a Demuxer finds. An error ends Write, which returns it.
type Handler interface {
	// Streams says whether the chosen programme has a picture, and how many sounds, each
	// time that its table changes.
	Streams(video bool, sounds int) error
	// Track comes before the first packet of a track, and again when its parameters change.
	// Sounds are numbered from 0, below media.MaxSounds.
	Track(sound int, t *media.Track) error
	// Packet takes p over. Its times are on the sender's clock, Wall is not set.
	Packet(p *media.Packet) error
}

// UnsupportedError is a stream that is readable, and that nothing here can decode.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return e.What }

// Stats counts what was of no use.
type Stats struct {
	Garbage uint64 // bytes outside of packets
	Lost    uint64 // holes in the counters of streams
	Bad     uint64 // tables, units and frames that make no sense
}

// Demuxer reads one transport stream.
type Demuxer struct {
	programme int // wanted; 0: the first that has a picture, else the first
	out       Handler
	clock     timing.Unwrapper
	rest      []byte // begin of a packet that is not whole yet

	tables  tables
	streams map[uint16]*stream // by PID, of the chosen programme
	spare   [2]int             // streams beside those: video, audio
	scratch []byte
	stats   Stats
}

// New makes a Demuxer that fills out. programme is the number of the wanted one, or 0.
func New(programme int, out Handler) *Demuxer {
	return &Demuxer{programme: programme, out: out, clock: timing.Unwrapper{Bits: 33}}
}

// Stats is what was of no use so far.
func (d *Demuxer) Stats() Stats { return d.stats }

// Write reads on. data need not begin or end at a packet; it is not kept.
func (d *Demuxer) Write(data []byte) error {
	if len(d.rest) > 0 {
		n := min(len(data), packetSize-len(d.rest))
		d.rest = append(d.rest, data[:n]...)
		data = data[n:]
		if len(d.rest) < packetSize {
			return nil
		}
		whole := d.rest
		d.rest = d.rest[:0]
		if err := d.packet(whole); err != nil {
			return err
		}
	}
	for len(data) > 0 {
		if data[0] != sync {
			at := bytes.IndexByte(data, sync)
			if at < 0 {
				at = len(data)
			}
			d.stats.Garbage += uint64(at)
			data = data[at:]
			continue
		}
		if len(data) < packetSize {
			d.rest = append(d.rest[:0], data...)
			return nil
		}
		if len(data) > packetSize && data[packetSize] != sync { // not a packet, or the next is broken
			d.stats.Garbage++
			data = data[1:]
			continue
		}
		if err := d.packet(data[:packetSize]); err != nil {
			return err
		}
		data = data[packetSize:]
	}
	return nil
}

// Flush hands on what is whole but not known to be: the last units before the end.
func (d *Demuxer) Flush() error {
	for _, pid := range d.tables.order {
		if s := d.streams[pid]; s != nil {
			if err := d.unit(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// packet reads a transport packet (2.4.3.2).
func (d *Demuxer) packet(p []byte) error {
	pid := uint16(p[1]&0x1f)<<8 | uint16(p[2])
	damaged, starts := p[1]&0x80 != 0, p[1]&0x40 != 0
	s := d.streams[pid]
	if damaged || s == nil && pid != 0 && pid != d.tables.now.pid {
		return nil
	}
	payload, jump, ok := payloadOf(p)
	switch {
	case !ok:
		d.stats.Bad++
		return nil
	case payload == nil:
		return nil
	case s == nil:
		return d.table(pid, starts, payload)
	case p[3]&0xc0 != 0:
		return &UnsupportedError{fmt.Sprintf("stream %d is scrambled: send it in the clear", pid)}
	}
	counter := p[3] & 0x0f
	switch {
	case !s.counted || jump || counter == (s.counter+1)&0x0f:
	case counter == s.counter:
		return nil // sent twice (2.4.3.3)
	default:
		d.stats.Lost++
		s.forget()
	}
	s.counted, s.counter = true, counter
	return d.payload(s, starts, payload)
}

// payloadOf is what follows the header and the adaptation field (2.4.3.4) of a packet,
// nil when there is none; jump says that its counter need not follow.
func payloadOf(p []byte) (payload []byte, jump, ok bool) {
	at := 4
	if p[3]&0x20 != 0 {
		at += 1 + int(p[4])
		jump = p[4] > 0 && p[5]&0x80 != 0
	}
	switch {
	case at > packetSize:
		return nil, false, false
	case p[3]&0x10 == 0 || at == packetSize:
		return nil, jump, true
	}
	return p[at:], jump, true
}
