package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
)

// ErrNoUndo says that this database's author has made no edit that is not undone yet.
var ErrNoUndo = errors.New("there is no edit of this device to undo")

// Undone is the version that took an edit back.
type Undone struct {
	Version
	// Edit is the version that it took back, with what that did.
	Edit LogEntry
}

// Undo takes this database's own last edit back: the last version of its author that is no undo, and was not undone, and
// changed something. Undo after Undo thus goes further and further back; Revert to the edit brings a key back to what the
// edit had made it. It is a new version, which names the one it undoes; nothing is removed from the history.
//
// Each key of the edit is given what it showed before, and what others wrote stays: a counter loses what the edit added, a set
// the elements that it added, a record under `fields` the members that it changed, and a key that shows something else
// than the edit made of it, in which the two cannot be told apart, is left as it is. An edit of which nothing is left to
// be taken back counts as none. Settings, tags and names are no edits. ErrNoUndo where there is nothing to undo; a database
// that took a new author, as a copy does, starts anew.
func (r *Replica) Undo(ctx context.Context, opts ...WriteOption) (Undone, error) {
	o := applyWriteOptions(opts)
	var undo Undone
	err := r.writeUser(ctx, func(c *commit) error {
		edit, ops, err := c.undoLast(ctx)
		if err != nil {
			return err
		}
		s := c.snap()
		parents, err := s.parentsOf(edit)
		if err != nil {
			return err
		}
		if undo.Edit, err = s.logEntry(edit, parents, "", true); err != nil {
			return err
		}
		undo.Version, err = c.write(ops, history.Meta{Message: o.message, Undo: edit.ID.String()})
		return err
	})
	if err != nil {
		return Undone{}, err
	}
	return undo, nil
}

// undoLast finds the edit to undo and the ops that do.
func (c *commit) undoLast(ctx context.Context) (*stored, []history.Op, error) {
	s := c.snap()
	undone := make(map[string]bool)
	for lv := c.tip.own.lv; c.tip.own.seq > 0; {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		v, err := s.version(lv)
		if err != nil {
			return nil, nil, err
		}
		if group := v.Meta().Undo; group != "" {
			undone[group] = true
		} else if !undone[v.ID.String()] {
			ops, err := c.undo(v)
			if err != nil || len(ops) > 0 {
				return v, ops, err
			}
		}
		prev := v.PrevRef()
		if prev.Seq == 0 {
			break
		}
		var found bool
		err = s.graph(func(g *history.Graph) (err error) { lv, found, err = g.Lookup(prev, s); return err })
		if err != nil || !found {
			return nil, nil, errors.Join(err, fmt.Errorf("%w: the version before %s", errNoDot, v.Stamp().Name()))
		}
	}
	return nil, nil, ErrNoUndo
}

// undo returns the ops that take a version back, none if it changed nothing.
func (c *commit) undo(v *stored) ([]history.Op, error) {
	s := c.snap()
	parents, err := s.parents(v)
	if err != nil {
		return nil, err
	}
	before, err := Frontier(parents).resolve(s)
	if err != nil {
		return nil, err
	}
	after, err := Version{Stamp: v.Stamp()}.resolve(s)
	if err != nil {
		return nil, err
	}
	tx := &Tx{c: c}
	for _, touched := range v.keys {
		key := touched.key
		if strings.HasPrefix(key, ".") {
			continue
		}
		old, err := s.shownAt(key, before)
		if err != nil {
			return nil, err
		}
		edited, err := s.shownAt(key, after)
		if err != nil {
			return nil, err
		}
		if outcomeOf(&old).equal(outcomeOf(&edited)) {
			continue
		}
		if edited.Kind.IsSequence() && (old.Kind == edited.Kind || old.Kind == crdt.KindNone) {
			now, err := tx.shown(key)
			if err != nil {
				return nil, err
			}
			// Whoever began a text or a list takes the whole of it back, while nobody else has written to it.
			if now.Kind == edited.Kind && (old.Kind == edited.Kind || !outcomeOf(&now).equal(outcomeOf(&edited))) {
				if err := tx.takeBackSequence(docID{key, edited.Kind}, v, &old, before, after); err != nil {
					return nil, err
				}
				continue
			}
		}
		if err := tx.takeBack(key, &old, &edited); err != nil {
			return nil, err
		}
	}
	return tx.ops, nil
}

