//go:build !js

package replica

import (
	"context"
	"sync"
	"time"
)

// background packs what was written when nothing has been for a while, and takes what was erased out of the store's files.
type background struct {
	mu      sync.Mutex
	timer   *time.Timer
	running sync.WaitGroup
	closed  bool
	// scrubbing is the timer of the next try to scrub; owed is true while that is.
	scrubbing *time.Timer
	owed      bool
	// tip is what the last commit of this Replica left, zero before the first.
	tip tip
}

const (
	// packBehind is how many dots may stand unpacked before somebody packs them.
	packBehind = 4 * looseDots
	// packIdle is for how long nobody must have committed before the packing begins: it would make them wait.
	packIdle = 200 * time.Millisecond
	// scrubAgain is when a scrub is tried again that a reader of another process was in the way of.
	scrubAgain = 10 * time.Second
	// packAtClose is how many times packedAtOnce rows are packed at most when a replica is closed. A program that makes one write and
	// ends has no other time for it.
	packAtClose = 8
)

// packSoon sees to it that a long tail of unpacked versions is packed when the replica has been idle for a while. A commit
// has left the tip t.
func (r *Replica) packSoon(t *tip) {
	b := &r.background
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tip = *t; r.manual || b.closed || !b.behind() && !r.documents.wait() {
		return
	}
	if b.timer == nil {
		b.timer = time.AfterFunc(packIdle, r.packIdly)
		return
	}
	b.timer.Reset(packIdle)
}

// behind reports whether there is a long tail. b.mu is held.
func (b *background) behind() bool { return b.tip.next-b.tip.packed >= packBehind }

// packIdly packs until there is nothing left, or somebody else writes: his commit starts the timer again.
func (r *Replica) packIdly() {
	b := &r.background
	b.mu.Lock()
	next, closed := b.tip.next, b.closed
	if !closed {
		b.running.Add(1)
	}
	b.mu.Unlock()
	if closed {
		return
	}
	defer b.running.Done()
	if err := r.keepSequences(context.Background()); err != nil {
		r.log.Warn("texts could not be kept as they are; they will be read from their versions", "error", err)
	}
	for more := true; more; {
		var err error
		if more, err = r.packSome(context.Background()); err != nil {
			r.log.Warn("old versions could not be packed; they stay as they are", "error", err)
			return
		}
		b.mu.Lock()
		more = more && !b.closed && b.tip.next == next
		b.mu.Unlock()
	}
}

// packSome packs some of what is old and fills rows.
func (r *Replica) packSome(ctx context.Context) (more bool, err error) {
	err = r.write(ctx, func(c *commit) (err error) {
		if c.tip.next > looseDots {
			more, err = c.packRows(c.tip.next-looseDots, false)
		}
		return err
	})
	return more, err
}

// scrubSoon sees to it that what was erased goes out of the store's files.
func (r *Replica) scrubSoon() { r.scrubIn(packIdle) }

func (r *Replica) scrubIn(delay time.Duration) {
	b := &r.background
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.owed = !r.manual; b.closed || r.manual {
		return
	}
	if b.scrubbing != nil {
		b.scrubbing.Stop()
	}
	b.scrubbing = time.AfterFunc(delay, r.scrubIdly)
}

// scrubIdly scrubs, and tries again later where that was not possible.
func (r *Replica) scrubIdly() {
	b := &r.background
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.running.Add(1)
	b.mu.Unlock()
	defer b.running.Done()
	if r.scrubNow(context.Background()) {
		r.scrubIn(scrubAgain)
	}
}

// scrubNow scrubs where that is owed, and reports whether it is still owed and worth another try.
func (r *Replica) scrubNow(ctx context.Context) bool {
	owed, err := r.scrub(ctx)
	if err != nil {
		r.log.Warn("what was erased is still in the database file", "error", err)
	}
	b := &r.background
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owed = owed
	return owed && err == nil
}

// stopPacking ends what runs in the background, and packs some of what this replica leaves behind.
func (r *Replica) stopPacking(ctx context.Context) error {
	b := &r.background
	b.mu.Lock()
	b.closed = true
	for _, timer := range []*time.Timer{b.timer, b.scrubbing} {
		if timer != nil {
			timer.Stop()
		}
	}
	more, owed := !r.manual && b.behind(), b.owed
	b.mu.Unlock()
	b.running.Wait()
	if !r.manual {
		if err := r.keepSequences(ctx); err != nil {
			return err
		}
	}
	if owed {
		r.scrubNow(ctx)
	}
	for i := 0; more && i < packAtClose; i++ {
		var err error
		if more, err = r.packSome(ctx); err != nil {
			return err
		}
	}
	return nil
}
