package replica

import (
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// stretch is a part of a text that one version wrote.
type stretch struct {
	at clock.Stamp
	n  int
}

// blameText says which versions wrote the text at a key, stretch by stretch.
func (s *snap) blameText(key string, last history.LV) ([]BlameLine, error) {
	t := &s.r.texts
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.take(s, key, last, crdt.KindText)
	if err != nil {
		return nil, err
	}
	var stretches []stretch
	err = d.lineage.ask(s, func() error { stretches, err = d.stretches(s); return err })
	if err != nil {
		return nil, err
	}
	lines := make([]BlameLine, len(stretches))
	pos := 0
	for i, part := range stretches {
		text, err := d.text.Slice(pos, pos+part.n)
		if err != nil {
			return nil, err
		}
		pos += part.n
		lines[i] = BlameLine{Value: canon.Value(canon.AppendString(nil, text)).AppendJSON(nil), Version: Version{Stamp: part.at}}
	}
	return lines, nil
}

// stretches are the parts of a text by the versions that wrote them. It is for use while the lineage may be asked.
func (d *document) stretches(s *snap) (all []stretch, err error) {
	for run := range d.text.Blame() {
		for run.N > 0 {
			lv, ok := d.lineage.find(run.Dot)
			if !ok {
				return nil, fmt.Errorf("%w: the text of %q has what no version wrote", store.ErrCorrupt, d.key)
			}
			v, err := s.version(lv)
			if err != nil {
				return nil, err
			}
			n := int(min(uint64(run.N), v.Seq-run.Dot.Seq+1))
			if k := len(all); k > 0 && all[k-1].at == v.Stamp() {
				all[k-1].n += n
			} else {
				all = append(all, stretch{at: v.Stamp(), n: n})
			}
			run.N -= n
			run.Dot.Seq += uint64(n)
		}
	}
	return all, nil
}

// restoreText stages what makes the text at a key say something else.
func (tx *Tx) restoreText(key, want string) error {
	s := tx.c.snap()
	last, kind, err := s.textPlace(key)
	if err != nil {
		return err
	}
	d, err := s.openText(key, last)
	if err != nil {
		return err
	}
	if n := d.text.Len(); kind != crdt.KindText && n > 0 {
		// What is left of a text that was deleted goes before a new one begins.
		if err := tx.splice(key, sequence.Splice{Removed: n}); err != nil {
			return err
		}
		return tx.splice(key, sequence.Splice{Text: want})
	}
	for _, e := range between(d.text.String(), want) {
		if err := tx.splice(key, sequence.Splice(e)); err != nil {
			return err
		}
	}
	return nil
}

// sameText is an op that leaves the text at a key as it is and covers all else that the key holds; nil for an empty text.
func (tx *Tx) sameText(key string) ([]crdt.Op, error) {
	s := tx.c.snap()
	last, _, err := s.textPlace(key)
	if err != nil {
		return nil, err
	}
	d, err := s.openText(key, last)
	if err != nil || d.text.Len() == 0 {
		return nil, err
	}
	first, err := d.text.Slice(0, 1)
	if err != nil {
		return nil, err
	}
	op, err := crdt.TextSplice(key, 0, 1, first)
	return []crdt.Op{op}, err
}

// takeBackText stages what undoes the splices of a version on the text at a key: what it took out comes back and what it put in
// goes, where others' work has moved that to. old is what the key showed before.
func (tx *Tx) takeBackText(key string, v *stored, old *crdt.View, before, after point) error {
	s := tx.c.snap()
	last, _, err := s.textPlace(key)
	if err != nil {
		return err
	}
	d, err := s.openText(key, last)
	if err != nil {
		return err
	}
	var splices []sequence.Splice
	err = d.withPast(s, func() error {
		edited, err := d.versionAt(s, after)
		if err != nil {
			return err
		}
		var then sequence.Version // of an empty text, whatever the document keeps of one that was deleted
		if old.Kind == crdt.KindText {
			if then, err = d.versionAt(s, before); err != nil {
				return err
			}
		}
		back, err := d.text.Diff(edited, then)
		for _, e := range editsOf(back) {
			splices = append(splices, sequence.Splice(e))
		}
		return err
	})
	if err != nil {
		return err
	}
	return tx.spliceOnTop(key, last, Frontier{{Stamp: v.Stamp()}}, splices)
}

// mergeText stages splices on the text at a key of somebody who had seen what a frontier holds.
func (tx *Tx) mergeText(key string, seen Frontier, splices []sequence.Splice) error {
	s := tx.c.snap()
	last, kind, err := s.textPlace(key)
	if err != nil {
		return err
	}
	if kind != crdt.KindNone && kind != crdt.KindText {
		return wrongKind(key, kind, "a text's edits")
	}
	then, err := seen.resolve(s)
	if err != nil {
		return err
	}
	was, err := s.viewAt(key, then, nil)
	if err != nil {
		return err
	}
	if was.Kind != crdt.KindText && kind != crdt.KindText {
		// He saw nothing: what is left of a text that was deleted goes before a new one begins.
		fresh := sequence.NewText(nil)
		for i, sp := range splices {
			if err := fresh.Splice(sequence.Dot{Seq: uint64(i+1) << 32}, sp); err != nil {
				return err
			}
		}
		return tx.restoreText(key, fresh.String())
	}
	return tx.spliceOnTop(key, last, seen, splices)
}

// spliceOnTop stages what splices of somebody who had seen a frontier do to the text as it is now.
func (tx *Tx) spliceOnTop(key string, last history.LV, seen Frontier, splices []sequence.Splice) error {
	edits, err := tx.c.snap().onTop(key, last, seen, splices)
	if err != nil {
		return err
	}
	for _, e := range edits {
		if err := tx.splice(key, sequence.Splice(e)); err != nil {
			return err
		}
	}
	return nil
}
