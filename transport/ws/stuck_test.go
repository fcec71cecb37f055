//go:build !js

package ws_test

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
)

// stuck is a connection whose other end says what is written to said, and takes
// nothing from the first message on. A write waits for a deadline in the past,
// and for nothing else.
type stuck struct {
	script
	said   *io.PipeWriter
	sent   chan struct{} // one token for each write that waits
	events chan string   // "half" and "closed", in their order

	mu      sync.Mutex
	writes  int
	severed chan struct{} // closed by a deadline in the past
	once    sync.Once
}

func newStuck() *stuck {
	in, said := io.Pipe()
	return &stuck{
		script:  script{Reader: in},
		said:    said,
		sent:    make(chan struct{}, 10),
		events:  make(chan string, 10),
		severed: make(chan struct{}),
	}
}

func (s *stuck) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.writes++
	first := s.writes == 1
	s.mu.Unlock()
	if first { // the answer to the handshake
		return len(p), nil
	}
	s.sent <- struct{}{}
	<-s.severed
	return 0, os.ErrDeadlineExceeded
}

func (s *stuck) SetWriteDeadline(when time.Time) error {
	if when.Before(time.Now()) {
		s.once.Do(func() { close(s.severed) })
	}
	return nil
}

func (s *stuck) CloseWrite() error {
	s.events <- "half"
	return s.said.Close() // the other end hears of it and goes
}

func (s *stuck) Close() error {
	s.events <- "closed"
	return nil
}

// However a Send ends that waits for a deaf peer, it ends at once, and what was
// sent before it is not reset: the connection is closed for writing first.
func TestStuckSend(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(link transport.Conn, s *stuck, cancel func()) error
		want error
		half bool
	}{
		{"its context ends", func(_ transport.Conn, _ *stuck, cancel func()) error { cancel(); return nil }, context.Canceled, true},
		{"its own end is closed", func(link transport.Conn, _ *stuck, _ func()) error { return link.Close() }, transport.ErrClosed, true},
		{"the other end closes", func(_ transport.Conn, s *stuck, _ func()) error {
			_, err := s.said.Write(closing(1000, ""))
			return err
		}, transport.ErrClosed, true},
		{"the connection breaks", func(_ transport.Conn, s *stuck, _ func()) error { return s.said.Close() }, transport.ErrClosed, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStuck()
			link := over(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			result := make(chan error, 1)
			go func() { result <- link.Send(ctx, []byte("never taken")) }()
			<-s.sent
			must(t, c.end(link, s, cancel))
			if err := <-result; !errors.Is(err, c.want) {
				t.Errorf("Send: got error %v, want %v", err, c.want)
			}
			if event := <-s.events; c.half && event != "half" {
				t.Errorf("the connection was %s before it was closed for writing", event)
			}
			if err := link.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
				t.Errorf("the next Send: got error %v, want ErrClosed", err)
			}
			must(t, link.Close())
		})
	}
}
