package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// faulty is an end of a good link with the given methods replaced.
type faulty struct {
	transport.Conn
	send    func(ctx context.Context, frame []byte) error
	receive func(ctx context.Context) ([]byte, error)
	close   func() error
}

func (f *faulty) Send(ctx context.Context, frame []byte) error {
	if f.send == nil {
		return f.Conn.Send(ctx, frame)
	}
	return f.send(ctx, frame)
}

func (f *faulty) Receive(ctx context.Context) ([]byte, error) {
	if f.receive == nil {
		return f.Conn.Receive(ctx)
	}
	return f.receive(ctx)
}

func (f *faulty) Close() error {
	if f.close == nil {
		return f.Conn.Close()
	}
	return f.close()
}

// fault makes one end or both of a good link wrong.
type fault func(a, b transport.Conn) (transport.Conn, transport.Conn)

// faults are the mistakes that transports make, each with the check that must
// notice it, and whether the link then hangs: only such a fault may be noticed
// by the end of the context.
var faults = []struct {
	name  string
	check string
	hangs bool
	fault fault
}{
	{"loses every tenth frame", "Order", false, everyTenth(0)},
	{"sends every tenth frame twice", "Order", false, everyTenth(2)},
	{"swaps two frames", "Order", false, swapsFrames},
	{"cuts frames at 64 KiB", "Order", false, cutsFrames(65535)},
	{"sends and receives in turns", "Duplex", true, takesTurns},
	{"swallows empty frames", "Framing", false, swallowsEmpty},
	{"cuts a frame that is too large", "Framing", false, cutsFrames(transport.MaxFrame)},
	{"closes on a frame that is too large", "Framing", false, closesOnTooLarge},
	{"reads the sender's slice after Send", "Ownership", false, readsLate},
	{"masks the sender's slice in place", "Ownership", false, masksInPlace},
	{"receives into one buffer", "Ownership", false, receivesIntoOneBuffer},
	{"takes any number of frames", "BackPressure", false, onSend(takesAll)},
	{"receives when the context is over", "CancelReceive", false, onReceive(receivesAnyway)},
	{"loses the frame of a Receive given up", "CancelReceive", true, onReceive(losesGivenUp)},
	{"gives the error of its timer", "Deadline", false, onReceive(timesOutOtherwise)},
	{"loses the frame after a deadline", "Deadline", true, losesAfterDeadline},
	{"sends when the context is over", "CancelSend", false, onSend(sendsAnyway)},
	{"leaves half of a frame given up", "CancelSend", false, leavesHalf},
	{"takes frames to nowhere after one given up", "CancelSend", false, takesToNowhere},
	{"loses what was sent before Close", "CloseFlushes", false, closeLoses},
	{"does not tell the other end of Close", "CloseFlushes", true, closesAlone},
	{"gives io.EOF after the last frame", "CloseFlushes", false, onReceive(endsWithEOF)},
	{"gives ErrClosed once, then waits", "CloseFlushes", true, closedOnce},
	{"sends after Close without an error", "CloseFlushes", false, onSend(sendsAfterClose)},
	{"Close leaves its own Receive waiting", "CloseWakesHere", true, deafReceive(false)},
	{"Close leaves the other's Receive waiting", "CloseWakesThere", true, deafReceive(true)},
	{"gives an error on the second Close", "CloseTwice", false, closesOnce},
	{"loses what was sent before Close if the closer has frames unread", "CloseCrossing", false, closeLoses},
	{"cuts the frame under way at Close", "CloseInTraffic", false, closeCuts},
}

// Each fault is noticed by the check that stands for it: the kit can fail.
func TestFaultsAreNoticed(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			limit := patience
			if f.hangs {
				limit = 2 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			a, b := f.fault(pipe.New())
			err := checkNamed(t, f.check).run(ctx, a, b)
			if err == nil {
				t.Fatalf("%s did not notice it", f.check)
			}
			if hung := errors.Is(err, context.DeadlineExceeded); hung != f.hangs {
				t.Errorf("%s noticed it by waiting in vain: %t, want %t: %v", f.check, hung, f.hangs, err)
			}
		})
	}
}

