package crdt

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
)

// kindSample is an op of one kind, and what a key shows that holds nothing else.
type kindSample struct {
	name  string
	op    Op
	kind  Kind
	shows string
}

func kindSamples() []kindSample {
	return []kindSample{
		{"put", put("7"), KindRegister, "7"},
		{"patch", patchOp("/x", "1"), KindRecord, `{"x":1}`},
		{"add", add(5), KindCounter, "5"},
		{"set-add", setOp(CodeSetAdd, "1"), KindSet, "[1]"},
		{"text-splice", splice("x"), KindText, "nothing"},
		{"list-move", must(ListMove(testKey, 0, 1)), KindList, "nothing"},
	}
}

// value is what the state knows of what is shown.
func (k *kindSample) value() Value {
	if k.kind.IsSequence() {
		return nil
	}
	return js(k.shows)
}

// algebra is what a kind is folded as: two kinds of one algebra merge, and are no conflict of kinds.
func algebra(k Kind) Kind {
	if k == KindRecord {
		return KindRegister
	}
	return k
}

// Every two kinds that meet are one open conflict, and every write that saw both closes it, as overwritten; one that
// names both sides, as resolved. No order of delivery shows.
func TestKindsMeet(t *testing.T) {
	writes := append(kindSamples(), kindSample{name: "delete", op: del()}, kindSample{name: "set-remove", op: setOp(CodeSetRemove, "1")},
		kindSample{name: "set-remove of something else", op: setOp(CodeSetRemove, "9")})
	for _, a := range kindSamples() {
		for _, b := range kindSamples() {
			if algebra(a.kind) == algebra(b.kind) {
				continue
			}
			start := []at{{"a", 1, 1, "", one(a.op)}, {"b", 2, 2, "", one(b.op)}}
			t.Run(a.name+" and "+b.name, func(t *testing.T) {
				w, _ := build(start)
				w.orders(2, func(order []int) { checkKindsOpen(t, mustFold(t, w, order), a, b) })
				for _, c := range writes {
					for _, resolved := range []bool{false, true} {
						w, _ := build(start)
						ops := []Op{c.op}
						if resolved {
							ops = append(ops, must(Resolve(testKey, []clock.Entry{w.versions[0].stamp.Entry(), w.versions[1].stamp.Entry()})))
						}
						w.add(3, 3, []int{0, 1}, ops...)
						w.orders(2, func(order []int) { checkKindsClosed(t, mustFold(t, w, order), a, b, resolved) })
					}
				}
			})
		}
	}
}

func checkKindsOpen(t *testing.T, f *fold, a, b kindSample) {
	t.Helper()
	if len(f.closed) > 0 {
		t.Errorf("closed %+v, and nobody wrote over it", f.closed)
	}
	for _, st := range builtins() {
		v := f.state.View(st, nil)
		if v.Kind != b.kind || text(v.Value) != b.shows || len(v.Conflicts) != 1 {
			t.Fatalf("%s shows a %s %s with %+v", st.Name(), v.Kind, text(v.Value), v.Conflicts)
		}
		c := v.Conflicts[0]
		if c.Chosen.Kind != b.kind || len(c.Others) != 1 || c.Others[0].Kind != a.kind || text(c.Others[0].Value) != a.shows || len(c.Sides) != 2 {
			t.Errorf("%s: the conflict is %+v", st.Name(), c)
		}
	}
}

func checkKindsClosed(t *testing.T, f *fold, a, b kindSample, resolved bool) {
	t.Helper()
	for _, st := range builtins() {
		if v := f.state.View(st, nil); len(v.Conflicts) > 0 {
			t.Errorf("still open under %s: %+v", st.Name(), v.Conflicts)
		}
	}
	if len(f.closed) != 1 {
		t.Fatalf("closed %+v, want one conflict", f.closed)
	}
	for _, got := range f.closed {
		sides := []clock.Stamp{f.w.versions[0].stamp, f.w.versions[1].stamp}
		want := Conflict{
			Chosen: Side{Stamp: sides[1], Kind: b.kind, Value: b.value()},
			Others: []Side{{Stamp: sides[0], Kind: a.kind, Value: a.value()}},
			Why:    "kinds: later operation", Sides: sides,
		}
		if got.By != f.w.versions[2].stamp || got.Resolved != resolved || !reflect.DeepEqual(got.Conflict, want) {
			t.Errorf("closed %+v, want %+v, resolved %t", got, want, resolved)
		}
	}
}

