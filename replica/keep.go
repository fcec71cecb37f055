package replica

import (
	"context"

	"github.com/kdelta/kdelta/crdt"
)

// What is typed here sees to the snapshots of its document itself, in its own commits. What others wrote is looked at when
// nothing has been committed for a while.

// note notes documents that a commit wrote.
func (t *documents) note(ids []docID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		if d := t.open[id]; d != nil && d.writtenAt == d.last && d.writtenIn == d.era && !d.stale {
			continue
		}
		if t.written == nil {
			t.written = make(map[string]crdt.Kind)
		}
		t.written[id.key] = id.kind
	}
}

// wait reports whether there are documents to look at.
func (t *documents) wait() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.written) > 0
}

// keepSequences writes snapshots of the documents that were written and have grown enough.
func (r *Replica) keepSequences(ctx context.Context) error {
	t := &r.documents
	t.mu.Lock()
	written := t.written
	t.written = nil
	t.mu.Unlock()
	for _, key := range sortedKeys(written) {
		id := docID{key, written[key]}
		due := false
		err := r.look(ctx, func(s *snap) error {
			return s.sequenceAt(id, s.now(), func(content) { due = t.open[id] != nil && t.open[id].due() })
		})
		if err == nil && due {
			err = r.write(ctx, func(c *commit) error { return c.keepDue(id) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepDue writes a snapshot of a document that is open and as it is now.
func (c *commit) keepDue(id docID) error {
	t := &c.r.documents
	t.mu.Lock()
	defer t.mu.Unlock()
	last, _, err := c.snap().standing(id.key)
	d := t.open[id]
	if err != nil || d == nil || d.ahead() || d.stale || d.era != c.tip.era() || d.last != last || !d.due() {
		return err
	}
	return c.fail(c.keepSequence(d))
}
