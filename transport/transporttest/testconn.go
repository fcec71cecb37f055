package transporttest

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
)

// MaxUnreceived is how many bytes a link may hold between its ends, buffers of
// the operating system included, before a sender must wait.
const MaxUnreceived = 32 << 20

// patience bounds each check. It decides nothing but when to give a link up
// that hangs.
const patience = 60 * time.Second

// leakRounds is how many links the Leak check makes and closes.
const leakRounds = 8

// TestConn proves that the links made by pair keep the contract of
// transport.Conn, each check as a subtest. pair returns both ends of a fresh
// link; the check closes them, and what else pair started is closed by
// t.Cleanup of the t it was given.
func TestConn(t *testing.T, pair func(t *testing.T) (a, b transport.Conn)) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			for _, flipped := range []bool{false, true} {
				a, b := pair(t)
				if flipped {
					a, b = b, a
				}
				if err := c.run(t.Context(), a, b); err != nil {
					t.Errorf("%s: %v", side(flipped), err)
				}
			}
		})
	}
	t.Run("Leak", func(t *testing.T) {
		leavesNothing(t, func(t *testing.T) {
			a, b := pair(t)
			if err := checkCloseFlushes(t.Context(), a, b); err != nil {
				t.Error(err)
			}
		})
	})
}

// leavesNothing holds that use, done again and again, leaves no goroutine behind. What an implementation keeps for all its
// links may start with the first.
func leavesNothing(t *testing.T, use func(t *testing.T)) {
	t.Helper()
	t.Run("First", use)
	before := runtime.NumGoroutine()
	for range leakRounds {
		t.Run("Next", use)
	}
	if err := settle(before, patience/6); err != nil {
		t.Error(err)
	}
}

// check is one promise of the contract, tried on a fresh link: nil if kept.
type check struct {
	name string
	fn   func(ctx context.Context, a, b transport.Conn) error
}

var checks = []check{
	{"Order", checkOrder},
	{"Framing", checkFraming},
	{"Ownership", checkOwnership},
	{"Duplex", checkDuplex},
	{"BackPressure", checkBackPressure},
	{"CancelReceive", checkCancelReceive},
	{"Deadline", checkDeadline},
	{"CancelSend", checkCancelSend},
	{"CloseFlushes", checkCloseFlushes},
	{"CloseWakesHere", checkCloseWakesHere},
	{"CloseWakesThere", checkCloseWakesThere},
	{"CloseTwice", checkCloseTwice},
	{"CloseCrossing", checkCloseCrossing},
	{"CloseInTraffic", checkCloseInTraffic},
}

// run tries the check within patience and closes both ends after it.
func (c check) run(ctx context.Context, a, b transport.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.fn(ctx, a, b)
	for _, end := range []transport.Conn{a, b} {
		if closeErr := end.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("closing after the check: %w", closeErr)
		}
	}
	return err
}

func side(flipped bool) string {
	if flipped {
		return "b to a"
	}
	return "a to b"
}

// settle waits until no more than limit goroutines run: they end soon after
// what they served, not at once. After the given time it fails with all their
// stacks.
func settle(limit int, within time.Duration) error {
	deadline := time.Now().Add(within)
	for runtime.NumGoroutine() > limit {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			return fmt.Errorf("%d goroutines run after %d links were closed, %d before:\n%s",
				runtime.NumGoroutine(), leakRounds, limit, stacks)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
