package timing

import "weir/media"

// Drift watches how far media time is from the wall clock. A network delays
// packets but never hastens them, so what counts over a while is the packet that
// came earliest relative to its stamp.
type Drift struct {
	// Window is how long is watched before a verdict; default 5 s.
	Window media.Time

	since media.Time
	most  media.Time // the greatest lead in the window
	least media.Time
	open  bool
}

// Observe takes a packet's media time and the wall clock at its arrival, both
// counted from the stream's epoch. Once a window it reports, with ok set, the
// greatest and the least lead (media minus wall) that it saw.
func (d *Drift) Observe(at, wall media.Time) (most, least media.Time, ok bool) {
	if d.Window == 0 {
		d.Window = 5 * media.Second
	}
	lead := at - wall
	if !d.open {
		d.open, d.since, d.most, d.least = true, wall, lead, lead
		return 0, 0, false
	}
	d.most, d.least = max(d.most, lead), min(d.least, lead)
	if wall-d.since < d.Window {
		return 0, 0, false
	}
	d.open = false
	return d.most, d.least, true
}

// Reset begins a new window.
func (d *Drift) Reset() { d.open = false }