// takeBack stages what undoes the change of a key from old to edited, as far as the key still shows it.
func (tx *Tx) takeBack(key string, old, edited *crdt.View) error {
	now, err := tx.shown(key)
	if err != nil {
		return err
	}
	want, shown, made := outcomeOf(old), outcomeOf(&now), outcomeOf(edited)
	if !shown.equal(made) {
		if !shown.like(made) || !want.like(made) && want.value != nil {
			return nil
		}
		if want, err = without(&now, old, edited); err != nil {
			return err
		}
	}
	return tx.restore(key, want)
}

func outcomeOf(v *crdt.View) outcome { return outcome{kind: v.Kind, value: v.Value} }

// like reports whether both are of one kind; a register and a record are two ways to see a document.
func (w outcome) like(x outcome) bool {
	if w.value == nil || x.value == nil {
		return w.value == nil && x.value == nil
	}
	return w.kind == x.kind || w.document() && x.document()
}

func (w outcome) equal(x outcome) bool { return w.like(x) && bytes.Equal(w.value, x.value) }

// without is what a key shows now less what an edit changed, all of it where the two cannot be told apart.
func without(now, old, edited *crdt.View) (outcome, error) {
	all := outcomeOf(now)
	switch now.Kind {
	case crdt.KindCounter:
		sum, isSum := now.Value.AsInt()
		after, isAfter := edited.Value.AsInt()
		before, isBefore := old.Value.AsInt()
		if !isSum || !isAfter || !isBefore && old.Value != nil {
			return all, nil
		}
		value, err := canon.Int(sum - (after - before))
		if err != nil {
			return all, fmt.Errorf("%w: %w", ErrOutOfRange, err)
		}
		return outcome{kind: now.Kind, value: value}, nil
	case crdt.KindSet:
		was, became, is := elementsOf(old.Value), elementsOf(edited.Value), elementsOf(now.Value)
		var kept []canon.Value
		for v := range now.Value.Elements() {
			if was[string(v)] || !became[string(v)] {
				kept = append(kept, v)
			}
		}
		for v := range old.Value.Elements() {
			if !became[string(v)] && !is[string(v)] {
				kept = append(kept, v)
			}
		}
		if len(kept) == 0 {
			return outcome{}, nil
		}
		value, err := canon.NewArray(kept)
		return outcome{kind: now.Kind, value: value}, err
	}
	if now.Strategy != crdt.Fields().Name() || edited.Value.Type() != canon.TypeMap || now.Value.Type() != canon.TypeMap {
		return all, nil
	}
	return withoutMembers(all, old, edited)
}

// withoutMembers is what a record shows now less the members that an edit changed and that are still as it made them.
func withoutMembers(now outcome, old, edited *crdt.View) (outcome, error) {
	was := old.Value
	if was.Type() != canon.TypeMap {
		if was != nil {
			return now, nil
		}
		var err error
		if was, err = canon.NewMap(nil); err != nil {
			return now, err
		}
	}
	var edits []crdt.Edit
	for _, change := range crdt.Diff(was, edited.Value) {
		if is, _ := now.value.Lookup(change.Path...); bytes.Equal(is, change.New) {
			edits = append(edits, crdt.Edit{Path: change.Path, Value: change.Old})
		}
	}
	value, err := crdt.ApplyEdits(now.value, edits)
	switch {
	case err != nil: // members that no patch can write
		return now, nil //nolint:nilerr // they cannot be told apart
	case old.Value == nil && value.Len() == 0:
		return outcome{}, nil
	}
	return outcome{kind: now.kind, value: value}, nil
}

