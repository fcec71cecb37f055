package sequence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func (l *List) strings() []string {
	var s []string
	for _, content := range l.All() {
		s = append(s, string(content))
	}
	return s
}

// TestListOrders delivers random histories of lists in many orders and compares with the oracle after each op.
func TestListOrders(t *testing.T) {
	worlds := 250
	if testing.Short() {
		worlds = 40
	}
	for seed := range worlds {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 4)), 3+seed%3)
		w.growBy(10+seed%16, w.editList)
		for range 3 {
			order := w.shuffle()
			list := NewList(w)
			var mirror []string
			have := map[int]bool{}
			for _, v := range order {
				edits, err := list.Apply(w.versions[v].list)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				have[v] = true
				want := w.oracle.contents(w.oracle.union(w.heads(have)))
				if got := list.strings(); !slices.Equal(got, want) {
					t.Fatalf("seed %d: after %v: %q, want %q", seed, order, got, want)
				}
				if mirror = replayList(mirror, edits); !slices.Equal(mirror, want) {
					t.Fatalf("seed %d: edits give %q, want %q", seed, mirror, want)
				}
				if w.rand.IntN(6) == 0 {
					list = reopen(t, w, list)
				}
			}
			checkTouched(t, w, list)
			merged := NewList(w)
			log, err := DecodeLog(list.log.Append(nil, 0))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := merged.Merge(log); err != nil || !slices.Equal(merged.strings(), list.strings()) {
				t.Fatalf("seed %d: the log replays to %q, want %q (%v)", seed, merged.strings(), list.strings(), err)
			}
			checkTouched(t, w, merged)
			checkDiff(t, w, merged)
		}
	}
}

