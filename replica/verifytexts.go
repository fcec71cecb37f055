package replica

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/store"
)

// compareTexts compares what is kept of the texts of a group's keys with what their versions come to.
func (v *verifier) compareTexts(g *keyGroup, r store.Range) error {
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
			v.damage("key %q: a text that no version wrote", key)
			continue
		}
		if e.bad {
			continue
		}
		if err := v.compareText(key, e, rows[key]); err != nil {
			if err := v.found(inKey([]byte(key), inSequence(err))); err != nil {
				return err
			}
		}
	}
	return nil
}

// errKept says that the rows of a text are whole and tell of another one.
var errKept = fmt.Errorf("%w: what is kept of the text is not what its versions come to", store.ErrCorrupt)

// inSequence says of a failure to read what is kept of a text that it is damage.
func inSequence(err error) error {
	if errors.Is(err, errSum) || errors.Is(err, sequence.ErrEncoding) || errors.Is(err, sequence.ErrEvent) ||
		errors.Is(err, sequence.ErrPosition) || errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: what is kept of the text: %w", store.ErrCorrupt, err)
	}
	return err
}

// compareText compares the snapshot, and what its past comes to, with what the versions up to there come to.
func (v *verifier) compareText(key string, e *refolded, rows int) error {
	kept, snapshot, err := v.s.readKept(key)
	if err != nil {
		return err
	}
	if snapshot == nil || kept.last > e.last || rows != kept.parts+1 {
		return errKept
	}
	want := &document{key: key, lineage: new(lineage), era: v.s.tip.era()}
	want.text = sequence.NewText(want.lineage)
	if _, err := want.advance(v.s, kept.last); err != nil {
		return err
	}
	past, err := v.s.readPast(key, kept.parts)
	if err != nil {
		return err
	}
	seen := new(lineage)
	opened, err := sequence.OpenText(snapshot, seen)
	if err != nil {
		return err
	}
	if err := opened.Load(past); err != nil {
		return err
	}
	replayed := sequence.NewText(seen)
	if err := seen.ask(v.s, func() error { _, err := replayed.Merge(past); return err }); err != nil {
		return err
	}
	for _, text := range []*sequence.Text{opened, replayed} {
		if text.String() != want.text.String() || text.Log().Events() != want.text.Log().Events() ||
			!slices.Equal(slices.Collect(text.Blame()), slices.Collect(want.text.Blame())) {
			return errKept
		}
	}
	return nil
}
