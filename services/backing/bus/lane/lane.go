package lane

import "sync"

// Lanes are ready to use as their zero value, from any goroutine.
type Lanes struct {
	mu      sync.Mutex
	waiting map[string][]func() // a key is in here while its goroutine lives
	wg      sync.WaitGroup
}

// Go runs do in the lane of key, after all that was given to that lane before. It
// does not block. An empty key has no lane: do waits for nothing.
func (l *Lanes) Go(key string, do func()) {
	if key == "" {
		l.wg.Go(do)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = make(map[string][]func())
	}
	if queue, busy := l.waiting[key]; busy {
		l.waiting[key] = append(queue, do)
		return
	}
	l.waiting[key] = nil
	l.wg.Go(func() {
		for do != nil {
			do()
			do = l.next(key)
		}
	})
}

func (l *Lanes) next(key string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.waiting[key]
	if len(queue) == 0 {
		delete(l.waiting, key)
		return nil
	}
	do := queue[0]
	queue[0] = nil
	l.waiting[key] = queue[1:]
	return do
}

// Wait blocks until everything that was given has run. Go is not called meanwhile.
func (l *Lanes) Wait() { l.wg.Wait() }
