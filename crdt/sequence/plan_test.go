package sequence

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// branching is a log of events that do nothing, n in a row for each entry of parents.
func branching(n uint32, parents ...[]uint32) *Log {
	l := newLog(0, nil, false)
	for _, p := range parents {
		l.runs = append(l.runs, run{lv: l.graph.add(n, p)})
	}
	return l
}

// TestPlan draws graphs: their plans have every event once, cut behind every parent, and parents come first.
func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLog(0, nil, false)
		for range rapid.IntRange(1, 40).Draw(t, "entries") {
			var parents []uint32
			if l.next > 0 {
				parents = rapid.SliceOfNDistinct(rapid.Uint32Range(0, l.next-1), 0, 3, rapid.ID).Draw(t, "parents")
				slices.Sort(parents)
				parents = l.reduce(parents)
			}
			if n := rapid.Uint32Range(1, 5).Draw(t, "n"); l.next == 0 || !slices.Equal(parents, []uint32{l.next - 1}) {
				l.runs = append(l.runs, run{lv: l.graph.add(n, parents)})
			} else {
				l.graph.add(n, parents)
			}
		}
		p := newPlan(l)
		next := uint32(0)
		for _, s := range p.stretches {
			if s.lv != next || s.n == 0 {
				t.Fatalf("%v follows %d", s, next)
			}
			next = s.end()
		}
		if next != l.next {
			t.Fatalf("the stretches end at %d of %d", next, l.next)
		}
		done := make([]bool, len(p.stretches))
		for _, i := range p.order() {
			if done[i] {
				t.Fatalf("stretch %d comes twice", i)
			}
			done[i] = true
			var ends []uint32
			for _, k := range p.parents.of(i) {
				if !done[k] {
					t.Fatalf("stretch %d comes before its parent %d", i, k)
				}
				ends = append(ends, p.stretches[k].end()-1)
			}
			if want := l.parentsOf(p.stretches[i].lv); !slices.Equal(ends, want) {
				t.Fatalf("stretch %d comes after %v, its first event after %v", i, ends, want)
			}
		}
		if slices.Contains(done, false) {
			t.Fatal("a stretch does not come")
		}
	})
}

// TestPlanSmallestFirst has two branches begin in the middle of an entry: that with the most behind it is gone through last.
func TestPlanSmallestFirst(t *testing.T) {
	l := branching(10,
		nil,             // 0 … 9
		[]uint32{4},     // 10 … 19, and on from there
		[]uint32{4},     // 20 … 29
		[]uint32{19},    // 30 … 39
		[]uint32{9, 29}, // 40 … 49 join the second one and where it all began
		[]uint32{39},    // 50 … 59
	)
	p := newPlan(l)
	var got []uint32
	for _, i := range p.order() {
		got = append(got, p.stretches[i].lv)
	}
	if want := []uint32{0, 5, 20, 40, 10, 30, 50}; !slices.Equal(got, want) {
		t.Errorf("gone through as %v, not %v", got, want)
	}
}
