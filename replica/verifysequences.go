package replica

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/store"
)

// compareSequences compares what is kept of the texts and lists of a group's keys with what their versions come to.
func (v *verifier) compareSequences(g *keyGroup, r store.Range) error {
	rows := make(map[string]int)
	r.KeysOnly = true
	err := v.scan(store.Sequences, r, func(row store.Row) error {
		key, _, _ := bytes.Cut(row.Key, []byte{0})
		rows[string(key)]++
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(rows) {
		e := g.keys[key]
		if e == nil {
			v.damage("key %q: a text or a list that no version wrote", key)
			continue
		}
		if e.bad {
			continue
		}
		if err := v.compareSequence(key, e, rows[key]); err != nil {
			if err := v.found(inKey([]byte(key), inSequence(err))); err != nil {
				return err
			}
		}
	}
	return nil
}

// errKept says that the rows of a text or a list are whole and tell of another one.
var errKept = fmt.Errorf("%w: what is kept of the text or list is not what its versions come to", store.ErrCorrupt)

// inSequence says of a failure to read what is kept of a text or a list that it is damage.
func inSequence(err error) error {
	if errors.Is(err, errSum) || errors.Is(err, sequence.ErrEncoding) || errors.Is(err, sequence.ErrEvent) ||
		errors.Is(err, sequence.ErrPosition) || errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: what is kept of the text or list: %w", store.ErrCorrupt, err)
	}
	return err
}

// compareSequence compares the snapshot, and what its past comes to, with what the versions up to there come to.
func (v *verifier) compareSequence(key string, e *refolded, rows int) error {
	kept, snapshot, err := v.s.readKept(key)
	if err != nil {
		return err
	}
	if snapshot == nil || kept.last > e.last || rows != kept.parts+1 {
		return errKept
	}
	want := &document{docID: docID{key, kept.kind}, lineage: new(lineage), era: v.s.tip.era()}
	want.content = newContent(want.kind, want.lineage)
	if _, err := want.advance(v.s, kept.last); err != nil {
		return err
	}
	past, err := v.s.readPast(key, kept.parts)
	if err != nil {
		return err
	}
	seen := new(lineage)
	opened, err := openContent(want.kind, snapshot, seen)
	if err != nil {
		return err
	}
	if err := opened.Load(past); err != nil {
		return err
	}
	replayed := newContent(want.kind, seen)
	if err := seen.ask(v.s, func() error { return replayed.merge(past) }); err != nil {
		return err
	}
	for _, c := range []content{opened, replayed} {
		if !bytes.Equal(c.value(), want.content.value()) || c.Log().Events() != want.content.Log().Events() ||
			!slices.Equal(slices.Collect(c.Blame()), slices.Collect(want.content.Blame())) {
			return errKept
		}
	}
	return nil
}
