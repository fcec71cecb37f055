package pipe

import (
	"bytes"
	"context"
	"sync"

	"github.com/kdelta/kdelta/transport"
)

// queue is one direction of a pipe: frames in order, bounded, closed once.
//
// Whoever finds it full waits for a token in room, and each take leaves one
// there; whoever finds it empty waits for one in ready, and each put leaves
// one. So nobody sleeps through a change, and a token left over from an earlier
// change only makes somebody look again.
type queue struct {
	room, ready chan struct{} // capacity 1
	done        chan struct{} // closed by close

	mu     sync.Mutex
	frames [][]byte
	bytes  int // of all frames together, at most MaxBytes
	closed bool
}

func newQueue() *queue {
	return &queue{
		room:  make(chan struct{}, 1),
		ready: make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
}

// put appends a copy of frame, waiting for room.
func (q *queue) put(ctx context.Context, frame []byte) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		taken, err := q.tryPut(frame)
		if taken || err != nil {
			return err
		}
		select {
		case <-q.room:
		case <-q.done:
		case <-ctx.Done():
		}
	}
}

func (q *queue) tryPut(frame []byte) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, transport.ErrClosed
	}
	if len(q.frames) == MaxFrames || q.bytes+len(frame) > MaxBytes {
		return false, nil
	}
	q.frames = append(q.frames, bytes.Clone(frame))
	q.bytes += len(frame)
	signal(q.ready)
	return true, nil
}

// take removes the first frame, waiting for one. What was put before close
// can still be taken.
func (q *queue) take(ctx context.Context) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		frame, taken, err := q.tryTake()
		if taken || err != nil {
			return frame, err
		}
		select {
		case <-q.ready:
		case <-q.done:
		case <-ctx.Done():
		}
	}
}

func (q *queue) tryTake() (frame []byte, taken bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		if q.closed {
			return nil, false, transport.ErrClosed
		}
		return nil, false, nil
	}
	frame, q.frames[0] = q.frames[0], nil
	q.frames = q.frames[1:]
	q.bytes -= len(frame)
	signal(q.room)
	return frame, true, nil
}

// close refuses further frames and wakes whoever waits.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.done)
	}
}

// signal leaves a token in c unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
