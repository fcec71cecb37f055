package replica

import (
	"context"

	"github.com/kdelta/kdelta/crdt/sequence"
)

// What is typed here sees to the snapshots of its text itself, in its own commits. Texts that others wrote are looked at
// when nothing has been committed for a while.

// note notes texts that a commit wrote.
func (t *texts) note(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		if d := t.open[key]; d != nil && d.writtenAt == d.last && d.writtenIn == d.era && !d.stale {
			continue
		}
		if t.written == nil {
			t.written = make(map[string]bool)
		}
		t.written[key] = true
	}
}

// wait reports whether there are texts to look at.
func (t *texts) wait() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.written) > 0
}

// keepTexts writes snapshots of the texts that were written and have grown enough.
func (r *Replica) keepTexts(ctx context.Context) error {
	t := &r.texts
	t.mu.Lock()
	keys := sortedKeys(t.written)
	t.written = nil
	t.mu.Unlock()
	for _, key := range keys {
		due := false
		err := r.look(ctx, func(s *snap) error {
			return s.textAt(key, s.now(), func(*sequence.Text) { due = t.open[key] != nil && t.open[key].due() })
		})
		if err == nil && due {
			err = r.write(ctx, func(c *commit) error { return c.keepDue(key) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepDue writes a snapshot of a text that is open and as it is now.
func (c *commit) keepDue(key string) error {
	t := &c.r.texts
	t.mu.Lock()
	defer t.mu.Unlock()
	last, _, err := c.snap().textPlace(key)
	d := t.open[key]
	if err != nil || d == nil || d.ahead() || d.stale || d.era != c.tip.era() || d.last != last || !d.due() {
		return err
	}
	return c.fail(c.keepText(d))
}
