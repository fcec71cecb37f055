//go:build !js

package ws

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kdelta/kdelta/transport"
)

// What may come without making up a whole frame. A frame itself counts, twice
// for what wraps it; reading ahead fits into the rest.
const (
	frameBudget     = 2*transport.MaxFrame + 256<<10
	handshakeBudget = 64 << 10
)

// piece is how many bytes must pass within Deadlines.Stall.
const piece = 64 << 10

// meter is the connection under a websocket. It alone sets deadlines, one for
// each read and each piece of a write, so that they speak of progress and not
// of the size of a message; those that the websocket library sets are ignored.
// And it counts what is read.
type meter struct {
	net.Conn

	mu          sync.Mutex
	idle, stall time.Duration // 0: no deadline yet, the handshake has its own
	severed     bool

	unpaid atomic.Int64 // bytes read since the last whole frame
	budget atomic.Int64
	fault  atomic.Pointer[error] // of the connection, as opposed to what came over it
}

func newMeter(c net.Conn) *meter {
	m := &meter{Conn: c}
	m.budget.Store(handshakeBudget)
	return m
}

// establish ends the handshake: from now on deadlines are those of a link.
func (m *meter) establish(d Deadlines) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.severed {
		return os.ErrDeadlineExceeded
	}
	m.idle, m.stall = d.Idle, d.Stall
	m.budget.Store(frameBudget)
	m.unpaid.Store(0)
	return m.Conn.SetDeadline(time.Time{})
}

// renew fills the budget up.
func (m *meter) renew() { m.unpaid.Store(0) }

// Read implements net.Conn.
func (m *meter) Read(p []byte) (int, error) {
	if err := m.extend(&m.idle, m.Conn.SetReadDeadline); err != nil {
		return 0, m.failed(err)
	}
	n, err := m.Conn.Read(p)
	if m.unpaid.Add(int64(n)) > m.budget.Load() {
		return 0, m.failed(ErrFlood)
	}
	return n, m.failed(err)
}

// Write implements net.Conn.
func (m *meter) Write(p []byte) (n int, err error) {
	for {
		if err := m.extend(&m.stall, m.Conn.SetWriteDeadline); err != nil {
			return n, err
		}
		k, err := m.Conn.Write(p[n:min(n+piece, len(p))])
		n += k
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// extend gives the next read or write its time.
func (m *meter) extend(limit *time.Duration, set func(time.Time) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if *limit == 0 {
		return nil
	}
	if m.severed && limit == &m.stall {
		return os.ErrDeadlineExceeded
	}
	return set(time.Now().Add(*limit))
}

// sever ends every write, the one under way too, and in a handshake every
// read. What was being written is cut, so nothing can follow it.
func (m *meter) sever() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.severed = true
	past := time.Unix(1, 0)
	if m.idle == 0 {
		_ = m.Conn.SetDeadline(past) // fails on a closed connection alone, where nothing waits
		return
	}
	_ = m.Conn.SetWriteDeadline(past)
}

// halfClose says that nothing follows. It does so below TLS, whose own word for
// it cannot be written once a write was cut.
func (m *meter) halfClose() error {
	under := m.Conn
	if secure, ok := under.(*tls.Conn); ok {
		under = secure.NetConn()
	}
	if c, ok := under.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// SetDeadline is for the websocket library; the meter has its own.
func (m *meter) SetDeadline(time.Time) error { return nil }

// SetReadDeadline is as SetDeadline.
func (m *meter) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is as SetDeadline.
func (m *meter) SetWriteDeadline(time.Time) error { return nil }

// failed remembers the first failure.
func (m *meter) failed(err error) error {
	if err != nil {
		m.fault.CompareAndSwap(nil, &err)
	}
	return err
}

// failure returns what the connection failed with, nil if it has not.
func (m *meter) failure() error {
	if err := m.fault.Load(); err != nil {
		return *err
	}
	return nil
}
