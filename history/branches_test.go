package history_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history"
)

// TestManyBranches compares the graph with plain sets where an author has so many lines that its versions are found by their
// ids.
func TestManyBranches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := grow(t, rapid.IntRange(1, 2).Draw(t, "authors"), rapid.IntRange(1, 90).Draw(t, "versions"), 12, narrow(t))
		r := apply(t, d, d.order(t))
		checkHeads(t, r)
		checkCovers(t, r)
		checkClocks(t, r)
		checkPasts(t, r)
		checkKnown(t, r)
		checkChains(t, r)
		checkMaximal(t, r)
		checkEarlierReader(t, r)
	})
}

// checkChains compares what is said of the shape of pasts.
func checkChains(t *rapid.T, r *replica) {
	for b := range r.dag {
		p := history.NewPast(r.graph, r, r.first(b))
		chain := true
		for x := range r.dag[b].past {
			for y := range r.dag[b].past {
				chain = chain && (r.dag.covers(x, y) || r.dag.covers(y, x))
			}
		}
		if got := p.Chain(); got && !chain {
			t.Fatalf("the past of %d is no chain", b)
		} else if chain && !got && len(r.dag[b].parents) < 2 && !r.hasMerge(b) {
			t.Fatalf("the past of %d is a chain without a merge", b)
		}
		var want []history.LV
		for _, parent := range r.dag[b].parents {
			want = append(want, r.last[parent])
		}
		got := p.Parents()
		if len(got) > 0 && r.dag[b].prev >= 0 && got[0] != r.last[r.dag[b].prev] {
			t.Fatalf("parents of %d: %v, the first is not the previous version", b, got)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("parents of %d: %v, want %v", b, got, want)
		}
		for a := range r.dag {
			if got, want := p.CoversLV(r.last[a]), r.dag[b].past[a]; got != want {
				t.Fatalf("past of %d covers %d by its dot: %v, want %v", b, a, got, want)
			}
		}
	}
}

// hasMerge reports whether a version in the past of one has several parents.
func (r *replica) hasMerge(b int) bool {
	for a := range r.dag[b].past {
		if len(r.dag[a].parents) > 1 {
			return true
		}
	}
	return false
}

func checkMaximal(t *rapid.T, r *replica) {
	var some []int
	for i := range r.dag {
		if rapid.Bool().Draw(t, "some") {
			some = append(some, i)
		}
	}
	var lvs, want []history.LV
	for _, i := range some {
		lvs = append(lvs, r.last[i])
		if !slices.ContainsFunc(some, func(other int) bool { return r.dag[other].past[i] }) {
			want = append(want, r.last[i])
		}
	}
	slices.Sort(want)
	if got := r.graph.Maximal(lvs); !slices.Equal(got, want) {
		t.Fatalf("of %v none covers another but %v, got %v", some, want, got)
	}
}

// earlier sees less than is in the graph.
type earlier struct {
	*replica
	next history.LV
}

// Next implements history.IDs.
func (r earlier) Next() history.LV { return r.next }

// ID implements history.IDs.
func (r earlier) ID(lv history.LV) (history.ID, history.LV, error) {
	if lv >= r.next {
		panic("asked for what is not there yet")
	}
	return r.replica.ID(lv)
}

// checkEarlierReader looks versions up for somebody who sees only the first of them, and then for all others.
func checkEarlierReader(t *rapid.T, r *replica) {
	again := history.NewGraph() // nobody has looked anything up in it
	err := again.Load(func(yield func(history.Span, error) bool) {
		for _, s := range r.spans {
			if !yield(s, nil) {
				return
			}
		}
	}, r.graph.Next(), func(line history.Line) error {
		again.AddLine(r.graph.LineInfo(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	half := earlier{r, r.first(rapid.IntRange(0, len(r.dag)-1).Draw(t, "half"))}
	for i := range r.dag {
		v := &r.dag[i].version
		lv, found, err := again.Lookup(v.Ref(), half)
		if want := r.last[i] < half.next; err != nil || found != want || found && lv != r.last[i] {
			t.Fatalf("version %d: %d, %v, %v; it is there: %v", i, lv, found, err, want)
		}
	}
	for i := range r.dag {
		v := &r.dag[i].version
		if lv, found, err := again.LookupEntry(v.Stamp().Entry(), r); err != nil || !found || lv != r.last[i] {
			t.Fatalf("version %d by the beginning of its id: %d, %v, %v", i, lv, found, err)
		}
	}
}
