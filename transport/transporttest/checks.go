package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kdelta/kdelta/transport"
)

func checkOrder(ctx context.Context, a, b transport.Conn) error {
	const n = 300
	return together(
		ctx,
		func(ctx context.Context) error { return sendAll(ctx, a, n, sized) },
		func(ctx context.Context) error { return expectAll(ctx, b, n, sized) },
		func(ctx context.Context) error { return sendAll(ctx, b, n, sized) },
		func(ctx context.Context) error { return expectAll(ctx, a, n, sized) },
	)
}

func checkFraming(ctx context.Context, a, b transport.Conn) error {
	tooLarge := make([]byte, transport.MaxFrame+1)
	frames := [][]byte{nil, {}, {0}, {255}, numbered(1, transport.MaxFrame), {}, numbered(2, transport.MaxFrame-1)}
	send := func(ctx context.Context) error {
		for i, frame := range frames {
			if err := a.Send(ctx, frame); err != nil {
				return fmt.Errorf("Send of %d bytes: %w", len(frame), err)
			}
			what := fmt.Sprintf("Send of MaxFrame+1 bytes after frame %d", i)
			if err := expectError(what, a.Send(ctx, tooLarge), transport.ErrTooLarge); err != nil {
				return err
			}
		}
		return nil
	}
	receive := func(ctx context.Context) error {
		for i, frame := range frames {
			if err := expect(ctx, b, frame, fmt.Sprintf("frame %d (%d bytes)", i, len(frame))); err != nil {
				return err
			}
		}
		return nil
	}
	return together(ctx, send, receive)
}

func checkOwnership(ctx context.Context, a, b transport.Conn) error {
	const n, size = 40, 5000
	want := func(i int) []byte { return numbered(i, size) }
	send := func(ctx context.Context) error {
		reused := make([]byte, size)
		for i := range n {
			copy(reused, want(i))
			if err := a.Send(ctx, reused); err != nil {
				return fmt.Errorf("Send of frame %d: %w", i, err)
			}
			if !bytes.Equal(reused, want(i)) {
				return fmt.Errorf("Send changed frame %d", i)
			}
			clear(reused)
		}
		return nil
	}
	receive := func(ctx context.Context) error {
		var kept [][]byte
		for i := range n {
			frame, err := b.Receive(ctx)
			if err != nil {
				return fmt.Errorf("Receive of frame %d: %w", i, err)
			}
			if !bytes.Equal(frame, want(i)) {
				return fmt.Errorf("frame %d is not what the slice held when it was sent: %s", i, describe(frame))
			}
			kept = append(kept, frame)
		}
		for i, frame := range kept {
			if !bytes.Equal(frame, want(i)) {
				return fmt.Errorf("frame %d changed after a later Send or Receive: %s", i, describe(frame))
			}
			for j := range frame[:cap(frame)] {
				frame[:cap(frame)][j] = 0xff
			}
		}
		return nil
	}
	return together(ctx, send, receive)
}

// checkDuplex receives only when both ends wait to send: a link on which a
// waiting Send is in the way of Receive never gets out of that.
func checkDuplex(ctx context.Context, a, b transport.Conn) error {
	const size, n = 1 << 20, MaxUnreceived>>20 + 4
	var progress atomic.Int64
	next := func(i int) []byte {
		progress.Add(1)
		return numbered(i, size)
	}
	full := make(chan struct{})
	receive := func(c transport.Conn) func(context.Context) error {
		return func(ctx context.Context) error {
			<-full
			return expectAll(ctx, c, n, func(i int) []byte { return numbered(i, size) })
		}
	}
	return together(
		ctx,
		func(ctx context.Context) error { return sendAll(ctx, a, n, next) },
		func(ctx context.Context) error { return sendAll(ctx, b, n, next) },
		func(ctx context.Context) error {
			untilStalled(ctx, &progress)
			close(full)
			return nil
		},
		receive(a),
		receive(b),
	)
}

// stall is how long progress must rest before a sender counts as waiting. On
// a slow machine that may be said too early; the checks built on it then try
// less than they could, and hold all the same.
const stall = 100 * time.Millisecond

// untilStalled returns when progress rests, or ctx ends.
func untilStalled(ctx context.Context, progress *atomic.Int64) {
	tick := time.NewTicker(stall)
	defer tick.Stop()
	for seen := int64(-1); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := progress.Load()
		if now == seen {
			return
		}
		seen = now
	}
}

// fill sends numbered frames of the given size on c until a Send waits, and
// returns how many were taken. It gives up with an error at limit bytes.
func fill(ctx context.Context, c transport.Conn, size, limit int) (taken int, err error) {
	filling, cancel := context.WithCancel(ctx)
	defer cancel()
	var progress atomic.Int64
	go func() {
		untilStalled(filling, &progress)
		cancel()
	}()
	for ; taken*size <= limit; taken++ {
		switch err := c.Send(filling, numbered(taken, size)); {
		case errors.Is(err, context.Canceled):
			return taken, nil
		case err != nil:
			return taken, fmt.Errorf("Send of frame %d, nobody receiving: %w", taken, err)
		}
		progress.Add(1)
	}
	return taken, fmt.Errorf("%d frames of %d bytes were taken while nobody received; a sender must wait before %d bytes", taken, size, limit)
}

