package crdt

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
)

// Invariant 5: what the newest versions say, which nobody has written over knowingly, is shown or is in a conflict.
func TestNothingIsLostSilently(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(allCodes))
		s := mustFold(t, w, w.randomOrder(t)).state
		for _, st := range builtins() {
			view := s.View(st, nil)
			for _, head := range w.heads() {
				v := &w.versions[head]
				if op := v.ops[len(v.ops)-1]; !accounted(op, v.stamp, &view) {
					t.Fatalf("%s: %s of %s is neither in %s %s nor in %+v",
						st.Name(), op.Code, v.stamp.Name(), view.Kind, text(view.Value), view.Conflicts)
				}
			}
		}
	})
}

// The versions that an encoding names are those of its state, ascending, and the sides of each conflict are among them.
func TestSidesAreVersionsOfTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(allCodes))
		s := mustFold(t, w, w.randomOrder(t)).state
		versions := s.Encoding().Versions()
		if !slices.IsSortedFunc(versions, clock.Stamp.Compare) {
			t.Fatalf("%v do not ascend", versions)
		}
		for _, st := range builtins() {
			for _, c := range s.View(st, nil).Conflicts {
				for _, side := range c.Sides {
					if !slices.Contains(versions, side) {
						t.Fatalf("%s: %s is a side in %+v, and none of %v", st.Name(), side.Name(), c, versions)
					}
				}
			}
		}
	})
}

// accounted reports whether what an op wanted is shown, or named as lost.
func accounted(op Op, at clock.Stamp, view *View) bool {
	named := func(path string) bool {
		return slices.ContainsFunc(view.Conflicts, func(c Conflict) bool {
			return slices.Contains(c.Sides, at) && (c.Path == path || c.Path == "")
		})
	}
	switch op.Code {
	case CodePut:
		shown := bytes.Equal(view.Value, op.Body) || named("")
		for _, leaf := range appendLeaves(nil, "", op.Body) {
			shown = shown || holds(view.Value, leaf) || named(leaf.path)
		}
		return shown || anotherKind(view, KindRegister, KindRecord)
	case CodePatch:
		edits, _ := readPatch(op.Body)
		for _, e := range edits {
			if !holds(view.Value, e) && !named(e.path) && !anotherKind(view, KindRegister, KindRecord) {
				return false
			}
		}
		return true
	case CodeDelete:
		return view.Kind == KindNone || named("") || view.Kind == KindCounter || view.Kind == KindSet || anotherKind(view, KindRegister, KindRecord)
	case CodeAdd:
		return view.Kind == KindCounter || anotherKind(view, KindCounter)
	case CodeTextSplice:
		return view.Kind == KindText || anotherKind(view, KindText)
	case CodeListSplice, CodeListMove, CodeListReplace:
		return view.Kind == KindList || anotherKind(view, KindList)
	case CodeSetAdd:
		return view.Kind == KindSet || anotherKind(view, KindSet)
	default:
		return true
	}
}

// anotherKind reports whether a whole part of one of the kinds is named as lost.
func anotherKind(view *View, kinds ...Kind) bool {
	return slices.ContainsFunc(view.Conflicts, func(c Conflict) bool {
		return strings.HasPrefix(c.Why, "kinds:") &&
			slices.ContainsFunc(c.Others, func(s Side) bool { return slices.Contains(kinds, s.Kind) })
	})
}

// holds reports whether a value is as an edit wants it at the edit's path.
func holds(v Value, e edit) bool {
	path, _ := ParsePointer(e.path)
	got, ok := v.Lookup(path...)
	switch {
	case e.value == nil:
		return !ok || leadsThroughLeaf(v, path)
	case isEmptyObject(e.value):
		return ok && isContainer(got)
	default:
		return bytes.Equal(got, e.value)
	}
}

// leadsThroughLeaf reports whether a path goes on below an object that merging takes as a whole.
func leadsThroughLeaf(v Value, path []string) bool {
	for i := range path {
		if at, ok := v.Lookup(path[:i]...); ok && !isContainer(at) {
			return true
		}
	}
	return false
}
