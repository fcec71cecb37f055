package replica

import "sync"

// arrival is a frame that came.
type arrival struct {
	frame []byte
	// ahead is the pack in it, nil where that was not unpacked before its turn; bytes is about how much room its versions take.
	ahead *unpacked
	bytes int
}

// backlog is the frames that came and were not heard yet, in the order in which they came: one goroutine receives, another one
// hears all that is there at once, and none waits while there is something for it to do.
type backlog struct {
	mu       sync.Mutex
	moved    sync.Cond
	arrivals []arrival
	// unheard counts them and those that were taken, bytes is the room of the packs among these.
	unheard, bytes int
	ended          bool
}

func newBacklog() *backlog {
	b := new(backlog)
	b.moved.L = &b.mu
	return b
}

// maxBacklog is how many bytes of packs may be unheard: what goes into one commit. One pack may be larger.
const maxBacklog = packedBytes

// put adds a frame. A pack waits until there is room for it.
func (b *backlog) put(a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.bytes > 0 && b.bytes+a.bytes > maxBacklog {
		b.moved.Wait()
	}
	b.arrivals = append(b.arrivals, a)
	b.unheard++
	b.bytes += a.bytes
	b.moved.Broadcast()
}

// take waits for frames and takes all that are there; none behind the end.
func (b *backlog) take() []arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.arrivals) == 0 && !b.ended {
		b.moved.Wait()
	}
	taken := b.arrivals
	b.arrivals = nil
	return taken
}

// heard says that what was taken was heard.
func (b *backlog) heard(taken []arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unheard -= len(taken)
	for i := range taken {
		b.bytes -= taken[i].bytes
	}
	b.moved.Broadcast()
}

// drain waits until all that came was heard.
func (b *backlog) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.unheard > 0 {
		b.moved.Wait()
	}
}

// end says that no more comes.
func (b *backlog) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.moved.Broadcast()
}
