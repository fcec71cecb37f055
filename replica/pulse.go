package replica

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kdelta/kdelta/store"
)

// pulse tells listeners that something was committed, by this Replica or by another process that has the same database open.
type pulse struct {
	mu        sync.Mutex
	listeners map[chan struct{}]bool
	stop      context.CancelFunc // ends the look at what other processes do
	gone      chan struct{}      // closed with the replica
	// impatient counts those who wait for receipts, which are then made durable at once.
	impatient atomic.Int32
	// pushing counts the sessions that push what is written here.
	pushing atomic.Int32
}

// lookEvery is how often the store is asked whether another process has committed, while anybody listens.
const lookEvery = 75 * time.Millisecond

// listen returns a channel that has something in it after a commit, until quit is called. It is closed with the replica.
func (r *Replica) listen() (beat <-chan struct{}, quit func()) {
	p, ch := &r.pulse, make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gone:
		close(ch)
		return ch, func() {}
	default:
	}
	if p.listeners == nil {
		p.listeners = make(map[chan struct{}]bool)
	}
	p.listeners[ch] = true
	if changing, ok := r.st.(store.Changing); ok && p.stop == nil {
		var ctx context.Context
		ctx, p.stop = context.WithCancel(context.Background())
		go p.look(ctx, changing)
	}
	return ch, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.listeners, ch)
		if len(p.listeners) == 0 && p.stop != nil {
			p.stop()
			p.stop = nil
		}
	}
}

// look beats whenever another process has committed, and at first: one may have since somebody began to listen.
func (p *pulse) look(ctx context.Context, st store.Changing) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var last uint64
	for first := true; ; first = false {
		now, err := st.ChangeCounter(ctx)
		switch {
		case errors.Is(err, store.ErrClosed):
			return
		case err == nil && (first || now != last):
			last = now
			p.beat()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat wakes all listeners.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ch := range p.listeners {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// close ends all listening.
func (p *pulse) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.gone)
	for ch := range p.listeners {
		close(ch)
	}
	clear(p.listeners)
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
}
