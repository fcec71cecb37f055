package replica

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
)

// A text or a list is not part of the state of its key, which says only that there is one. What it says is what the edits in the
// log of the key come to: it is made when somebody asks, from what the store keeps of it (sequences.go) and the versions since.
//
//	Sequences   snapshot ········ of it at a version on the key             written when the tail has grown to a
//	            past, in parts ·· up to that version                        part of it, so now and then
//	Runs        tail ············ the versions on the key since             read along the key's log
//
// So a commit costs what it says, whatever the length of the text; to apply what others wrote looks at no text at all.
type document struct {
	docID
	content content
	lineage *lineage
	// last is the newest version on the key that is in the content, in the database of that era.
	last history.LV
	era  uint64
	// kept is what the store has of it, tail about how many bytes of versions came behind that, and opened the number of
	// parts that hold the past of the snapshot that the content was opened from.
	kept   keptSequence
	tail   int
	opened int
	// shows is what the key shows: this, nothing, or something else.
	shows crdt.Kind
	// typed is what the content has beside its versions; stale says that the content is not to be believed.
	typed typed
	stale bool
	// written is the newest version that was made of what was typed, writtenAt its dot in the database of the era
	// writtenIn, and next the dot behind it.
	written   Version
	writtenAt history.LV
	writtenIn uint64
	next      sequence.Dot
	watchers  []*editsWatcher
	// size is about how many bytes it takes, used when it was last taken from those that are open.
	size int
	used uint64
}

// docID names a document: its key, and of which kind it is. A key may have been a text once and be a list now.
type docID struct {
	key  string
	kind crdt.Kind
}

// openDocument makes a text or a list up to a version on its key.
func (s *snap) openDocument(id docID, last history.LV) (*document, error) {
	d := &document{docID: id, lineage: new(lineage), era: s.tip.era()}
	kept, snapshot, err := s.readKept(id.key)
	if err == nil && snapshot != nil && kept.last <= last && kept.kind == id.kind {
		d.content, err = openContent(id.kind, snapshot, d.lineage)
		d.kept, d.last, d.opened = kept, kept.last, kept.parts
	}
	if d.content == nil || err != nil {
		if err != nil && !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, sequence.ErrEncoding) {
			return nil, err
		}
		// What is kept was made from the versions, and can be made again; Verify tells that it is damaged.
		d.content, d.kept, d.last, d.opened = newContent(id.kind, d.lineage), keptSequence{}, 0, 0
	}
	_, err = d.advance(s, last)
	return d, err
}

// advance applies the versions on the key up to one, and returns what they did.
func (d *document) advance(s *snap, last history.LV) ([]edit, error) {
	type step struct {
		lv  history.LV
		all bool
	}
	var steps []step
	err := keyLog{s: s, key: d.key, last: last}.walk(d.last, func(v *stored, l link) (bool, error) {
		steps = append(steps, step{v.lv, l.all})
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	var edits []edit
	for _, at := range slices.Backward(steps) {
		v, err := s.version(at.lv)
		if err != nil {
			return nil, err
		}
		ops, err := s.editsIn(v, d.docID)
		if err != nil {
			return nil, err
		}
		for i := range ops {
			done, err := d.apply(s, &ops[i], at.all)
			if err != nil {
				return nil, fmt.Errorf("the %s of %q at version %s: %w", d.kind, d.key, v.Stamp().Name(), err)
			}
			edits = append(edits, done...)
			d.tail += ops[i].size() - ops[i].Removed
		}
		d.last = at.lv
		d.tail += minStaged
	}
	return edits, nil
}

// dottedEdit is an edit in a version: dot is the first of its dots.
type dottedEdit struct {
	dot sequence.Dot
	edit
}

// editsIn are the edits of a version on a text or a list.
func (s *snap) editsIn(v *stored, id docID) (edits []dottedEdit, err error) {
	dot := sequence.Dot{Author: v.Author, Seq: v.Seq - v.Width + 1}
	if lines := s.byAuthor[v.Author]; len(lines) > 1 {
		err := s.graph(func(g *history.Graph) error {
			line, _ := g.At(v.lv)
			dot.Branch = branchOf(line, s.lines[line])
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, op := range v.Ops() {
		if op.Code.SequenceKind() == id.kind && op.Key == id.key {
			if err := fillErased(&op); err != nil {
				return nil, err
			}
			e, err := editOf(&op.Op)
			if err != nil {
				return nil, err
			}
			edits = append(edits, dottedEdit{dot, e})
		}
		dot.Seq += op.Width
	}
	return edits, nil
}

// fillErased gives an op whose body was erased the one that stands for it: what was written around it stays where it is.
func fillErased(op *history.Op) (err error) {
	if op.Body == nil && op.Detached != nil {
		op.Body, err = crdt.Blank(op.Code, op.Width, op.Detached.Structure)
	}
	return err
}

// apply applies an edit of a version that covers all that was applied to the key before, or not. One that reaches beyond
// what its author can have seen does nothing, here and on every replica.
func (d *document) apply(s *snap, e *dottedEdit, all bool) (edits []edit, err error) {
	if all {
		if err = d.content.edit(e.dot, &e.edit); err == nil {
			return []edit{e.edit}, nil
		}
	} else {
		err = d.withPast(s, func() error {
			edits, err = d.content.apply(e.dot, &e.edit)
			return err
		})
	}
	if errors.Is(err, sequence.ErrPosition) || errors.Is(err, sequence.ErrLimit) {
		return nil, nil
	}
	return edits, err
}

// withPast runs what may ask for the graph, and for what came before the snapshot that the content was opened from.
func (d *document) withPast(s *snap, fn func() error) error {
	err := d.lineage.ask(s, fn)
	if !errors.Is(err, sequence.ErrHistory) {
		return err
	}
	past, err := s.readPast(d.key, d.opened)
	if err == nil {
		err = d.content.Load(past)
	}
	if err != nil {
		return fmt.Errorf("%w: the past of the %s of %q: %w", store.ErrCorrupt, d.kind, d.key, err)
	}
	return d.lineage.ask(s, fn)
}

// at is the text or the list at a point.
func (d *document) at(s *snap, p point) (content, error) {
	var old content
	err := d.withPast(s, func() error {
		v, err := d.versionAt(s, p)
		if err != nil {
			return err
		}
		old, err = d.content.at(v)
		return err
	})
	return old, err
}

// diff is edits, one after the other, that take what it was at one point to what it was at another one.
func (d *document) diff(s *snap, from, to point) (edits []edit, err error) {
	err = d.withPast(s, func() error {
		old, err := d.versionAt(s, from)
		if err != nil {
			return err
		}
		now, err := d.versionAt(s, to)
		if err != nil {
			return err
		}
		edits, err = d.content.diff(old, now)
		return err
	})
	return edits, err
}

// versionAt is what a point holds of it. It is for use within withPast.
func (d *document) versionAt(s *snap, p point) (sequence.Version, error) {
	in := p.member(s)
	_, timed := p.cut.Time()
	var failed error
	v, err := d.content.Seen(func(dot sequence.Dot) bool {
		lv, ok := d.lineage.find(dot)
		if !ok {
			return false
		}
		var at clock.Stamp
		if timed {
			at = d.lineage.Stamp(dot)
		}
		held, err := in(lv, &at)
		failed = errors.Join(failed, err)
		return held
	})
	return v, errors.Join(err, failed)
}