// Three kinds at once are one conflict.
func TestThreeKindsMeet(t *testing.T) {
	w, _ := build([]at{
		{"a", 1, 1, "", one(setOp(CodeSetAdd, "1"))}, {"b", 2, 2, "", one(put("7"))}, {"c", 3, 3, "", one(add(5))}, {"d", 1, 4, "a b c", one(add(1))},
	})
	before := mustFold(t, w, []int{2, 0, 1}).state.View(LWW(), nil)
	if len(before.Conflicts) != 1 || len(before.Conflicts[0].Others) != 2 || len(before.Conflicts[0].Sides) != 3 {
		t.Fatalf("open: %+v", before.Conflicts)
	}
	w.orders(6, func(order []int) {
		f := mustFold(t, w, order)
		closed, known := f.closed[before.Conflicts[0].Identity()]
		if len(f.closed) != 1 || !known || len(closed.Others) != 2 || closed.Resolved {
			t.Errorf("closed %+v", f.closed)
		}
		if v := f.state.View(LWW(), nil); v.Kind != KindCounter || text(v.Value) != "6" || len(v.Conflicts) > 0 {
			t.Errorf("shows %s %s with %+v", v.Kind, text(v.Value), v.Conflicts)
		}
	})
}

// A record that an add wrote over comes back whole, and in conflict, by an edit that did not see the add.
func TestRecordUnderCounterIsRevived(t *testing.T) {
	w, _ := build([]at{
		{"a", 1, 1, "", one(put(`{"x":1,"y":1}`))}, {"b", 2, 2, "", one(add(5))}, {"c", 2, 3, "a b", one(add(1))}, {"d", 1, 4, "a", one(patchOp("/x", "2"))},
	})
	v := mustFold(t, w, w.creation()).state.View(Fields(), nil)
	if v.Kind != KindRecord || text(v.Value) != `{"x":2,"y":1}` || !v.Revived || len(v.Conflicts) != 1 || text(v.Conflicts[0].Others[0].Value) != "6" {
		t.Errorf("shows %s %s, revived %t, with %+v", v.Kind, text(v.Value), v.Revived, v.Conflicts)
	}
}

// Kinds that stand beside each other were written by people who did not know of each other, and are named with all that
// they come to; whoever sees them all leaves one kind.
func TestKindsInConflictAreConcurrent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(allCodes))
		f := mustFold(t, w, w.randomOrder(t))
		for _, c := range f.state.View(LWW(), nil).Conflicts {
			if !ofKinds(c) {
				continue
			}
			for _, x := range c.Sides {
				for _, y := range c.Sides {
					if w.versions[w.index[x.ID]].past>>w.index[y.ID]&1 == 1 {
						t.Fatalf("%s saw %s, and they are in conflict", x.Name(), y.Name())
					}
				}
			}
		}
		for _, c := range f.closed {
			for _, x := range append(c.Others, c.Chosen) {
				if ofKinds(c.Conflict) && (x.Value == nil) != x.Kind.IsSequence() {
					t.Fatalf("closed %+v", c)
				}
			}
		}
		last := opsOf(allCodes).Draw(t, "last")
		w.add(9, 9, w.heads(), last...)
		view := mustFold(t, w, w.randomOrder(t)).state.View(LWW(), nil)
		if slices.ContainsFunc(view.Conflicts, ofKinds) {
			t.Fatalf("after %v over all: %+v", last, view.Conflicts)
		}
	})
}

// ofKinds reports whether the sides of a conflict are of different kinds.
func ofKinds(c Conflict) bool { return strings.HasPrefix(c.Why, "kinds: ") }
