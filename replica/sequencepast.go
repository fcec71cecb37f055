package replica

import (
	"fmt"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// stretch is a part of a text or a list that one version wrote.
type stretch struct {
	at clock.Stamp
	n  int
}

// blameSequence says which versions wrote a text, stretch by stretch, or the items of a list.
func (s *snap) blameSequence(id docID, last history.LV) ([]BlameLine, error) {
	t := &s.r.documents
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.take(s, id, last, id.kind)
	if err != nil {
		return nil, err
	}
	var stretches []stretch
	err = d.lineage.ask(s, func() error { stretches, err = d.stretches(s); return err })
	if err != nil {
		return nil, err
	}
	var lines []BlameLine
	pos := 0
	for _, part := range stretches {
		lines = d.content.blame(lines, pos, pos+part.n, Version{Stamp: part.at})
		pos += part.n
	}
	return lines, nil
}

// stretches are the parts of a document by the versions that wrote them. It is for use while the lineage may be asked.
func (d *document) stretches(s *snap) (all []stretch, err error) {
	for run := range d.content.Blame() {
		for run.N > 0 {
			lv, ok := d.lineage.find(run.Dot)
			if !ok {
				return nil, fmt.Errorf("%w: the %s of %q has what no version wrote", store.ErrCorrupt, d.kind, d.key)
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

// revertSequence stages what takes a text or a list that is shown to what it was at a point. Elements that are in both stay the
// same ones.
func (tx *Tx) revertSequence(id docID, to point) error {
	s := tx.c.snap()
	d, err := s.documentNow(id)
	if err != nil {
		return err
	}
	edits, err := d.diff(s, s.now(), to)
	if err != nil {
		return err
	}
	return tx.edits(id, edits)
}

// restoreSequence stages what makes a text or a list say something else.
func (tx *Tx) restoreSequence(id docID, want canon.Value) error {
	s := tx.c.snap()
	d, err := s.documentNow(id)
	if err != nil {
		return err
	}
	if n := d.content.Len(); d.shows != id.kind && n > 0 {
		// What is left of one that was deleted goes before a new one begins.
		if err := tx.edit(id, edit{ListEdit: sequence.ListEdit{Removed: n}}); err != nil {
			return err
		}
		return tx.edits(id, between(nil, want))
	}
	return tx.edits(id, between(d.content.value(), want))
}

// sameSequence is an op that leaves a text or a list as it is and covers all else that the key holds; nil for an empty one.
func (tx *Tx) sameSequence(id docID) ([]crdt.Op, error) {
	s := tx.c.snap()
	d, err := s.documentNow(id)
	if err != nil || d.content.Len() == 0 {
		return nil, err
	}
	op, err := sameFirst(d.content.value()).op(id)
	return []crdt.Op{op}, err
}

// sameFirst is an edit of what is not empty that leaves its first code point or element as it is.
func sameFirst(value canon.Value) *edit {
	e := &between(nil, value)[0]
	if e.text != "" {
		_, n := utf8.DecodeRuneInString(e.text)
		e.text, e.Removed = e.text[:n], 1
	} else {
		e.Kind, e.Elements = sequence.ListReplace, e.Elements[:1]
	}
	return e
}

// takeBackSequence stages what undoes the edits of a version on a text or a list: what it took out comes back and what it put
// in goes, where others' work has moved that to. old is what the key showed before.
func (tx *Tx) takeBackSequence(id docID, v *stored, old *crdt.View, before, after point) error {
	s := tx.c.snap()
	d, err := s.documentNow(id)
	if err != nil {
		return err
	}
	if old.Kind != id.kind {
		before = point{} // an empty one, whatever the document keeps of one that was deleted
	}
	back, err := d.diff(s, after, before)
	if err != nil {
		return err
	}
	return tx.stageOnTop(id, d.last, Frontier{{Stamp: v.Stamp()}}, back)
}

// mergeSequence stages edits on a text or a list of somebody who had seen what a frontier holds.
func (tx *Tx) mergeSequence(id docID, seen Frontier, edits []edit) error {
	s := tx.c.snap()
	last, shows, err := s.standing(id.key)
	if err == nil {
		err = id.editable(shows)
	}
	if err != nil {
		return err
	}
	then, err := seen.resolve(s)
	if err != nil {
		return err
	}
	was, err := s.viewAt(id.key, then, nil)
	if err != nil {
		return err
	}
	if was.Kind != id.kind && shows != id.kind {
		// He saw nothing: what is left of one that was deleted goes before a new one begins.
		fresh := newContent(id.kind, nil)
		for i := range edits {
			if err := fresh.edit(sequence.Dot{Seq: uint64(i+1) << 32}, &edits[i]); err != nil {
				return err
			}
		}
		return tx.restoreSequence(id, fresh.value())
	}
	return tx.stageOnTop(id, last, seen, edits)
}

// stageOnTop stages what edits of somebody who had seen a frontier do to a document as it is now.
func (tx *Tx) stageOnTop(id docID, last history.LV, seen Frontier, edits []edit) error {
	done, err := tx.c.snap().onTop(id, last, seen, edits)
	if err != nil {
		return err
	}
	return tx.edits(id, done)
}