func checkBackPressure(ctx context.Context, a, _ transport.Conn) error {
	const size = 256 << 10
	_, err := fill(ctx, a, size, MaxUnreceived)
	return err
}

func checkCancelReceive(ctx context.Context, a, b transport.Conn) error {
	over, cancel := context.WithCancel(ctx)
	cancel()
	const n = 100
	for i := range n {
		if err := a.Send(ctx, sized(i)); err != nil {
			return fmt.Errorf("Send of frame %d: %w", i, err)
		}
		// A context that is over before, and one that ends while Receive may
		// be waiting or just taking the frame: in both cases a frame comes
		// back now or with the next Receive.
		_, err := b.Receive(over)
		if err := expectError("Receive with a context that is over", err, context.Canceled); err != nil {
			return err
		}
		if err := receiveAcrossCancel(ctx, b, i); err != nil {
			return err
		}
	}
	return nil
}

// receiveAcrossCancel receives frame i, the first time with a context that
// ends meanwhile.
func receiveAcrossCancel(ctx context.Context, c transport.Conn, i int) error {
	ending, cancel := context.WithCancel(ctx)
	defer cancel()
	go cancel()
	frame, err := c.Receive(ending)
	if errors.Is(err, context.Canceled) {
		return expect(ctx, c, sized(i), fmt.Sprintf("frame %d after a Receive given up", i))
	}
	if err != nil {
		return fmt.Errorf("Receive of frame %d with a context that ends: %w", i, err)
	}
	if !bytes.Equal(frame, sized(i)) {
		return fmt.Errorf("Receive of frame %d: got %s", i, describe(frame))
	}
	return nil
}

// checkDeadline wants the context's own error, not that of a timer or socket.
func checkDeadline(ctx context.Context, a, b transport.Conn) error {
	over, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	what := "Send with a deadline that has passed"
	if err := expectError(what, a.Send(over, sized(0)), context.DeadlineExceeded); err != nil {
		return err
	}
	const n = 10
	for i := range n {
		soon, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, err := b.Receive(soon)
		cancel()
		if err := expectError("Receive on an empty link until a deadline", err, context.DeadlineExceeded); err != nil {
			return err
		}
		if err := a.Send(ctx, sized(i)); err != nil {
			return fmt.Errorf("Send of frame %d: %w", i, err)
		}
		if err := expect(ctx, b, sized(i), fmt.Sprintf("frame %d after a deadline", i)); err != nil {
			return err
		}
	}
	return nil
}

func checkCancelSend(ctx context.Context, a, b transport.Conn) error {
	const size = 256 << 10
	over, cancel := context.WithCancel(ctx)
	cancel()
	err := a.Send(over, numbered(0, size))
	if err := expectError("Send with a context that is over", err, context.Canceled); err != nil {
		return err
	}
	taken, err := fill(ctx, a, size, MaxUnreceived)
	if err != nil {
		return err
	}
	// The frame numbered taken was given up while it waited: it may have gone
	// or not. The one after it tells whether the link lives on.
	last := taken + 1
	lives := make(chan bool, 1)
	sendLast := func(ctx context.Context) error {
		err := a.Send(ctx, numbered(last, size))
		lives <- err == nil
		if err != nil && !errors.Is(err, transport.ErrClosed) {
			return fmt.Errorf("Send after one given up: %w", err)
		}
		return a.Close()
	}
	receive := func(ctx context.Context) error {
		arrived, err := receiveNumbered(ctx, b, taken, size)
		if err != nil {
			return err
		}
		if <-lives && !arrived[last] {
			return fmt.Errorf("the link lived on after a Send given up, and %d frames of %d arrived", len(arrived), taken+1)
		}
		return nil
	}
	return together(ctx, sendLast, receive)
}

// receiveNumbered receives to the end and wants whole frames numbered upwards
// from 0 without a gap, but that the number mayMiss may be left out. It
// returns the numbers that came.
func receiveNumbered(ctx context.Context, c transport.Conn, mayMiss, size int) (map[int]bool, error) {
	arrived := make(map[int]bool)
	for next := 0; ; next++ {
		frame, err := c.Receive(ctx)
		if errors.Is(err, transport.ErrClosed) {
			return arrived, nil
		}
		if err != nil {
			return nil, fmt.Errorf("Receive after a Send given up: %w", err)
		}
		if next == mayMiss && bytes.Equal(frame, numbered(next+1, size)) {
			next++
		}
		if !bytes.Equal(frame, numbered(next, size)) {
			return nil, fmt.Errorf("after a Send given up: got %s, want frame %d", describe(frame), next)
		}
		arrived[next] = true
	}
}
