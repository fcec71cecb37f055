package replica

import (
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

func conflictKey(key string, id crdt.Identity) []byte {
	return appendConflictKey(make([]byte, 0, len(key)+2+len(id)), key, id)
}

func appendConflictKey(b []byte, key string, id crdt.Identity) []byte {
	return append(append(append(b, key...), 0), id[:]...)
}

// closedKey is the key of the row of a conflict that was closed. It is another one than that of the open conflict between
// the same sides: an edit that revives a deleted record opens again what the delete had closed, and then both are told,
// whichever came first.
func closedKey(key string, id crdt.Identity) []byte { return append(conflictKey(key, id), 1) }

// putConflicts makes the rows of a key's conflicts say what its state says: those that are open now, and those that
// versions of this commit closed.
func (c *commit) putConflicts(k *keyRows, e *entry, open []openRow) error {
	if e.row.Conflicts > 0 {
		if err := c.dropOpen(e); err != nil {
			return err
		}
	}
	for _, row := range open {
		e.open = append(e.open, row.id)
		c.scratch = appendConflictKey(c.scratch[:0], e.key, row.id)
		if err := c.tx.Put(store.Conflicts, c.scratch, k.upTo(row.end)); err != nil {
			return err
		}
	}
	for _, closed := range e.closed {
		if err := c.writeClosed(e.key, &closed); err != nil {
			return err
		}
	}
	e.closed = nil
	return nil
}

// dropOpen removes the rows of a key's open conflicts.
func (c *commit) dropOpen(e *entry) error {
	if len(e.open) < int(e.row.Conflicts) {
		if err := c.readOpen(e); err != nil {
			return err
		}
	}
	for _, id := range e.open {
		c.scratch = appendConflictKey(c.scratch[:0], e.key, id)
		if err := c.tx.Delete(store.Conflicts, c.scratch); err != nil {
			return err
		}
	}
	e.open = e.open[:0]
	return nil
}

// readOpen reads which conflicts of a key are open in the store, as the keys of their rows tell.
func (c *commit) readOpen(e *entry) error {
	e.open = e.open[:0]
	rows := keyRange(e.key)
	rows.KeysOnly = true
	for row, err := range c.tx.Scan(store.Conflicts, rows) {
		if err != nil {
			return err
		}
		if id := row.Key[len(rows.From):]; len(id) == len(crdt.Identity{}) {
			e.open = append(e.open, crdt.Identity(id))
		}
	}
	return nil
}

// writeClosed writes the row of a closed conflict. Where several versions closed the same one, all replicas keep the
// same of them, in whatever order these came.
func (c *commit) writeClosed(key string, closed *crdt.Closed) error {
	k := closedKey(key, closed.Identity())
	old, err := c.tx.Get(store.Conflicts, k)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil {
		row, err := store.DecodeConflict(old)
		if err != nil {
			return err
		}
		was, err := closedOf(row)
		if err != nil {
			return err
		}
		if crdt.MergeClosed(was, *closed).By == was.By {
			return nil
		}
	}
	row := closedRow(key, closed)
	return c.tx.Put(store.Conflicts, k, row.Append(nil))
}

// close takes note of conflicts that a version closed. Many may close the same one.
func (e *entry) close(closed []crdt.Closed) {
	for i := range closed {
		id, at := closed[i].Identity(), 0
		for at < len(e.closed) && e.closed[at].Identity() != id {
			at++
		}
		if at < len(e.closed) {
			e.closed[at] = crdt.MergeClosed(e.closed[at], closed[i])
		} else {
			e.closed = append(e.closed, closed[i])
		}
	}
}

// closedRow is the row of a closed conflict. It is made of what the version that closed it saw, whatever the namespace's strategy, so
// that it is the same on replicas that never saw the conflict open. What that strategy did is worked out when somebody lists it
// (conflictList.tellEnding).
func closedRow(key string, closed *crdt.Closed) store.Conflict {
	row := store.Conflict{Path: closed.Path, Status: string(ConflictOverwritten), Time: uint64(closed.By.Time)}
	if closed.Resolved {
		row.Status = string(ConflictResolved)
	}
	row.Entry = closedEntry(key, &closed.Conflict, &closed.By).appendJSON(nil)
	return row
}

// closedOf reads back from a row who closed its conflict, and how.
func closedOf(row store.Conflict) (crdt.Closed, error) {
	v, err := canon.FromJSON(row.Entry)
	if err != nil {
		return crdt.Closed{}, fmt.Errorf("%w: a conflict: %w", store.ErrCorrupt, err)
	}
	b, _ := v.Lookup("by")
	stamp, _ := b.AsBytes()
	r := canon.NewReader(stamp)
	by, err := clock.ReadStamp(&r)
	if err != nil {
		return crdt.Closed{}, fmt.Errorf("%w: a conflict: %w", store.ErrCorrupt, err)
	}
	return crdt.Closed{By: by, Resolved: ConflictStatus(row.Status) == ConflictResolved}, nil
}

// stampSize is what a packed stamp takes at most.
const stampSize = 88

func packStamps(stamps []clock.Stamp) []byte {
	b := make([]byte, 0, stampSize*len(stamps))
	for i := range stamps {
		b = stamps[i].Append(b)
	}
	return b
}

func unpackStamps(b []byte) ([]clock.Stamp, error) {
	var stamps []clock.Stamp
	r := canon.NewReader(b)
	for r.Len() > 0 {
		s, err := clock.ReadStamp(&r)
		if err != nil {
			return nil, err
		}
		stamps = append(stamps, s)
	}
	return stamps, nil
}

// versionOf finds the version that a stamp names.
func (s *snap) versionOf(stamp clock.Stamp) (*stored, error) {
	var lv history.LV
	err := s.graph(func(g *history.Graph) error {
		at, found, err := g.Lookup(history.Ref{Author: stamp.Author, Seq: stamp.Seq, ID: stamp.ID}, s)
		if err == nil && !found {
			err = fmt.Errorf("%w: version %s is missing", store.ErrCorrupt, stamp.Name())
		}
		lv = at
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.version(lv)
}

// mergedKeys lists the keys under a prefix that hold more than one plain value: strategies may show them in different
// ways, also where the present one sees no conflict.
func (s *snap) mergedKeys(prefix string) ([]string, error) {
	var keys []string
	r := store.Range{From: []byte(prefix), To: store.PrefixEnd([]byte(prefix))}
	for row, err := range s.tx.Scan(store.Docs, r) {
		if err != nil {
			return nil, err
		}
		doc, err := store.DecodeDoc(row.Value)
		if err != nil {
			return nil, err
		}
		if doc.State != nil {
			keys = append(keys, string(row.Key))
		}
	}
	return keys, nil
}
