package main

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"syscall"
	"time"

	"weir/ingest"
	"weir/media"
	"weir/media/hub"
	"weir/media/ladder"
)

// What becomes of a stream whose ladder is more than this node has free: WEIR_OVERLOAD.
const (
	overloadShed   = "shed"   // it is taken; whoever is late leaves rungs out
	overloadSource = "source" // it is taken without rungs
	overloadRefuse = "refuse" // its publisher is sent away
)

const (
	// capacityShare of the cores is given to streams by the forecast.
	capacityShare = 0.9
	// capacityEvery is the least time that is measured at once.
	capacityEvery = time.Second
	// capacityNew is the weight of a new measurement against those before.
	capacityNew = 0.3
	// decodeShare is what a picture costs to be decoded, of what it costs to be encoded.
	decodeShare = 0.25
)

// capacity forecasts what this process can encode: by what the pictures that it encodes
// cost. Work is in samples a second.
type capacity struct {
	cores float64              // that this process may use
	cpu   func() time.Duration // that it has used so far
	now   func() time.Time

	mu      sync.Mutex
	at      time.Time // of the last measurement; zero before the first
	spent   time.Duration
	used    float64                // cores, lately
	cost    float64                // cores for each unit of work; 0: not known yet
	planned map[string]float64     // work of each stream, with all its rungs
	usual   float64                // work that streams ask for, lately
	asked   map[string]refusedWork // those that there was no room for, for a while
}

// refusedWork is what a stream asked for in vain.
type refusedWork struct {
	work float64
	at   time.Time
}

const (
	// rememberAsked is how long it is believed to ask for the same.
	rememberAsked = time.Minute
	mostAsked     = 1000
)

func newCapacity(cores float64, cpu func() time.Duration, now func() time.Time) *capacity {
	return &capacity{cores: cores, cpu: cpu, now: now, planned: map[string]float64{}, asked: map[string]refusedWork{}}
}

// ownCapacity is that of this process, by the system's figures.
func ownCapacity() *capacity { return newCapacity(float64(runtime.GOMAXPROCS(0)), spentHere, time.Now) }

// spentHere is the CPU time of all threads of this process.
func spentHere() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure takes what was used since the last time for the cost of the work that is done.
func (c *capacity) measure(work float64) {
	now, spent := c.now(), c.cpu()
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := now.Sub(c.at)
	if !c.at.IsZero() && passed < capacityEvery {
		return
	}
	first := c.at.IsZero()
	if !first {
		c.used = blend(c.used, float64(spent-c.spent)/float64(passed))
		if work > 0 {
			c.cost = blend(c.cost, c.used/work)
		}
	}
	c.at, c.spent = now, spent
}

// blend moves a mean towards a new value; 0 is no mean yet.
func blend(mean, value float64) float64 {
	if mean == 0 {
		return value
	}
	return mean + capacityNew*(value-mean)
}

// admit plans for a stream, if there is room for its work; as long as nothing was encoded
// nobody knows, and there is.
func (c *capacity) admit(name string, work float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.usual = blend(c.usual, work)
	if work*c.cost > c.free() {
		c.note(name, work)
		return false
	}
	c.planned[name] = work
	delete(c.asked, name)
	return true
}

// note keeps what a stream asked for. The caller holds mu.
func (c *capacity) note(name string, work float64) {
	now := c.now()
	if len(c.asked) >= mostAsked {
		maps.DeleteFunc(c.asked, func(_ string, a refusedWork) bool { return now.Sub(a.at) > rememberAsked })
	}
	if len(c.asked) < mostAsked {
		c.asked[name] = refusedWork{work, now}
	}
}

// foresee is how many cores a stream will need that has not begun, and whether there is
// room: by what it asked for a moment ago, else, with guess set, by what streams ask for.
func (c *capacity) foresee(name string, guess bool) (cores float64, fits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	work := 0.0
	if a, ok := c.asked[name]; ok && c.now().Sub(a.at) <= rememberAsked {
		work = a.work
	} else if guess {
		work = c.usual
	}
	return work * c.cost, work*c.cost <= c.free()
}

// need is how many cores a stream that stands is planned with.
func (c *capacity) need(name string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.planned[name] * c.cost
}

// plan is admit for a stream that is taken in any case.
func (c *capacity) plan(name string, work float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.planned[name] = work
}

// leave says that a stream is over.
func (c *capacity) leave(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.planned, name)
}

// ahead is how many cores all streams that stand will need with all their rungs.
func (c *capacity) ahead() float64 {
	sum := 0.0
	for _, work := range c.planned {
		sum += work
	}
	return sum * c.cost
}

// free is how many cores are left to others.
func (c *capacity) free() float64 {
	return max(0, c.cores*capacityShare-max(c.used, c.ahead()))
}

// figures are for whoever watches.
func (c *capacity) figures() (used, ahead, free float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used, c.ahead(), c.free()
}

// samples is the work of pictures of a size and rate.
func samples(width, height int, rate media.Rational) float64 {
	fps := rate.Float()
	if fps <= 0 {
		fps = 30
	}
	return float64(width) * float64(height) * fps
}

// work is what a source costs with its rungs.
func work(source *media.Track, rungs []media.Rendition) float64 {
	if source == nil || len(rungs) == 0 {
		return 0
	}
	sum := decodeShare * samples(source.Width, source.Height, source.FrameRate)
	for _, r := range rungs {
		sum += samples(r.Width, r.Height, r.FrameRate)
	}
	return sum
}

// measureWork looks at what is encoded now.
func (p *pipelines) measureWork() {
	sum := 0.0
	for _, pl := range p.list() {
		if pl.job != nil {
			sum += work(pl.job.Making())
		}
	}
	p.capacity.measure(sum)
}

// afford says which ladder a stream gets; the error is an ingest.Refusal.
func (p *pipelines) afford(s *hub.Stream) (ladder.Setting, error) {
	wish, name, v := p.cfg.Live.Ladder.Setting(), s.ID().Name(), video(s.Tracks())
	need := work(v, ladder.Plan(v, wish))
	if need == 0 {
		return wish, nil
	}
	if p.capacity.admit(name, need) {
		return wish, nil
	}
	_, ahead, free := p.capacity.figures()
	switch p.cfg.Live.Overload {
	case overloadRefuse:
		p.log.Warn("no room for this stream's ladder: it is refused", "stream", name, "cores_free", free, "cores_planned", ahead)
		return wish, p.control.sendOn(name, p.control.turnAway(name, "capacity", fullWords))
	case overloadSource:
		p.log.Warn("no room for this stream's ladder: it is taken without", "stream", name, "cores_free", free, "cores_planned", ahead)
		return ladder.Setting{}, nil
	}
	p.capacity.plan(name, need)
	return wish, nil
}

// fullWords are for publishers that find no room.
const fullWords = "this server has no room for another stream now: try again later, or at another server"

// turnAway keeps for its owner why the publisher of a name is sent away.
func (c *control) turnAway(name, code, words string) error {
	c.mu.Lock()
	d := c.names[name]
	c.mu.Unlock()
	if d == nil {
		return ingest.Refusal{Words: words}
	}
	return c.refuse(context.Background(), d, code, words)
}
