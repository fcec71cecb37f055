package transporttest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// hub is a good listener and its dialer, over pipes, with switches that make it
// wrong.
type hub struct {
	faultyHub

	mu      sync.Mutex
	waiting []transport.Conn
	all     []transport.Conn
	arrived chan struct{} // capacity 1
	done    chan struct{}
	closed  bool
}

// faultyHub says what a hub does wrong.
type faultyHub struct {
	losesOnCancel    bool // of Accept
	dialsWhenOver    bool
	linkEndsWithDial bool
	sleepsOnClose    bool // a waiting Accept
	closesOnce       bool
	dialsWhenClosed  bool
	closesAll        bool
	leavesWaiting    bool
	leadsElsewhere   bool
}

func newHub(f faultyHub) *hub {
	return &hub{faultyHub: f, arrived: make(chan struct{}, 1), done: make(chan struct{})}
}

func (h *hub) Addr() string {
	if h.leadsElsewhere {
		return "elsewhere"
	}
	return "hub"
}

func (h *hub) Dial(ctx context.Context, addr string) (transport.Conn, error) {
	if err := ctx.Err(); err != nil && !h.dialsWhenOver {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed && !h.dialsWhenClosed || addr != "hub" {
		return nil, transport.ErrClosed
	}
	a, b := pipe.New()
	if h.linkEndsWithDial {
		good := a
		a = &faulty{Conn: good, send: func(sending context.Context, frame []byte) error {
			if ctx.Err() != nil {
				return transport.ErrClosed
			}
			return good.Send(sending, frame)
		}}
	}
	h.waiting = append(h.waiting, b)
	h.all = append(h.all, b)
	select {
	case h.arrived <- struct{}{}:
	default:
	}
	return a, nil
}

func (h *hub) Accept(ctx context.Context) (transport.Conn, error) {
	for {
		if c, err := h.tryAccept(ctx); c != nil || err != nil {
			return c, err
		}
		done := h.done
		if h.sleepsOnClose {
			done = nil
		}
		select {
		case <-h.arrived:
		case <-done:
		case <-ctx.Done():
		}
	}
}

func (h *hub) tryAccept(ctx context.Context) (transport.Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := ctx.Err(); err != nil {
		if h.losesOnCancel {
			h.waiting = nil
		}
		return nil, err
	}
	if h.closed {
		return nil, transport.ErrClosed
	}
	if len(h.waiting) == 0 {
		return nil, nil //nolint:nilnil // nothing to accept yet
	}
	c := h.waiting[0]
	h.waiting = h.waiting[1:]
	return c, nil
}

func (h *hub) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		if h.closesOnce {
			return transport.ErrClosed
		}
		return nil
	}
	h.closed = true
	close(h.done)
	closing := h.waiting
	if h.closesAll {
		closing = h.all
	}
	if !h.leavesWaiting {
		for _, c := range closing {
			_ = c.Close()
		}
	}
	return nil
}

func TestListenerKitPassesAGoodOne(t *testing.T) {
	TestListener(t, func(*testing.T) (transport.Listener, transport.Dialer) {
		h := newHub(faultyHub{})
		return h, h
	})
}

// Each fault is noticed by the check that stands for it.
func TestListenerFaultsAreNoticed(t *testing.T) {
	for _, f := range []struct {
		name, check string
		hangs       bool
		fault       faultyHub
	}{
		{"leads elsewhere", "Reach", false, faultyHub{leadsElsewhere: true}},
		{"loses links when Accept is given up", "AcceptCancel", true, faultyHub{losesOnCancel: true}},
		{"dials when the context is over", "DialCancel", false, faultyHub{dialsWhenOver: true}},
		{"ends the link with the context of Dial", "DialCancel", false, faultyHub{linkEndsWithDial: true}},
		{"leaves Accept waiting", "CloseWakes", true, faultyHub{sleepsOnClose: true}},
		{"gives an error on the second Close", "CloseTwice", false, faultyHub{closesOnce: true}},
		{"lets links in after Close", "CloseTwice", false, faultyHub{dialsWhenClosed: true}},
		{"closes accepted links", "LinksOutlive", false, faultyHub{closesAll: true}},
		{"leaves links open that nobody accepted", "LinksOutlive", true, faultyHub{leavesWaiting: true}},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			limit := patience
			if f.hangs {
				limit = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			h := newHub(f.fault)
			err := listenerCheckNamed(t, f.check).run(ctx, h, h)
			if err == nil {
				t.Fatalf("%s did not notice it", f.check)
			}
			if hung := errors.Is(err, context.DeadlineExceeded); hung != f.hangs {
				t.Errorf("%s noticed it by waiting in vain: %t, want %t: %v", f.check, hung, f.hangs, err)
			}
		})
	}
}

func listenerCheckNamed(t *testing.T, name string) listenerCheck {
	t.Helper()
	for _, c := range listenerChecks {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no check named %s", name)
	return listenerCheck{}
}