func checkNamed(t *testing.T, name string) check {
	t.Helper()
	for _, c := range checks {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no check named %s", name)
	return check{}
}

func TestSettleNoticesALeak(t *testing.T) {
	stop := make(chan struct{})
	go func() { <-stop }()
	limit := runtime.NumGoroutine() - 1
	err := settle(0, 10*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "TestSettleNoticesALeak") {
		t.Errorf("got error %v, want one with the stacks of the goroutines that stayed", err)
	}
	close(stop)
	if err := settle(limit, patience); err != nil {
		t.Errorf("after the goroutine ended: %v", err)
	}
}

// onSend replaces a's Send by one that is given the good one.
func onSend(send func(ctx context.Context, frame []byte, a transport.Conn) error) fault {
	return func(a, b transport.Conn) (transport.Conn, transport.Conn) {
		return &faulty{Conn: a, send: func(ctx context.Context, frame []byte) error {
			return send(ctx, frame, a)
		}}, b
	}
}

// onReceive replaces b's Receive by one that is given the good one.
func onReceive(receive func(ctx context.Context, b transport.Conn) ([]byte, error)) fault {
	return func(a, b transport.Conn) (transport.Conn, transport.Conn) {
		return a, &faulty{Conn: b, receive: func(ctx context.Context) ([]byte, error) {
			return receive(ctx, b)
		}}
	}
}

// everyTenth sends each tenth frame so many times instead of once.
func everyTenth(times int) fault {
	return func(a, b transport.Conn) (transport.Conn, transport.Conn) {
		n := 0
		return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
			if n++; n%10 != 0 {
				return a.Send(ctx, frame)
			}
			for range times {
				if err := a.Send(ctx, frame); err != nil {
					return err
				}
			}
			return nil
		})(a, b)
	}
}

func swapsFrames(a, b transport.Conn) (transport.Conn, transport.Conn) {
	n := 0
	var held []byte
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		n++
		if n == 10 {
			held = bytes.Clone(frame)
			return nil
		}
		err := a.Send(ctx, frame)
		if n == 11 && err == nil {
			err = a.Send(ctx, held)
		}
		return err
	})(a, b)
}

func cutsFrames(size int) fault {
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		return a.Send(ctx, frame[:min(len(frame), size)])
	})
}

// takesTurns does not receive while a Send waits, at either end.
func takesTurns(a, b transport.Conn) (transport.Conn, transport.Conn) {
	oneAtATime := func(c transport.Conn) transport.Conn {
		var turn sync.Mutex
		return &faulty{
			Conn: c,
			send: func(ctx context.Context, frame []byte) error {
				turn.Lock()
				defer turn.Unlock()
				return c.Send(ctx, frame)
			},
			receive: func(ctx context.Context) ([]byte, error) {
				for {
					turn.Lock()
					short, cancel := context.WithTimeout(ctx, time.Millisecond)
					frame, err := c.Receive(short)
					cancel()
					turn.Unlock()
					if err == nil || ctx.Err() != nil {
						return frame, err
					}
				}
			},
		}
	}
	return oneAtATime(a), oneAtATime(b)
}

func swallowsEmpty(a, b transport.Conn) (transport.Conn, transport.Conn) {
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		if len(frame) == 0 {
			return nil
		}
		return a.Send(ctx, frame)
	})(a, b)
}

func closesOnTooLarge(a, b transport.Conn) (transport.Conn, transport.Conn) {
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		err := a.Send(ctx, frame)
		if errors.Is(err, transport.ErrTooLarge) {
			err = errors.Join(err, a.Close())
		}
		return err
	})(a, b)
}

// readsLate keeps the caller's slice and sends what it holds one Send later.
func readsLate(a, b transport.Conn) (transport.Conn, transport.Conn) {
	var kept []byte
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		if kept == nil {
			kept = frame
			return nil
		}
		return a.Send(ctx, kept)
	})(a, b)
}

func masksInPlace(a, b transport.Conn) (transport.Conn, transport.Conn) {
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		err := a.Send(ctx, frame)
		for i := range frame {
			frame[i] ^= 0x55
		}
		return err
	})(a, b)
}

func receivesIntoOneBuffer(a, b transport.Conn) (transport.Conn, transport.Conn) {
	var buffer []byte
	return onReceive(func(ctx context.Context, b transport.Conn) ([]byte, error) {
		frame, err := b.Receive(ctx)
		buffer = append(buffer[:0], frame...)
		return buffer, err
	})(a, b)
}

func takesAll(context.Context, []byte, transport.Conn) error { return nil }

func receivesAnyway(ctx context.Context, b transport.Conn) ([]byte, error) {
	return b.Receive(context.WithoutCancel(ctx))
}

func losesGivenUp(ctx context.Context, b transport.Conn) ([]byte, error) {
	longer, cancel := context.WithTimeout(context.WithoutCancel(ctx), 100*time.Millisecond)
	defer cancel()
	frame, err := b.Receive(longer)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return frame, err
}

func timesOutOtherwise(ctx context.Context, b transport.Conn) ([]byte, error) {
	frame, err := b.Receive(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = os.ErrDeadlineExceeded
	}
	return frame, err
}

