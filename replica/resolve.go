package replica

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/msgpack"
	"github.com/kdelta/kdelta/internal/order"
)

// Resolve gives a key a value and closes all its open conflicts, as resolved: the version names the sides that were
// looked at. A side that this replica has not seen yet is not touched; it becomes a conflict with the resolution.
// ErrNoConflict where none is open.
func (r *Replica) Resolve(ctx context.Context, key string, value any, opts ...WriteOption) (Version, error) {
	next, err := msgpack.FromGo(value)
	if err != nil {
		return Version{}, err
	}
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error {
		view, err := tx.conflicted(key, o)
		if err != nil {
			return err
		}
		return tx.resolve(key, &view, view.Conflicts, outcome{kind: crdt.KindRegister, value: next})
	})
}

// ResolveTake resolves a key's open conflicts in favour of one side: side is a Version that Conflicts lists. What that
// version says is taken in each conflict that it is a side of, a deletion too; conflicts that it has no part in stay
// open. Any other point resolves all, to what the key showed at that point.
func (r *Replica) ResolveTake(ctx context.Context, key string, side Point, opts ...WriteOption) (Version, error) {
	return r.one(ctx, opts, func(tx *Tx, o *writeOptions) error {
		view, err := tx.conflicted(key, o)
		if err != nil {
			return err
		}
		if v, ok := side.(Version); ok {
			return tx.takeSide(key, &view, v)
		}
		if side == nil {
			return fmt.Errorf("%w: no side was given", ErrPoint)
		}
		s := tx.c.snap()
		at, err := side.resolve(s)
		if err != nil {
			return err
		}
		then, err := s.viewAt(key, at, nil)
		if err != nil {
			return err
		}
		return tx.resolve(key, &view, view.Conflicts, outcome{kind: then.Kind, value: then.Value})
	})
}

// conflicted is what a key shows that has an open conflict.
func (tx *Tx) conflicted(key string, o *writeOptions) (crdt.View, error) {
	view, err := tx.check(key, o)
	if err == nil && len(view.Conflicts) == 0 {
		err = fmt.Errorf("%w: %s", ErrNoConflict, key)
	}
	return view, err
}

// outcome is what a key is to show; a nil value: nothing.
type outcome struct {
	kind  crdt.Kind
	value canon.Value
}

func (w outcome) document() bool { return isDocument(w.kind) }

// isDocument reports whether what is of a kind, or of none yet, is written as a whole or by its members.
func isDocument(kind crdt.Kind) bool {
	switch kind {
	case crdt.KindCounter, crdt.KindSet, crdt.KindText, crdt.KindList:
		return false
	}
	return true
}

// takeSide resolves the conflicts that a version is a side of.
func (tx *Tx) takeSide(key string, view *crdt.View, v Version) error {
	want := outcome{kind: view.Kind, value: view.Value}
	var taken []crdt.Conflict
	var edits []crdt.Edit
	for i := range view.Conflicts {
		c := &view.Conflicts[i]
		side, lost := sideBy(c, v.ID)
		if !lost && c.Chosen.Stamp.ID != v.ID {
			continue
		}
		taken = append(taken, *c)
		if !lost {
			continue // it is shown
		}
		if c.Path == "" {
			want = outcome{kind: side.Kind, value: side.Value}
			continue
		}
		path, err := crdt.ParsePointer(c.Path)
		if err != nil {
			return err
		}
		edits = append(edits, crdt.Edit{Path: path, Value: side.Value})
	}
	if len(taken) == 0 {
		s := tx.c.snap()
		return fmt.Errorf("%w: %s is no side of a conflict of %s; its sides are %s", ErrNoConflict, s.callVersion(v.Stamp), key, s.sidesOf(view))
	}
	if len(edits) > 0 && want.document() && want.value != nil {
		var err error
		if want.value, err = crdt.ApplyEdits(want.value, edits); err != nil {
			return err
		}
	}
	return tx.resolve(key, view, taken, want)
}

// sideBy is what a version says in a conflict that does not show it, or shows it in a mixture.
func sideBy(c *crdt.Conflict, id history.ID) (crdt.Side, bool) {
	for _, side := range c.Others {
		if side.Stamp.ID == id {
			return side, true
		}
	}
	return crdt.Side{}, false
}

// sidesOf names all sides of the conflicts that a view shows.
func (s *snap) sidesOf(view *crdt.View) string {
	var names []string
	for i := range view.Conflicts {
		for _, at := range view.Conflicts[i].Sides {
			names = append(names, s.callVersion(at))
		}
	}
	order.Sort(names, strings.Compare)
	return strings.Join(slices.Compact(names), ", ")
}

