package ws

import (
	"context"
	"sync"

	"github.com/kdelta/kdelta/transport"
)

// What an inbox holds before its link stops reading: maxFrames frames, or more
// than one frame's worth of bytes. A frame that was under way still fits.
const (
	maxFrames = 64
	maxBytes  = transport.MaxFrame
)

// inbox keeps the frames that arrived and were not received yet, in order.
//
// Who waits for room or for a frame waits for a token; every change leaves one,
// and a token left over only makes somebody look again.
type inbox struct {
	room, ready chan struct{} // capacity 1
	done        chan struct{} // closed by end

	mu     sync.Mutex
	frames [][]byte
	bytes  int
	ended  error // why no more frames come, nil while they do
}

func newInbox() *inbox {
	return &inbox{
		room:  make(chan struct{}, 1),
		ready: make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
}

// waitRoom returns when there is room for a frame, or none will be kept.
func (b *inbox) waitRoom() {
	for {
		b.mu.Lock()
		free := len(b.frames) < maxFrames && b.bytes <= maxBytes
		b.mu.Unlock()
		if free {
			return
		}
		select {
		case <-b.room:
		case <-b.done:
			return
		}
	}
}

// put adds a frame, which is the inbox's from now on. After end it is dropped.
func (b *inbox) put(frame []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended != nil {
		return
	}
	b.frames = append(b.frames, frame)
	b.bytes += len(frame)
	signal(b.ready)
}

// take removes the first frame, waiting for one. What came before the end can
// still be taken, then comes the end's reason.
func (b *inbox) take(ctx context.Context) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		frame, taken, err := b.tryTake()
		if taken || err != nil {
			return frame, err
		}
		select {
		case <-b.ready:
		case <-b.done:
		case <-ctx.Done():
		}
	}
}

func (b *inbox) tryTake() (frame []byte, taken bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.frames) == 0 {
		return nil, false, b.ended
	}
	frame, b.frames[0] = b.frames[0], nil
	b.frames = b.frames[1:]
	b.bytes -= len(frame)
	signal(b.room)
	return frame, true, nil
}

// end says that no more frames come, and why. The first reason stands.
func (b *inbox) end(reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended == nil {
		b.ended = reason
		close(b.done)
	}
}

// reason returns why the inbox ended, nil while it has not.
func (b *inbox) reason() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// signal leaves a token in c unless one is there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
