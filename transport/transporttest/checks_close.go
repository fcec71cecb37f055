package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/transport"
)

func checkCloseFlushes(ctx context.Context, a, b transport.Conn) error {
	const n, size = 20, 1000
	next := func(i int) []byte { return numbered(i, size) }
	if err := sendAll(ctx, a, n, next); err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	if err := expectAll(ctx, b, n, next); err != nil {
		return fmt.Errorf("after the other end was closed: %w", err)
	}
	if err := expectClosed(ctx, b, "after the last frame of a closed link"); err != nil {
		return err
	}
	if err := expectClosed(ctx, a, "at the end that was closed"); err != nil {
		return err
	}
	for _, end := range []transport.Conn{a, b} {
		if err := expectError("Send on a closed link", end.Send(ctx, next(0)), transport.ErrClosed); err != nil {
			return err
		}
	}
	return nil
}

func checkCloseWakesHere(ctx context.Context, a, _ transport.Conn) error {
	return closeWakes(ctx, a, a)
}

func checkCloseWakesThere(ctx context.Context, a, b transport.Conn) error {
	return closeWakes(ctx, a, b)
}

// closeWakes closes the link at the end closer while a Send waits for room and
// a Receive for a frame, both at waiter.
func closeWakes(ctx context.Context, waiter, closer transport.Conn) error {
	const size = 256 << 10
	taken, err := fill(ctx, waiter, size, MaxUnreceived)
	if err != nil {
		return err
	}
	started := make(chan struct{}, 2)
	return together(
		ctx,
		func(ctx context.Context) error {
			started <- struct{}{}
			// A waiting Send may find room once, never again: nobody receives.
			for i := 0; ; i++ {
				if err := waiter.Send(ctx, numbered(taken+i, size)); err != nil {
					return expectError("Send while the link is closed", err, transport.ErrClosed)
				}
			}
		},
		func(ctx context.Context) error {
			started <- struct{}{}
			_, err := waiter.Receive(ctx)
			return expectError("Receive while the link is closed", err, transport.ErrClosed)
		},
		func(ctx context.Context) error {
			<-started
			<-started
			return closer.Close()
		},
	)
}

func checkCloseTwice(ctx context.Context, a, b transport.Conn) error {
	closeTwice := func(c transport.Conn) func(context.Context) error {
		return func(context.Context) error {
			for range 2 {
				if err := c.Close(); err != nil {
					return fmt.Errorf("Close: %w", err)
				}
			}
			return nil
		}
	}
	waiting := func(c transport.Conn) func(context.Context) error {
		return func(ctx context.Context) error { return expectClosed(ctx, c, "while the link is closed") }
	}
	return together(ctx, waiting(a), waiting(b), closeTwice(a), closeTwice(a), closeTwice(b), closeTwice(b))
}

// checkCloseCrossing closes an end that leaves unread what the other sends: a
// link over a connection that is reset for that loses what it had still to
// deliver.
func checkCloseCrossing(ctx context.Context, a, b transport.Conn) error {
	const n, size = 40, 64 << 10
	next := func(i int) []byte { return numbered(i, size) }
	return together(
		ctx,
		func(ctx context.Context) error {
			if err := sendAll(ctx, a, n, next); err != nil {
				return err
			}
			return a.Close()
		},
		func(ctx context.Context) error { return sendUntilClosed(ctx, b, size) },
		func(ctx context.Context) error {
			if err := expectAll(ctx, b, n, next); err != nil {
				return fmt.Errorf("while the other end was closed over unread frames: %w", err)
			}
			return expectClosed(ctx, b, "after the last frame")
		},
	)
}

// checkCloseInTraffic closes an end while both send and receive.
func checkCloseInTraffic(ctx context.Context, a, b transport.Conn) error {
	const size, before = 48 << 10, 20
	enough := make(chan struct{})
	return together(
		ctx,
		func(ctx context.Context) error { return sendUntilClosed(ctx, a, size) },
		func(ctx context.Context) error { return sendUntilClosed(ctx, b, size) },
		func(ctx context.Context) error { return receiveUntilClosed(ctx, a, size, nil) },
		func(ctx context.Context) error {
			return receiveUntilClosed(ctx, b, size, func(received int) {
				if received == before {
					close(enough)
				}
			})
		},
		func(ctx context.Context) error {
			select {
			case <-enough:
			case <-ctx.Done():
				return ctx.Err()
			}
			return a.Close()
		},
	)
}

// sendUntilClosed sends numbered frames until the link has ended.
func sendUntilClosed(ctx context.Context, c transport.Conn, size int) error {
	for i := 0; ; i++ {
		if err := c.Send(ctx, numbered(i, size)); err != nil {
			return expectError("Send while the link is closed", err, transport.ErrClosed)
		}
	}
}

// receiveUntilClosed receives numbered frames, whole and without a gap, until
// the link has ended.
func receiveUntilClosed(ctx context.Context, c transport.Conn, size int, tell func(received int)) error {
	for i := 0; ; i++ {
		frame, err := c.Receive(ctx)
		if errors.Is(err, transport.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("Receive of frame %d while the link is closed: %w", i, err)
		}
		if !bytes.Equal(frame, numbered(i, size)) {
			return fmt.Errorf("Receive of frame %d while the link is closed: got %s", i, describe(frame))
		}
		if tell != nil {
			tell(i + 1)
		}
	}
}
