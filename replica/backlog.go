package replica

import (
	"sync"

	"github.com/kdelta/kdelta/protocol"
)

// arrival is a frame that came.
type arrival struct {
	frame []byte
	// pack is the pack in it, nil where there is none.
	pack *incoming
	// bytes is how much room it takes: that of the frame or, where those take more, about that of the versions in it.
	bytes int
}

// incoming is a pack that came. It may be unpacked before its turn, by whoever received it.
type incoming struct {
	// done is closed once it is unpacked, or that is left to whoever applies it: then unpacked is nil.
	done     chan struct{}
	unpacked *unpacked
}

// newIncoming is a pack of which the backlog hears later what it came to, where it is unpacked before its turn.
func newIncoming(unpacks bool) *incoming {
	p := &incoming{done: make(chan struct{})}
	if !unpacks {
		close(p.done)
	}
	return p
}

// wait returns the pack once it is unpacked, or nil where it is not before the wait is over.
func (p *incoming) wait(w wait) *unpacked {
	select {
	case <-p.done:
		return p.unpacked
	default:
	}
	select {
	case <-p.done:
		return p.unpacked
	case <-w.asked:
		return nil
	case <-w.late:
		return nil
	}
}

// backlog is the frames that came and were not heard yet, in the order in which they came: one goroutine receives, another one
// hears them one by one, and none waits while there is something for it to do.
type backlog struct {
	mu       sync.Mutex
	moved    sync.Cond
	arrivals []*arrival
	// packs counts the packs among them; bytes is the room that all of them take.
	packs, bytes int
	ended        bool
}

func newBacklog() *backlog {
	b := new(backlog)
	b.moved.L = &b.mu
	return b
}

// How many bytes may be unheard for another frame to be taken in, which is what goes into one commit and as much for the next, and
// how many packs, which is as many as a peer may send before it hears of any. A peer that keeps to no rules fills no more memory than
// that, and one frame, while a pack of it is applied.
const (
	maxBacklog      = 2 * packedBytes
	maxBacklogPacks = protocol.MaxUnacked
)

// put adds a frame, once there is room for it. If a pack in it is unpacked before its turn, unpacked has to follow.
func (b *backlog) put(a *arrival) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.bytes = len(a.frame)
	for b.bytes >= maxBacklog || a.pack != nil && b.packs >= maxBacklogPacks {
		b.moved.Wait()
	}
	b.arrivals = append(b.arrivals, a)
	b.count(a, 1)
	b.moved.Broadcast()
}

// unpacked says what the pack in a frame came to before its turn, nil where that is left to whoever applies it.
func (b *backlog) unpacked(a *arrival, u *unpacked) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u != nil {
		b.bytes += max(u.bytes-a.bytes, 0)
		a.bytes = max(u.bytes, a.bytes)
	}
	a.pack.unpacked = u
	close(a.pack.done)
}

// count counts a frame in, or out where by is −1.
func (b *backlog) count(a *arrival, by int) {
	b.bytes += by * a.bytes
	if a.pack != nil {
		b.packs += by
	}
}

// first waits for a frame that was not heard, and returns the first; nil behind the end.
func (b *backlog) first() *arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.arrivals) == 0 && !b.ended {
		b.moved.Wait()
	}
	if len(b.arrivals) == 0 {
		return nil
	}
	return b.arrivals[0]
}

// heard drops the first frame: it was heard.
func (b *backlog) heard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(b.arrivals[0], -1)
	b.arrivals[0] = nil
	b.arrivals = b.arrivals[1:]
	b.moved.Broadcast()
}

// pack is the i-th of the packs that were not heard, nil if there are not as many.
func (b *backlog) pack(i int) *incoming {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.arrivals {
		if a.pack == nil {
			continue
		}
		if i == 0 {
			return a.pack
		}
		i--
	}
	return nil
}

// drain waits until all that came was heard.
func (b *backlog) drain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.arrivals) > 0 {
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