// resolve stages the version that closes conflicts: what names their sides, and what makes the key show want. Between
// members of a record it writes those members alone, so that others go on merging; else the whole.
func (tx *Tx) resolve(key string, view *crdt.View, conflicts []crdt.Conflict, want outcome) error {
	state, err := tx.state(key)
	if err != nil {
		return err
	}
	ops, err := tx.membersOps(key, state, view, conflicts, want)
	if err != nil {
		return err
	}
	if want.kind.IsSequence() {
		if ops, err = tx.sameSequence(docID{key, want.kind}); err != nil {
			return err
		}
	}
	if ops == nil {
		// All there is is written over, under whatever strategy somebody may come to look at it.
		conflicts = slices.Concat(conflicts, state.View(crdt.LWW(), nil).Conflicts, state.View(crdt.Fields(), nil).Conflicts)
		if ops, err = wholeOps(key, want); err != nil {
			return err
		}
	}
	var sides []clock.Entry
	for i := range conflicts {
		for _, at := range conflicts[i].Sides {
			sides = append(sides, at.Entry())
		}
	}
	op, err := crdt.Resolve(key, sides)
	if err != nil {
		return err
	}
	if err := tx.stage(key, op); err != nil {
		return err
	}
	return tx.stageAll(key, ops)
}

// stageAll stages ops in their order.
func (tx *Tx) stageAll(key string, ops []crdt.Op) error {
	for _, op := range ops {
		var err error
		if op.Code == crdt.CodeDelete {
			err = tx.stage(key, op) // it has no content
		} else {
			err = tx.stageContent(key, op)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// membersOps is the patch that gives the members in conflict, and those that differ from want, their values; nil where
// only the whole value can be written.
func (tx *Tx) membersOps(key string, state *crdt.State, view *crdt.View, conflicts []crdt.Conflict, want outcome) ([]crdt.Op, error) {
	strategy, name, err := tx.c.strategyOf(namespaceOf(key))
	if err != nil {
		return nil, err
	}
	if strategy == nil {
		return nil, fmt.Errorf("%w: %q, of namespace %q: register it in Options.Strategies to write here",
			ErrUnknownStrategy, name, namespaceOf(key))
	}
	if view.Strategy != crdt.Fields().Name() || view.Revived || !want.document() ||
		view.Value.Type() != canon.TypeMap || want.value.Type() != canon.TypeMap {
		return nil, nil
	}
	var paths []string
	for i := range conflicts {
		if conflicts[i].Path == "" {
			return nil, nil
		}
		paths = append(paths, conflicts[i].Path)
	}
	for _, change := range crdt.Diff(view.Value, want.value) {
		paths = append(paths, crdt.Pointer(change.Path))
	}
	op, ok := patchOf(key, paths, want.value)
	if !ok {
		return nil, nil
	}
	// Paths above and below each other may have hidden what else there is: look.
	after := state.Clone()
	if _, err := after.Apply([]crdt.Op{op}, tx.c.provisional(len(tx.ops)), seesAll{}, nil); err != nil {
		return nil, err
	}
	shown, err := tx.c.viewOf(key, after)
	if err != nil || !bytes.Equal(shown.Value, want.value) || len(shown.Conflicts)+len(conflicts) > len(view.Conflicts) {
		return nil, err
	}
	return []crdt.Op{op}, nil
}

// patchOf is the patch that makes each of the paths what it is in a value; a path below another goes with that. ok is
// false where no patch can do that, as with the members of an object that has a "$bytes".
func patchOf(key string, paths []string, value canon.Value) (op crdt.Op, ok bool) {
	wanted := make(map[string]bool, len(paths))
	for _, p := range paths {
		wanted[p] = true
	}
	var edits []crdt.Edit
	for p := range wanted {
		if isBelowAny(p, wanted) {
			continue
		}
		path, err := crdt.ParsePointer(p)
		if err != nil {
			return crdt.Op{}, false
		}
		there, _ := value.Lookup(path...)
		edits = append(edits, crdt.Edit{Path: path, Value: there})
	}
	op, err := crdt.Patch(key, edits) // which sorts them
	return op, err == nil
}

// isBelowAny reports whether a pointer is below one of others.
func isBelowAny(pointer string, others map[string]bool) bool {
	for i := len(pointer) - 1; i > 0; i-- {
		if pointer[i] == '/' && others[pointer[:i]] {
			return true
		}
	}
	return false
}

// wholeOps are the ops that make a key show want and nothing of what it held: a put takes out all there is, a counter or a
// set is written upon a delete.
func wholeOps(key string, want outcome) ([]crdt.Op, error) {
	var ops []crdt.Op
	if want.value == nil || !want.document() {
		op, err := crdt.Delete(key)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	if want.value == nil {
		return ops, nil
	}
	op, err := contentOp(key, want)
	return append(ops, op), err
}

// contentOp is the op that makes a key that holds nothing show want.
func contentOp(key string, want outcome) (crdt.Op, error) {
	switch want.kind {
	case crdt.KindCounter:
		n, ok := want.value.AsInt()
		if !ok {
			return crdt.Op{}, fmt.Errorf("%w: %s: %s cannot be written as one add", ErrOutOfRange, key, want.value.AppendJSON(nil))
		}
		return crdt.Add(key, n)
	case crdt.KindSet:
		return crdt.SetAdd(key, slices.Collect(want.value.Elements()))
	}
	return crdt.Put(key, want.value)
}
