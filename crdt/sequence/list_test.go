package sequence

import (
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
			merged := NewList(w)
			log, err := DecodeLog(list.log.Append(nil, 0))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := merged.Merge(log); err != nil || !slices.Equal(merged.strings(), list.strings()) {
				t.Fatalf("seed %d: the log replays to %q, want %q (%v)", seed, merged.strings(), list.strings(), err)
			}
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
