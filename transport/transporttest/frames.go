package transporttest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/transport"
)

// numbered returns frame number i of the given size, at least 8 bytes: the
// number, then a pattern that depends on it, so that no frame passes for
// another and no part of a frame for a whole one.
func numbered(i, size int) []byte {
	frame := make([]byte, max(size, 8))
	binary.BigEndian.PutUint64(frame, uint64(i))
	const period = 251 // prime: no border of a buffer falls on it again and again
	for j := 8; j < min(len(frame), 8+period); j++ {
		frame[j] = byte(i*31 + j*7)
	}
	for done := 8 + period; done < len(frame); done += period {
		copy(frame[done:], frame[8:8+period])
	}
	return frame
}

// sizes is a run of frame sizes around the borders that length prefixes and
// buffers have.
var sizes = []int{8, 9, 125, 126, 127, 128, 1000, 4095, 4096, 4097, 16383, 16384, 65535, 65536, 65537, 200000}

func sized(i int) []byte { return numbered(i, sizes[i%len(sizes)]) }

// expect receives one frame and compares it.
func expect(ctx context.Context, c transport.Conn, want []byte, what string) error {
	got, err := c.Receive(ctx)
	if err != nil {
		return fmt.Errorf("Receive of %s: %w", what, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("Receive of %s: got %s, want %s", what, describe(got), describe(want))
	}
	return nil
}

func describe(frame []byte) string {
	return fmt.Sprintf("%d bytes beginning %x", len(frame), frame[:min(len(frame), 16)])
}

// expectClosed receives twice and wants ErrClosed both times.
func expectClosed(ctx context.Context, c transport.Conn, what string) error {
	for range 2 {
		_, err := c.Receive(ctx)
		if err := expectError("Receive "+what, err, transport.ErrClosed); err != nil {
			return err
		}
	}
	return nil
}

// expectError returns nil if got is want.
func expectError(what string, got, want error) error {
	switch {
	case errors.Is(got, want):
		return nil
	case got == nil:
		return fmt.Errorf("%s: no error, want %q", what, want.Error())
	}
	return fmt.Errorf("%s: got error %w, want %q", what, got, want.Error())
}

// sendAll sends the frames next(0) to next(n-1).
func sendAll(ctx context.Context, c transport.Conn, n int, next func(int) []byte) error {
	for i := range n {
		if err := c.Send(ctx, next(i)); err != nil {
			return fmt.Errorf("Send of frame %d of %d: %w", i, n, err)
		}
	}
	return nil
}

// expectAll receives the frames next(0) to next(n-1).
func expectAll(ctx context.Context, c transport.Conn, n int, next func(int) []byte) error {
	for i := range n {
		if err := expect(ctx, c, next(i), fmt.Sprintf("frame %d of %d", i, n)); err != nil {
			return err
		}
	}
	return nil
}

// together runs tasks at the same time, waits for all and returns the first
// error. When one fails the others are called off.
func together(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error, len(tasks))
	for _, task := range tasks {
		go func() {
			err := task(ctx)
			results <- err // before cancel: what follows from calling off comes later
			if err != nil {
				cancel()
			}
		}()
	}
	var first error
	for range tasks {
		if err := <-results; err != nil && first == nil {
			first = err
		}
	}
	return first
}
