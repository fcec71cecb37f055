package crdt

import (
	"bytes"
	"cmp"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/canon"
)

// I1, I10: the state, every view and the closed conflicts are a function of the set of versions, and the state is that
// of the definitions.
func TestEqualSetsAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SampledFrom([][]Code{documentCodes, sequenceCodes, allCodes, append(allCodes, codeUnknown)}).Draw(t, "codes")
		w := drawWorld(t, 8, opsOf(codes))
		w.drawResolves(t)
		w.drawErasures(t)
		want := newOracle(w).state().Append(nil)
		first := mustFold(t, w, w.creation())
		check := func(order []int) {
			f := mustFold(t, w, order)
			if got := f.state.Append(nil); !bytes.Equal(got, want) {
				t.Fatalf("order %v\n got %x\nwant %x", order, got, want)
			}
			for _, st := range builtins() {
				if a, b := first.state.View(st, nil), f.state.View(st, nil); !sameView(&a, &b) {
					t.Fatalf("order %v, %s\n got %+v\nwant %+v", order, st.Name(), b, a)
				}
			}
			if !reflect.DeepEqual(first.closed, f.closed) {
				t.Fatalf("order %v closes\n%+v\ncreation order closes\n%+v", order, f.closed, first.closed)
			}
		}
		w.orders(12, check)
		for range 3 {
			check(w.randomOrder(t))
		}
	})
}

// sameView compares what replicas agree on: all but the fault.
func sameView(a, b *View) bool {
	return a.Kind == b.Kind && bytes.Equal(a.Value, b.Value) && a.At == b.At && a.Strategy == b.Strategy &&
		a.Revived == b.Revived && reflect.DeepEqual(a.Conflicts, b.Conflicts)
}

// What a version closes is what was open in its past and is not after it, computed without any shortcut.
func TestClosedIsOfThePastAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(rapid.SampledFrom([][]Code{documentCodes, sequenceCodes, allCodes}).Draw(t, "codes")))
		w.drawErasures(t)
		f := mustFold(t, w, w.randomOrder(t))
		want := make(map[Identity]bool)
		for i := range w.versions {
			v := &w.versions[i]
			before, err := f.StateAt(&testPast{fold: f, of: i, set: v.past})
			if err != nil {
				t.Fatal(err)
			}
			after, err := f.StateAt(&testPast{fold: f, of: i, set: v.past | 1<<i})
			if err != nil {
				t.Fatal(err)
			}
			st := Fields()
			for _, op := range v.ops {
				if op.Code != CodePatch {
					st = LWW()
				}
			}
			gone := make(map[Identity]bool)
			for _, c := range before.View(st, nil).Conflicts {
				gone[c.Identity()] = true
			}
			for _, c := range after.View(st, nil).Conflicts {
				delete(gone, c.Identity())
			}
			for id := range gone {
				want[id] = true
			}
		}
		got := make(map[Identity]bool)
		for id := range f.closed {
			got[id] = true
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("closed %v, want %v", f.closed, want)
		}
	})
}

func TestRecordShowsWhatWritingInOrderLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 9, opsOf(documentCodes))
		s := mustFold(t, w, w.creation()).state
		view := s.View(Fields(), nil)
		if view.Value != nil {
			if err := canon.Check(view.Value); err != nil {
				t.Fatal(err)
			}
		}
		if view.Kind != KindRecord {
			return
		}
		if want := s.shownByWriting(); !bytes.Equal(view.Value, want) {
			t.Fatalf("shows %s, want %s", text(view.Value), text(want))
		}
	})
}

// I18 for records: a Set on top of all is what is shown next, whatever was concurrent before.
func TestSetOnTopIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(documentCodes))
		st := rapid.SampledFrom(builtins()).Draw(t, "strategy")
		before := mustFold(t, w, w.creation()).state.View(st, nil)
		base := before.Value
		if before.Revived {
			base = nil
		}
		next := js(anyValue.Draw(t, "next"))
		op, changed, err := EncodeSet(testKey, st, base, next)
		if err != nil {
			t.Fatal(err)
		}
		if !changed {
			if !bytes.Equal(base, next) {
				t.Fatalf("no op from %s to %s", text(base), text(next))
			}
			return
		}
		w.add(9, 0, w.heads(), op)
		after := mustFold(t, w, w.randomOrder(t)).state.View(st, nil)
		if !bytes.Equal(after.Value, next) {
			t.Fatalf("shows %s, want %s after %s", text(after.Value), text(next), text(before.Value))
		}
	})
}

// A patch on top of all shows what ApplyEdits says.
func TestPatchOnTopIsApplyEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(documentCodes))
		before := mustFold(t, w, w.creation()).state.View(Fields(), nil)
		if before.Revived {
			return
		}
		op := patchOp(anyPatch.Draw(t, "patch")...)
		edits, err := op.Edits()
		if err != nil {
			t.Fatal(err)
		}
		want, err := ApplyEdits(before.Value, edits)
		if err != nil {
			t.Fatal(err)
		}
		w.add(9, 0, w.heads(), op)
		after := mustFold(t, w, w.randomOrder(t)).state.View(Fields(), nil)
		if !bytes.Equal(after.Value, want) {
			t.Fatalf("%s patched by %v shows %s, want %s", text(before.Value), edits, text(after.Value), text(want))
		}
	})
}

