package replica

import (
	"context"
	"errors"
	"slices"
	"time"
)

// typedInto notes that something was typed into a text, and reports whether that is enough for a version. The lock of the
// texts is held.
func (r *Replica) typedInto(d *document) (full bool) {
	t := &r.documents
	if !slices.Contains(t.typing, d) {
		t.typing, t.write = append(t.typing, d), (*commit).writeTyped
	}
	if rest := r.typing.Rest; rest >= 0 {
		if t.timer == nil {
			t.timer = time.AfterFunc(rest, r.commitIdly)
		} else {
			t.timer.Reset(rest)
		}
	}
	return d.typed.bytes >= r.typing.Bytes
}

// commitTyped makes versions of all that was typed, durable when it returns, also where it is unlanded what is left.
func (r *Replica) commitTyped(ctx context.Context) error {
	r.documents.mu.Lock()
	nothing := len(r.documents.typing) == 0
	r.documents.mu.Unlock()
	if nothing {
		return nil
	}
	var left *unlanded
	err := r.write(ctx, func(c *commit) error {
		left = nil
		err := r.documents.land(c)
		if errors.As(err, &left) {
			return nil // what the commit comes to is asked for the others
		}
		return err
	})
	if err == nil && left != nil {
		return left
	}
	return err
}

// commitIdly commits when nothing has been typed for a while.
func (r *Replica) commitIdly() {
	t := &r.documents
	t.mu.Lock()
	closed := t.closed
	if !closed {
		t.resting.Add(1)
	}
	t.mu.Unlock()
	if closed {
		return
	}
	defer t.resting.Done()
	if err := r.commitTyped(context.Background()); err != nil {
		r.log.Warn("what was typed is not committed yet", "error", err)
	}
}

// stopTyping ends what waits for a rest, and commits what was typed. Nothing can be typed any more.
func (r *Replica) stopTyping(ctx context.Context) error {
	t := &r.documents
	t.mu.Lock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	t.resting.Wait()
	return r.commitTyped(ctx)
}
