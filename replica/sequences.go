package replica

import (
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// keptSequence is what the row of a snapshot says beside it: the newest version on the key that it has, the number of events
// that there were, in how many parts they are kept, the size of the snapshot and what it is of.
type keptSequence struct {
	last                history.LV
	events, parts, size int
	kind                crdt.Kind
}

// sequenceKey is the key of a row of Sequences: part 0 is the snapshot, the others are the past up to it.
func sequenceKey(key string, part int) []byte {
	return append(append([]byte(key), 0), store.IntKey(uint64(part))...)
}

// A tail of keepBehind bytes is read as fast as a snapshot is opened; beyond it, one is made when the tail is a keepPart-th
// of what there is. So each byte that is written is written again a bounded number of times, however long the text is.
const (
	keepBehind = 16 << 10
	keepPart   = 4
)

// due reports whether it is time for a snapshot.
func (d *document) due() bool { return d.tail > max(keepBehind, d.kept.size/keepPart) }

// readKept reads the row of a key's snapshot; the snapshot is nil where there is none.
func (s *snap) readKept(key string) (k keptSequence, snapshot []byte, err error) {
	row, err := s.tx.Get(store.Sequences, sequenceKey(key, 0))
	if errors.Is(err, store.ErrNotFound) {
		return k, nil, nil
	}
	if err != nil {
		return k, nil, err
	}
	b, err := withoutSum(row)
	if err == nil {
		r := canon.NewReader(b)
		_, _ = r.Array()
		last, _ := r.Uint()
		events, _ := r.Uint()
		parts, _ := r.Uint()
		if snapshot, err = r.Bytes(); err == nil {
			err = r.End()
		}
		k = keptSequence{last: history.LV(last), events: int(events), parts: int(parts), size: len(snapshot), kind: crdt.KindText}
		if sequence.IsList(snapshot) {
			k.kind = crdt.KindList
		}
	}
	if err != nil {
		return keptSequence{}, nil, fmt.Errorf("%w: what is kept of %q: %w", store.ErrCorrupt, key, err)
	}
	return k, snapshot, nil
}

// readPast reads the past of a snapshot, which is in so many parts.
func (s *snap) readPast(key string, parts int) (*sequence.Log, error) {
	var past *sequence.Log
	for part := 1; part <= parts; part++ {
		row, err := s.tx.Get(store.Sequences, sequenceKey(key, part))
		if err != nil {
			return nil, err
		}
		b, err := withoutSum(row)
		switch {
		case err != nil:
		case past == nil:
			past, err = sequence.DecodeLog(b)
		default:
			err = past.Extend(b)
		}
		if err != nil {
			return nil, err
		}
	}
	if past == nil {
		return nil, errors.New("nothing is kept of it")
	}
	return past, nil
}

// keepSequence writes a snapshot of a document, and what happened since the one before as the next part of its past. Where the rows
// are not those that it was opened from, somebody else has written newer ones, or they are damaged; those are made anew.
func (c *commit) keepSequence(d *document) error {
	kept, _, err := c.snap().readKept(d.key)
	switch {
	case err != nil && !errors.Is(err, store.ErrCorrupt):
		return err
	case err == nil && kept == d.kept:
	case err == nil && kept.last >= d.last || d.kept.parts > 0:
		return nil
	default:
		if err := c.dropSequence(d.key); err != nil {
			return err
		}
	}
	log := d.content.Log()
	part := withSum(log.Append(nil, d.kept.events))
	snapshot := d.content.AppendSnapshot(nil)
	d.kept = keptSequence{last: d.last, events: log.Events(), parts: d.kept.parts + 1, size: len(snapshot), kind: d.kind}
	d.tail = 0
	row := canon.AppendArray(make([]byte, 0, len(snapshot)+32), 4)
	row = canon.AppendUint(row, uint64(d.kept.last))
	row = canon.AppendUint(row, uint64(d.kept.events))
	row = canon.AppendUint(row, uint64(d.kept.parts))
	row = withSum(canon.AppendBytes(row, snapshot))
	c.wrote = true
	return errors.Join(
		c.tx.Put(store.Sequences, sequenceKey(d.key, d.kept.parts), part),
		c.tx.Put(store.Sequences, sequenceKey(d.key, 0), row),
	)
}

// dropSequence forgets what is kept of a key's text or list: it is made again from the versions.
func (c *commit) dropSequence(key string) error {
	c.after = append(c.after, func() error { c.r.documents.expire(key); return nil })
	return c.deleteRows(store.Sequences, keyRange(key))
}