// losesAfterDeadline loses the first frame that comes after a Receive timed out.
func losesAfterDeadline(a, b transport.Conn) (transport.Conn, transport.Conn) {
	lose := false
	return onReceive(func(ctx context.Context, b transport.Conn) ([]byte, error) {
		frame, err := b.Receive(ctx)
		if err == nil && lose {
			lose = false
			return b.Receive(ctx)
		}
		lose = errors.Is(err, context.DeadlineExceeded)
		return frame, err
	})(a, b)
}

// closeCuts gives half a frame once the link is closed.
func closeCuts(a, b transport.Conn) (transport.Conn, transport.Conn) {
	cut := false
	return onReceive(func(ctx context.Context, b transport.Conn) ([]byte, error) {
		frame, err := b.Receive(ctx)
		if errors.Is(err, transport.ErrClosed) && !cut {
			cut = true
			return numbered(0, 100), nil
		}
		return frame, err
	})(a, b)
}

func sendsAnyway(ctx context.Context, frame []byte, a transport.Conn) error {
	if ctx.Err() != nil {
		return errors.Join(a.Send(context.WithoutCancel(ctx), frame), ctx.Err())
	}
	return a.Send(ctx, frame)
}

// leavesHalf sends on where a Send was given up: with half of its frame.
func leavesHalf(a, b transport.Conn) (transport.Conn, transport.Conn) {
	var half []byte
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		over := ctx.Err() != nil
		if half != nil {
			if err := a.Send(ctx, half); err != nil {
				return err
			}
			half = nil
		}
		err := a.Send(ctx, frame)
		if errors.Is(err, context.Canceled) && !over {
			half = bytes.Clone(frame[:len(frame)/2])
		}
		return err
	})(a, b)
}

func takesToNowhere(a, b transport.Conn) (transport.Conn, transport.Conn) {
	broken := false
	return onSend(func(ctx context.Context, frame []byte, a transport.Conn) error {
		if broken {
			return nil
		}
		over := ctx.Err() != nil
		err := a.Send(ctx, frame)
		broken = errors.Is(err, context.Canceled) && !over
		return err
	})(a, b)
}

func closeLoses(a, b transport.Conn) (transport.Conn, transport.Conn) {
	var closed atomic.Bool
	closes := &faulty{Conn: a, close: func() error {
		closed.Store(true)
		return a.Close()
	}}
	loses := &faulty{Conn: b, receive: func(ctx context.Context) ([]byte, error) {
		if closed.Load() {
			return nil, transport.ErrClosed
		}
		return b.Receive(ctx)
	}}
	return closes, loses
}

func closesAlone(a, b transport.Conn) (transport.Conn, transport.Conn) {
	return &faulty{Conn: a, close: func() error { return nil }}, b
}

func endsWithEOF(ctx context.Context, b transport.Conn) ([]byte, error) {
	frame, err := b.Receive(ctx)
	if errors.Is(err, transport.ErrClosed) {
		err = io.EOF
	}
	return frame, err
}

func closedOnce(a, b transport.Conn) (transport.Conn, transport.Conn) {
	told := false
	return onReceive(func(ctx context.Context, b transport.Conn) ([]byte, error) {
		frame, err := b.Receive(ctx)
		if errors.Is(err, transport.ErrClosed) && told {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		told = err != nil
		return frame, err
	})(a, b)
}

func sendsAfterClose(ctx context.Context, frame []byte, a transport.Conn) error {
	if err := a.Send(ctx, frame); !errors.Is(err, transport.ErrClosed) {
		return err
	}
	return nil
}

// deafReceive lets a Close at one end only wake a's Receive: at a's own end,
// or at the other.
func deafReceive(wokenByOwn bool) fault {
	return func(a, b transport.Conn) (transport.Conn, transport.Conn) {
		woken := make(chan struct{})
		var once sync.Once
		closeOf := func(c transport.Conn, wakes bool) func() error {
			return func() error {
				if wakes {
					once.Do(func() { close(woken) })
				}
				return c.Close()
			}
		}
		receive := func(ctx context.Context) ([]byte, error) {
			select {
			case <-woken:
				return a.Receive(ctx)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return &faulty{Conn: a, receive: receive, close: closeOf(a, wokenByOwn)},
			&faulty{Conn: b, close: closeOf(b, !wokenByOwn)}
	}
}

func closesOnce(a, b transport.Conn) (transport.Conn, transport.Conn) {
	var closed atomic.Bool
	return &faulty{Conn: a, close: func() error {
		if closed.Swap(true) {
			return transport.ErrClosed
		}
		return a.Close()
	}}, b
}