// I6: after a delete that covers all, nothing is visible, and what is written on top is all that is ever visible.
func TestDeletedNeverComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 6, opsOf(allCodes))
		w.add(9, 0, w.heads(), del())
		if v := show1(t, w); v.Kind != KindNone || v.Value != nil || len(v.Conflicts) > 0 {
			t.Fatalf("after a delete of all: %+v", v)
		}
		fresh := &world{}
		var over, alone []int
		for range rapid.IntRange(1, 4).Draw(t, "later") {
			ops := opsOf(allCodes).Draw(t, "ops")
			over = []int{w.add(9, 0, append(over, w.heads()...), ops...)}
			alone = []int{fresh.add(9, 0, alone, ops...)}
		}
		for _, st := range builtins() {
			a := mustFold(t, w, w.creation()).state.View(st, nil)
			b := mustFold(t, fresh, fresh.creation()).state.View(st, nil)
			if a.Kind != b.Kind || !bytes.Equal(a.Value, b.Value) {
				t.Fatalf("%s: %s %s on deleted, %s %s on nothing", st.Name(), a.Kind, text(a.Value), b.Kind, text(b.Value))
			}
		}
	})
}

func show1(t *rapid.T, w *world) View { return mustFold(t, w, w.creation()).state.View(LWW(), nil) }

// I7: whatever is concurrent, an add is in the sum and an element in the set, unless something that saw it took it out.
func TestConcurrentAddsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 7, opsOf([]Code{CodeAdd, CodeAdd, CodeSetAdd, CodeSetRemove, CodeDelete}))
		sum, element := int64(0), false
		one := js("1")
		for i := range w.versions {
			for pos, op := range w.versions[i].ops {
				a := &oracleOp{version: i, pos: pos, op: op}
				takenOut := func(codes ...Code) bool { return newOracle(w).anyCovering(a, yes, codes...) }
				if n, err := op.Amount(); op.Code == CodeAdd && err == nil && !takenOut(CodeDelete, CodeSetAdd, CodeSetRemove) {
					sum += n
				}
				if op.Code == CodeSetAdd && bytes.Contains(op.Body, one) && !takenOut(CodeDelete, CodeAdd) {
					element = element || !newOracle(w).anyCovering(a, func(b *oracleOp) bool {
						return bytes.Contains(b.op.Body, one)
					}, CodeSetRemove)
				}
			}
		}
		s := mustFold(t, w, w.randomOrder(t)).state
		if got := cmp.Or(s.counter, new(counter)).value(); text(got) != text(canon.AppendInt(nil, sum)) {
			t.Fatalf("the counter is %s, want %d", text(got), sum)
		}
		if _, got := s.findElement(one); got != element {
			t.Fatalf("1 is in the set: %v, want %v", got, element)
		}
	})
}

// I8: a put that saw everything is what every strategy shows, though its clock was behind.
func TestSuccessorWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 7, opsOf(allCodes))
		w.add(1, 0, w.heads(), put(`"new"`))
		f := mustFold(t, w, w.randomOrder(t))
		for _, st := range builtins() {
			if v := f.state.View(st, nil); text(v.Value) != `"new"` || len(v.Conflicts) > 0 {
				t.Fatalf("%s shows %s with %v", st.Name(), text(v.Value), v.Conflicts)
			}
		}
	})
}

func TestStateEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(append(allCodes, codeUnknown)))
		w.drawErasures(t)
		s := mustFold(t, w, w.creation()).state
		b := s.Append(nil)
		back, err := DecodeState(b)
		if err != nil {
			t.Fatal(err)
		}
		if again := back.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes as %x", b, again)
		}
		if !bytes.Equal(back.AppendDigest(nil), s.AppendDigest(nil)) || back.Unknown() != s.Unknown() || back.Linear() != s.Linear() {
			t.Fatal("the digest or a flag changed")
		}
		for _, st := range builtins() {
			if x, y := s.View(st, nil), back.View(st, nil); !sameView(&x, &y) {
				t.Fatalf("%s: %+v decodes as %+v", st.Name(), x, y)
			}
		}
		// A decoded state goes on like the one it was encoded from.
		i := w.add(9, 3, w.heads()[:1], opsOf(allCodes).Draw(t, "ops")...)
		live, stored := mustFold(t, w, w.creation()[:i]), mustFold(t, w, w.creation()[:i])
		stored.state = back
		if err := live.apply(i); err != nil {
			t.Fatal(err)
		}
		if err := stored.apply(i); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(live.state.Append(nil), stored.state.Append(nil)) {
			t.Fatal("a decoded state goes another way")
		}
	})
}

func TestCloneIsIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 7, opsOf(allCodes))
		n := len(w.versions)
		f := mustFold(t, w, w.creation()[:n-1])
		before := f.state.Append(nil)
		original := f.state
		f.state = f.state.Clone()
		if err := f.apply(n - 1); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(original.Append(nil), before) {
			t.Fatal("applying to the clone changed the original")
		}
	})
}

func anyObject(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		var entries []canon.Entry
		for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c/d", "c0", "~", ""}), 0, 3, rapid.ID).Draw(t, "keys") {
			v := js(rapid.SampledFrom([]string{"1", "2", "null", "[1]", "{}", `{"$bytes":1,"a":2}`}).Draw(t, "leaf"))
			if depth > 0 && rapid.Bool().Draw(t, "nest") {
				v = anyObject(depth-1).Draw(t, "object")
			}
			entries = append(entries, canon.Entry{Key: key, Value: v})
		}
		v, err := canon.NewMap(entries)
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

func TestDiffLeadsFromOneToTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyObject(2).Draw(t, "a"), anyObject(2).Draw(t, "b")
		var edits []Edit
		for _, c := range Diff(a, b) {
			if old, _ := a.Lookup(c.Path...); !bytes.Equal(old, c.Old) {
				t.Fatalf("%s was %s, not %s", Pointer(c.Path), text(old), text(c.Old))
			}
			edits = append(edits, Edit{Path: c.Path, Value: c.New})
		}
		got, err := ApplyEdits(a, edits)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, b) {
			t.Fatalf("from %s to %s the edits %v lead to %s", text(a), text(b), edits, text(got))
		}
	})
}
