package place

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"weir/services/backing/redis"
)

const (
	// Life is how long a node counts as alive, and a name as its own, after it last said so.
	Life = 4 * time.Second

	every     = 250 * time.Millisecond // between two looks at the others
	beats     = 4                      // looks from one sign of life to the next
	callTime  = 2 * time.Second        // of Redis
	claimTime = 4500 * time.Millisecond
	claimPoll = 100 * time.Millisecond
	mostNodes = 1000
)

// ErrElsewhere is Claim's for a name that another node has and keeps.
var ErrElsewhere = errors.New("another server has this name on the air")

// Stream is one that is on the air at a node.
type Stream struct {
	Name  string          `json:"name"`
	Epoch string          `json:"epoch"`          // names its session
	Info  json.RawMessage `json:"info,omitempty"` // what the list of streams says of it; empty: it is not listed
	Over  bool            `json:"over,omitempty"` // it has ended, and can be had a while longer
}

// Owner is what a node's streams are asked. Its methods must not block.
type Owner interface {
	// Placed lists what is on the air here.
	Placed() []Stream
	// Yield is called when a publisher of a name of this node came to another one. It is
	// answered with true if the name is, or will be, given up by Release.
	Yield(name string, takeover bool) bool
	// Lost is called when another node has a name of this one.
	Lost(name string)
	// Takes says where publishers reach this node alone, and what it has left for more
	// streams, in cores. Others may send publishers to it.
	Takes() (Doors, float64)
}

// Config says what a Table works with.
type Config struct {
	Redis *redis.Client
	Node  string // names this process
	URL   string // where peers reach it; empty: they cannot, and nothing is proxied
	// Remember is how long a stream is missed whose node is gone.
	Remember time.Duration
	Owner    Owner // nil: this process has no streams, and only Watch may be called
	Log      *slog.Logger
}

// Peer is another node.
type Peer struct {
	Node    string   `json:"node"`
	URL     string   `json:"url"`
	Doors   Doors    `json:"doors,omitempty"`
	Free    float64  `json:"free"` // cores
	Streams []Stream `json:"streams"`
	Leaving bool     `json:"leaving,omitempty"` // it takes no publishers any more
}

// spot is where a stream is, or, with gone set, was.
type spot struct {
	peer   *Peer
	stream Stream
	gone   time.Time // since when its node is missed
}

// Table is this node's place among the others. Its methods may be called from anywhere.
type Table struct {
	cfg Config

	mu     sync.Mutex
	held   map[string]bool // names of this node
	freed  map[string]bool // given up and not told to Redis yet
	others map[string]*spot
	nodes  []Peer        // the others, by name
	peers  int           // of them, that take publishers
	leaves bool          // this one does not
	looked time.Time     // when nodes was read
	sent   []sent        // to other nodes, lately
	moved  chan struct{} // closed and replaced whenever others changes, or who the nodes are
}

// New makes a Table; Run keeps it.
func New(c Config) *Table {
	return &Table{cfg: c, held: map[string]bool{}, freed: map[string]bool{}, others: map[string]*spot{}, moved: make(chan struct{})}
}

const nodesKey = "weir:place:nodes"

func nodeKey(node string) string      { return "weir:place:node:" + node }
func nameKey(name string) string      { return "weir:place:name:" + name }
func askKey(node string) string       { return "weir:place:ask:" + node }
func noKey(name, asker string) string { return "weir:place:no:" + name + ":" + asker }

// Miss says that a stream was on the air a moment ago and is to go on at another node.
func (t *Table) Miss(s Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.others[s.Name]; x == nil || !x.gone.IsZero() {
		t.others[s.Name] = &spot{peer: &Peer{}, stream: s, gone: time.Now()}
	}
}

// Others is how many other nodes take publishers.
func (t *Table) Others() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.peers
}

// Peers are the other nodes, by name.
func (t *Table) Peers() []Peer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes
}

// Leave tells the others that this node takes no publishers any more.
func (t *Table) Leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaves = true
}

// Find is the other node that has a stream.
func (t *Table) Find(name string) (Peer, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.others[name]
	if s == nil || !s.gone.IsZero() {
		return Peer{}, false
	}
	return *s.peer, true
}

// Missed says that a stream was on the air at a node that is gone, and may go on.
func (t *Table) Missed(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.others[name]
	return s != nil && !s.gone.IsZero() && time.Since(s.gone) < t.cfg.Remember
}

// Listed says that a stream of another node, or one that is missed, is in the list of
// streams that everybody may see.
func (t *Table) Listed(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.others[name]
	return s != nil && len(s.stream.Info) > 0
}

// Streams are those of all other nodes, by name.
func (t *Table) Streams() []Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Stream
	for _, name := range slices.Sorted(maps.Keys(t.others)) {
		if s := t.others[name]; s.gone.IsZero() && !s.stream.Over {
			list = append(list, s.stream)
		}
	}
	return list
}

// Moved is closed when Find or Peers may answer otherwise than now.
func (t *Table) Moved() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.moved
}

// Hold keeps a name that was claimed, until Release.
func (t *Table) Hold(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held[name] = true
	delete(t.freed, name)
}

// Release gives a name up.
func (t *Table) Release(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[name] {
		delete(t.held, name)
		t.freed[name] = true
	}
}
