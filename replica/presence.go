package replica

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
)

// ErrPresence says that something of the moment is larger than links carry.
var ErrPresence = errors.New("too large for a presence")

// Presence is something that is true for the moment, as another replica tells it: who is here, where a cursor stands.
type Presence struct {
	// Author is who says it, zero if it has never written. Members of the space could say that they are another one.
	Author identity.Author
	// Origin tells the processes apart that say such things.
	Origin protocol.Instance
	Body   []byte
}

// presences passes on what is said of the moment.
type presences struct {
	mu     sync.Mutex
	said   uint64
	heard  map[protocol.Instance]uint64 // the newest of each origin
	order  []protocol.Instance          // in which they were heard of first
	links  map[*outbox]bool
	theirs map[*audience]bool
}

// maxOrigins is how many origins are remembered. What an older one says may be heard twice.
const maxOrigins = 1024

// outbox is what a link is to say of the moment, until its driver takes it.
type outbox struct {
	mu   sync.Mutex
	list []protocol.Presence
	poke func()
}

// put adds something, in the place of what the same origin said before.
func (o *outbox) put(p protocol.Presence) {
	o.mu.Lock()
	o.list = append(slices.DeleteFunc(o.list, func(old protocol.Presence) bool { return old.Origin == p.Origin }), p)
	if len(o.list) > maxUnheard {
		o.list = o.list[1:]
	}
	o.mu.Unlock()
	o.poke()
}

func (o *outbox) take() []protocol.Presence {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.list
	o.list = nil
	return list
}

// maxUnheard is how much waits for a link or a listener that does not keep up: the oldest is dropped.
const maxUnheard = 64

// audience is one who listens.
type audience struct {
	outbox
	wake chan struct{}
}

// Present tells those who are linked now, and those that they are linked with, something of the moment: 4 KiB at most. It is
// not stored, and who comes later does not hear it. What is said again soon may take the place of what was said before.
func (r *Replica) Present(ctx context.Context, body []byte) error {
	if len(body) > protocol.MaxPresence {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrPresence, len(body), protocol.MaxPresence)
	}
	p := protocol.Presence{Origin: r.instance, Hops: protocol.MaxHops - 1, Body: slices.Clone(body)}
	err := r.view(ctx, func(s *snap) error {
		m, err := r.snapshot(s.tx)
		if err == nil && !m.author.key.IsZero() {
			p.Author = m.author.key.Author()
		}
		return err
	})
	if err != nil {
		return err
	}
	h := &r.presences
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said++
	p.Seq = h.said
	for link := range h.links {
		link.put(p)
	}
	return nil
}

// hear takes what came over a link: to those who listen here, and on to the other links, once.
func (h *presences) hear(self protocol.Instance, p protocol.Presence, from *outbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.Origin == self || p.Seq <= h.heard[p.Origin] {
		return
	}
	if h.heard == nil {
		h.heard = make(map[protocol.Instance]uint64)
	}
	if _, known := h.heard[p.Origin]; !known {
		if h.order = append(h.order, p.Origin); len(h.order) > maxOrigins {
			delete(h.heard, h.order[0])
			h.order = h.order[1:]
		}
	}
	h.heard[p.Origin] = p.Seq
	p.Body = slices.Clone(p.Body)
	for a := range h.theirs {
		a.put(p)
	}
	if p.Hops == 0 {
		return
	}
	p.Hops--
	for link := range h.links {
		if link != from {
			link.put(p)
		}
	}
}

// join adds a link until leave is called.
func (h *presences) join(link *outbox) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.links == nil {
		h.links = make(map[*outbox]bool)
	}
	h.links[link] = true
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.links, link)
	}
}

// Presences yields what others say of the moment from now on, until ctx ends. A listener that does not keep up misses the
// oldest.
func (r *Replica) Presences(ctx context.Context) iter.Seq2[Presence, error] {
	h := &r.presences
	a := &audience{wake: make(chan struct{}, 1)}
	a.poke = func() {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	h.mu.Lock()
	if h.theirs == nil {
		h.theirs = make(map[*audience]bool)
	}
	h.theirs[a] = true
	h.mu.Unlock()
	return func(yield func(Presence, error) bool) {
		defer func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			delete(h.theirs, a)
		}()
		for {
			for _, p := range a.take() {
				if !yield(Presence{Author: p.Author, Origin: p.Origin, Body: p.Body}, nil) {
					return
				}
			}
			select {
			case <-a.wake:
			case <-ctx.Done():
				yield(Presence{}, ctx.Err())
				return
			}
		}
	}
}

// Hear implements protocol.Listener.
func (l *local) Hear(p protocol.Presence) { l.r.presences.hear(l.r.instance, p, l.link) }
