package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kdelta/kdelta/store"
)

// The pauses between two tries for a lock that another process holds. A commit takes 0.1 to 10 ms.
const (
	firstPause   = 100 * time.Microsecond
	longestPause = 10 * time.Millisecond
)

// patiently runs try until it meets no lock of another connection or ctx ends (Q2), then translates its error.
// SQLite's own busy handler would hold the thread and not see the context.
func (s *Store) patiently(ctx context.Context, try func() error) error {
	pause := firstPause
	for {
		err := try()
		if err == nil || !s.door.busy(err) {
			return s.door.translate(s.path, err)
		}
		// Two processes that wait in step would meet again: the pause is drawn.
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %s: %w", store.ErrBusy, s.path, context.Cause(ctx))
		}
		pause = min(2*pause, longestPause)
	}
}

// patience bounds ctx by the BusyTimeout option.
func (s *Store) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.options.busyTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, s.options.busyTimeout, errPatience)
}

// errPatience marks an end of waiting that came from the BusyTimeout option, not from the caller's context.
var errPatience = errors.New("the time of the BusyTimeout option is over")
