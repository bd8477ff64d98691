package rig

import (
	"fmt"
	"sync"
	"time"
)

// PartFrames is how many frames a part of 200 ms has at 30 fps.
const PartFrames = 6

// keyParts is how many parts there are from one key frame of a clip with Keys: 60
// to the next.
const keyParts = 10

// first is the number of a session's first segment.
const first = 1

// Part is where the parts of a stream are that has constant 30 fps and key frames
// 60 frames apart: n counts from the first part of the session, and the first ten
// are segments of their own.
func Part(n int) (msn, part int) {
	if n < keyParts {
		return first + n, 0
	}
	return first + keyParts + (n-keyParts)/keyParts, (n - keyParts) % keyParts
}

// Blocking is the query of a playlist request that is answered when part n is there.
func Blocking(n int) string {
	msn, part := Part(n)
	return fmt.Sprintf("?_HLS_msn=%d&_HLS_part=%d", msn, part)
}

// Diary remembers when the last frame of each part was written.
type Diary struct {
	mu   sync.Mutex
	last []time.Time
	tell chan struct{} // closed and replaced at every part
}

// NewDiary is empty.
func NewDiary() *Diary { return &Diary{tell: make(chan struct{})} }

// Wrote is for Publisher.Wrote.
func (d *Diary) Wrote(frame int, at time.Time) {
	if frame%PartFrames != PartFrames-1 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = append(d.last, at)
	close(d.tell)
	d.tell = make(chan struct{})
}

// Parts is how many parts were written.
func (d *Diary) Parts() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.last)
}

// Await waits for part n and returns when its last frame was written.
func (d *Diary) Await(n int) time.Time {
	for {
		d.mu.Lock()
		if n < len(d.last) {
			defer d.mu.Unlock()
			return d.last[n]
		}
		tell := d.tell
		d.mu.Unlock()
		<-tell
	}
}