// elementsOf are the elements of a set's value.
func elementsOf(set canon.Value) map[string]bool {
	elements := make(map[string]bool, set.Len())
	for v := range set.Elements() {
		elements[string(v)] = true
	}
	return elements
}

// Revert writes what a key showed at a point as a new version: a value, a counter's sum, a set's elements, or nothing.
// If that is what it shows now, no version is made and the zero Version returned. ErrNotFound where it never showed
// anything, then or now.
func (r *Replica) Revert(ctx context.Context, key string, to Point, opts ...WriteOption) (Version, error) {
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error {
		now, err := tx.check(key, o)
		if err != nil {
			return err
		}
		if to == nil {
			return fmt.Errorf("%w: no point was given", ErrPoint)
		}
		s := tx.c.snap()
		at, err := to.resolve(s)
		if err != nil {
			return err
		}
		then, err := s.shownAt(key, at)
		if err != nil {
			return err
		}
		if !shows(&then) && !shows(&now) {
			return fmt.Errorf("%w: %s, at that point and now", ErrNotFound, key)
		}
		if then.Kind.IsSequence() && now.Kind == then.Kind {
			return tx.revertSequence(docID{key, then.Kind}, at)
		}
		return tx.restore(key, outcome{kind: then.Kind, value: then.Value})
	})
}

// restore stages what makes a key show want instead of what it shows, and nothing if it does already. A counter is
// moved by the difference and a set by elements, so that what others add meanwhile stays.
func (tx *Tx) restore(key string, want outcome) error {
	now, err := tx.shown(key)
	if err != nil {
		return err
	}
	shown := outcomeOf(&now)
	switch {
	case shown.equal(want):
		return nil
	case want.value == nil:
		return tx.delete(key, &writeOptions{})
	case want.document() && (shown.value == nil || shown.like(want)):
		return tx.set(key, want.value, &writeOptions{})
	case want.kind.IsSequence() && (shown.value == nil || shown.like(want)):
		return tx.restoreSequence(docID{key, want.kind}, want.value)
	case want.kind == crdt.KindCounter && shown.like(want):
		return tx.moveCounter(key, shown.value, want.value)
	case want.kind == crdt.KindSet && shown.like(want):
		return tx.moveSet(key, shown.value, want.value)
	}
	if want.kind.IsSequence() {
		if err := tx.delete(key, &writeOptions{}); err != nil {
			return err
		}
		return tx.restoreSequence(docID{key, want.kind}, want.value)
	}
	if shown.value == nil {
		op, err := contentOp(key, want)
		if err != nil {
			return err
		}
		return tx.stageContent(key, op)
	}
	ops, err := wholeOps(key, want)
	if err != nil {
		return err
	}
	return tx.stageAll(key, ops)
}

func (tx *Tx) moveCounter(key string, from, to canon.Value) error {
	have, ok := from.AsInt()
	want, exact := to.AsInt()
	if !ok || !exact {
		return fmt.Errorf("%w: %s", ErrOutOfRange, key)
	}
	return tx.add(key, want-have, &writeOptions{})
}

func (tx *Tx) moveSet(key string, from, to canon.Value) error {
	has, wants := elementsOf(from), elementsOf(to)
	var added, removed []canon.Value
	for v := range to.Elements() {
		if !has[string(v)] {
			added = append(added, v)
		}
	}
	for v := range from.Elements() {
		if !wants[string(v)] {
			removed = append(removed, v)
		}
	}
	var ops []crdt.Op
	for _, part := range []struct {
		elements []canon.Value
		make     func(string, []crdt.Value) (crdt.Op, error)
	}{{added, crdt.SetAdd}, {removed, crdt.SetRemove}} {
		if len(part.elements) == 0 {
			continue
		}
		op, err := part.make(key, part.elements)
		if err != nil {
			return err
		}
		ops = append(ops, op)
	}
	return tx.stageAll(key, ops)
}
