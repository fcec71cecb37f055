package replica

import (
	"sync"

	"github.com/kdelta/kdelta/protocol"
)

// arrival is a frame that came.
type arrival struct {
	frame []byte
	// pack is true where there is one in it, ahead is that, nil where it was not unpacked before its turn.
	pack  bool
	ahead *unpacked
	// bytes is about how much room it takes: that of the frame or, where those take more, of its versions.
	bytes int
}

// arrived is a frame that came, as a pack where it is one that was unpacked before its turn.
func arrived(frame []byte, pack bool, ahead *unpacked) arrival {
	a := arrival{frame: frame, pack: pack, ahead: ahead, bytes: len(frame)}
	if ahead != nil {
		a.bytes = max(a.bytes, ahead.bytes)
	}
	return a
}

// backlog is the frames that came and were not heard yet, in the order in which they came: one goroutine receives, another one
// hears all that is there at once, and none waits while there is something for it to do.
type backlog struct {
	mu       sync.Mutex
	moved    sync.Cond
	arrivals []arrival
	// unheard counts them and those that were taken, packs the packs among these; bytes is the room that all of them take.
	unheard, packs, bytes int
	ended                 bool
}

func newBacklog() *backlog {
	b := new(backlog)
	b.moved.L = &b.mu
	return b
}

// How many bytes may be unheard, which is what goes into one commit, and how many packs, which is as many as a peer may send before
// it hears of any. One frame may be larger. A peer that keeps to no rules fills no more memory than that while a pack of it is applied.
const (
	maxBacklog      = packedBytes
	maxBacklogPacks = protocol.MaxUnacked
)

// put adds a frame, once there is room for it.
func (b *backlog) put(a arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.bytes > 0 && b.bytes+a.bytes > maxBacklog || a.pack && b.packs >= maxBacklogPacks {
		b.moved.Wait()
	}
	b.arrivals = append(b.arrivals, a)
	b.count(&a, 1)
	b.moved.Broadcast()
}

// count counts a frame in, or out where by is −1.
func (b *backlog) count(a *arrival, by int) {
	b.unheard += by
	b.bytes += by * a.bytes
	if a.pack {
		b.packs += by
	}
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
	for i := range taken {
		b.count(&taken[i], -1)
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