// reopen closes a list and opens it again, with its past.
func reopen(t *testing.T, w *world, list *List) *List {
	t.Helper()
	past, err := DecodeLog(list.log.Append(nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := OpenList(list.AppendSnapshot(nil), w)
	if err == nil {
		err = opened.Load(past)
	}
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func replayList(s []string, edits []ListEdit) []string {
	for _, e := range edits {
		switch e.Kind {
		case ListMove:
			moved := s[e.Pos]
			s = slices.Insert(slices.Delete(slices.Clone(s), e.Pos, e.Pos+1), e.To, moved)
		case ListReplace:
			s = slices.Clone(s)
			s[e.Pos] = string(e.Elements[0])
		default:
			var put []string
			for _, c := range e.Elements {
				put = append(put, string(c))
			}
			s = slices.Concat(s[:e.Pos], put, s[e.Pos+e.Removed:])
		}
	}
	return s
}

// TestMoves tells what concurrent moves, replacements and removals of one element come to.
func TestMoves(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b ListEdit // b is the later one in the total order
		want string
	}{
		{"two moves leave one element, the later wins", ListEdit{Kind: ListMove, Pos: 0, To: 1}, ListEdit{Kind: ListMove, Pos: 0, To: 2}, "b c a d"},
		{"a move and a replacement do both", ListEdit{Kind: ListMove, Pos: 0, To: 2}, ListEdit{Kind: ListReplace, Elements: [][]byte{[]byte("A")}}, "b c A d"},
		{"a removal beats a move", ListEdit{Removed: 1}, ListEdit{Kind: ListMove, Pos: 0, To: 2}, "b c d"},
		{"a removal beats a replacement", ListEdit{Removed: 1}, ListEdit{Kind: ListReplace, Elements: [][]byte{[]byte("A")}}, "b c d"},
		{"of two replacements the later stands", ListEdit{Kind: ListReplace, Elements: [][]byte{[]byte("1")}}, ListEdit{Kind: ListReplace, Elements: [][]byte{[]byte("2")}}, "2 b c d"},
		{"moves of two elements cross", ListEdit{Kind: ListMove, Pos: 0, To: 3}, ListEdit{Kind: ListMove, Pos: 3, To: 0}, "d b c a"},
	} {
		w := newWorld(rand.New(rand.NewPCG(1, 1)), 2)
		w.writeList(0, ListEdit{Elements: [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d")}})
		w.meet(1, 0)
		w.writeList(0, c.a)
		w.writeList(1, c.b)
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}} {
			list := NewList(w)
			for _, v := range order {
				if _, err := list.Apply(w.versions[v].list); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(list.strings(), " "); got != c.want {
				t.Errorf("%s: %v gives %q, want %q", c.name, order, got, c.want)
			}
		}
	}
}

// checkTouched compares who touched each element last with the greatest event that the oracle has of it.
func checkTouched(t *testing.T, w *world, list *List) {
	t.Helper()
	last := map[Dot]Dot{} // of each element, by the dot that inserted it
	for i := range w.oracle.events {
		e := &w.oracle.events[i]
		of := w.oracle.events[e.element].dot
		if e.kind != remove && (last[of].Seq == 0 || w.Stamp(last[of]).Less(w.Stamp(e.dot))) {
			last[of] = e.dot
		}
	}
	var got, want []Dot
	for run := range list.Blame() {
		for range run.N {
			got = append(got, run.Dot)
			run.Dot.Seq++
		}
	}
	for dot := range list.All() {
		want = append(want, last[dot])
	}
	if !slices.Equal(got, want) {
		t.Fatalf("touched by %v, want %v", got, want)
	}
}

// checkDiff takes a list from what some authors have seen to what others have, and compares.
func checkDiff(t *testing.T, w *world, list *List) {
	t.Helper()
	var at [2]Version
	var says [2][]string
	for i := range at {
		past := w.versions[w.rand.IntN(len(w.versions))].past
		v, err := list.Seen(func(d Dot) bool { return past[w.byDot[d]] })
		if err != nil {
			t.Fatal(err)
		}
		old, err := list.At(v)
		if err != nil {
			t.Fatal(err)
		}
		at[i], says[i] = v, old.strings()
	}
	edits, err := list.Diff(at[0], at[1])
	if err != nil {
		t.Fatal(err)
	}
	length := len(says[0])
	for i := range edits {
		if err := edits[i].Check(length); err != nil {
			t.Fatal(err)
		}
		if edits[i].Kind == ListSplice {
			length += len(edits[i].Elements) - edits[i].Removed
		}
	}
	if got := replayList(says[0], edits); !slices.Equal(got, says[1]) {
		t.Fatalf("%v takes %q to %q, not to %q", edits, says[0], got, says[1])
	}
}

// TestListDiff tells that as few elements as can be are moved, and that none is taken out and put in for it.
func TestListDiff(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"abcd", "abcd", ""},
		{"abcd", "bcda", "move 0 3"},
		{"abcd", "dabc", "move 3 0"},
		{"abcdef", "abXYef", "splice 2 -2 +2"},
		{"abcdef", "bcdeaf", "move 0 4"},
		{"abc", "cba", "move 2 0, move 2 1"},
		{"abcd", "d", "splice 0 -3 +0"},
		{"", "xy", "splice 0 -0 +2"},
	} {
		elements := func(s string) (all []element) {
			for _, r := range s {
				all = append(all, element{lv: uint32(r), content: []byte(string(r))})
			}
			return all
		}
		var got []string
		for _, e := range diffLists(elements(c.from), elements(c.to)) {
			if e.Kind == ListMove {
				got = append(got, fmt.Sprintf("move %d %d", e.Pos, e.To))
			} else {
				got = append(got, fmt.Sprintf("splice %d -%d +%d", e.Pos, e.Removed, len(e.Elements)))
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("from %s to %s: %s, want %s", c.from, c.to, s, c.want)
		}
	}
}

// TestListAnchor holds a position to an element that goes elsewhere, and to one that goes for good.
func TestListAnchor(t *testing.T) {
	list := NewList(nil)
	elements := [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d")}
	edits := []ListEdit{{Elements: elements}, {Kind: ListMove, Pos: 1, To: 3}, {Pos: 3, Removed: 1}, {Elements: elements[:1]}}
	var at Anchor
	for i, want := range []int{1, 3, 3, 4} {
		if err := list.Edit(Dot{Seq: uint64(i+1) * 10}, edits[i]); err != nil {
			t.Fatal(err)
		}
		var err error
		if i == 0 {
			at, err = list.Anchor(1, Before)
		}
		pos, wrong := list.Position(at)
		if err != nil || wrong != nil || pos != want {
			t.Errorf("after edit %d it is at %d, want %d (%v, %v)", i, pos, want, err, wrong)
		}
	}
	if pos := edits[1].Shift(2, false); pos != 1 {
		t.Errorf("a move from before a cursor at 2 leads it to %d", pos)
	}
	if pos := (&ListEdit{Kind: ListMove, Pos: 3, To: 1}).Shift(2, true); pos != 3 {
		t.Errorf("a move to before a cursor at 2 leads it to %d", pos)
	}
}
