package replica

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"sync"
)

// Event is one version that was applied, whoever wrote it: all the keys that it changed, together.
type Event struct {
	Version Version
	// Remote is true for a version of another author.
	Remote  bool
	Changes []Change
}

// Change is what an event did to one key: its visible value after the commit that the version came with. Versions
// that came together may show a key's last value each.
type Change struct {
	Key string
	// Value is the visible value, nil where nothing is visible any more.
	Value json.RawMessage
}

// Watch yields every version that this Replica commits from now on and that touches a key starting with prefix,
// local and remote alike, in the order of the commits, with the changes of those keys. It ends with ctx or when the
// replica is closed. A watcher that does not keep up is handed everything later; nothing is dropped.
func (r *Replica) Watch(ctx context.Context, prefix string) iter.Seq2[Event, error] {
	w := r.watch.add()
	return func(yield func(Event, error) bool) {
		defer r.watch.remove(w)
		for {
			events, open := w.take(ctx)
			for _, e := range events {
				if e = e.within(prefix); len(e.Changes) > 0 && !yield(e, nil) {
					return
				}
			}
			if err := ctx.Err(); err != nil {
				yield(Event{}, err)
				return
			}
			if !open {
				return
			}
		}
	}
}

// within is the event with only the changes under a prefix, kdelta's own namespaces left out unless asked for.
func (e Event) within(prefix string) Event {
	var changes []Change
	for _, c := range e.Changes {
		if strings.HasPrefix(c.Key, prefix) && (prefix != "" || !strings.HasPrefix(c.Key, ".")) {
			changes = append(changes, c)
		}
	}
	e.Changes = changes
	return e
}

// hub hands events to watchers.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]bool
	closed   bool
}

// watcher is one Watch and what it has not taken yet.
type watcher struct {
	mu     sync.Mutex
	events []Event
	closed bool
	wake   chan struct{}
}

func (h *hub) add() *watcher {
	w := &watcher{wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		w.closed = true
		return w
	}
	if h.watchers == nil {
		h.watchers = make(map[*watcher]bool)
	}
	h.watchers[w] = true
	return w
}

func (h *hub) remove(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// any reports whether anybody listens.
func (h *hub) any() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watchers) > 0
}

func (h *hub) send(events []Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.put(events, false)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.watchers {
		w.put(nil, true)
	}
}

func (w *watcher) put(events []Event, closed bool) {
	w.mu.Lock()
	w.events = append(w.events, events...)
	w.closed = w.closed || closed
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take waits for events; open is false once there will be no more.
func (w *watcher) take(ctx context.Context) (events []Event, open bool) {
	for {
		w.mu.Lock()
		events, open = w.events, !w.closed
		w.events = nil
		w.mu.Unlock()
		if len(events) > 0 || !open {
			return events, open
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, true
		}
	}
}
