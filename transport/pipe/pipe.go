package pipe

import (
	"context"

	"github.com/kdelta/kdelta/transport"
)

// What one direction of a pipe holds at most.
const (
	// MaxFrames bounds the frames that were sent and not yet received.
	MaxFrames = 64
	// MaxBytes bounds their bytes together.
	MaxBytes = 2 * transport.MaxFrame
)

// New returns the two ends of a new pipe.
func New() (a, b transport.Conn) {
	there, back := newQueue(), newQueue()
	return &end{out: there, in: back}, &end{out: back, in: there}
}

// end is one end of a pipe.
type end struct {
	out, in *queue
}

// Send implements transport.Conn.
func (e *end) Send(ctx context.Context, frame []byte) error {
	if len(frame) > transport.MaxFrame {
		return transport.ErrTooLarge
	}
	return e.out.put(ctx, frame)
}

// Receive implements transport.Conn.
func (e *end) Receive(ctx context.Context) ([]byte, error) {
	return e.in.take(ctx)
}

// InProcess implements transport.InProcess.
func (e *end) InProcess() {}

// Close implements transport.Conn.
func (e *end) Close() error {
	e.out.close()
	e.in.close()
	return nil
}
