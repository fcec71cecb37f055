package history_test

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

// node is a version as the oracle knows it: its parents, and the set of everything it covers.
type node struct {
	version history.Version
	parents []int // prev first where there is one
	prev    int   // −1 for none
	past    map[int]bool
}

// dag is versions in an order in which parents come before children, with their pasts as plain sets.
type dag []node

func author(i int) identity.Author { return identity.Author{byte(i + 1), 0xaa} }

// add appends a version of an author after prev (−1: its first), with other parents.
func (d *dag) add(who, prev int, deps []int, width uint64) {
	n := node{prev: prev, past: map[int]bool{}}
	v := &n.version
	v.Author, v.Width, v.Time = author(who), width, clock.Time(len(*d)+1)
	if prev >= 0 {
		n.parents = append(n.parents, prev)
		v.Seq, v.Prev = (*d)[prev].version.Seq, (*d)[prev].version.ID
	}
	v.Seq += width
	for _, p := range deps {
		if p == prev || slices.Contains(n.parents, p) {
			continue
		}
		n.parents = append(n.parents, p)
		v.Deps = append(v.Deps, (*d)[p].version.Ref())
	}
	for _, p := range n.parents {
		n.past[p] = true
		maps.Copy(n.past, (*d)[p].past)
	}
	v.ID = sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(len(*d))))
	*d = append(*d, n)
}

// covers says by the sets whether b is a or has it in its past.
func (d dag) covers(b, a int) bool { return a == b || d[b].past[a] }

// heads are the versions that nobody names as a parent.
func (d dag) heads() []int {
	var heads []int
	for i := range d {
		if !slices.ContainsFunc(d, func(n node) bool { return slices.Contains(n.parents, i) }) {
			heads = append(heads, i)
		}
	}
	return heads
}

// order is another order in which parents come before children.
func (d dag) order(t *rapid.T) []int {
	var order []int
	placed := map[int]bool{}
	for len(order) < len(d) {
		var ready []int
		for i := range d {
			if !placed[i] && !slices.ContainsFunc(d[i].parents, func(p int) bool { return !placed[p] }) {
				ready = append(ready, i)
			}
		}
		next := rapid.SampledFrom(ready).Draw(t, "next")
		placed[next] = true
		order = append(order, next)
	}
	return order
}

// grow draws versions: most go on where their author is, so many of twenty fork it, many merge others.
func grow(t *rapid.T, authors, versions, forks int, width func() uint64) dag {
	var d dag
	tips := make([][]int, authors) // of all branches
	for range versions {
		who := rapid.IntRange(0, authors-1).Draw(t, "author")
		prev, branch := -1, -1
		if len(tips[who]) > 0 {
			branch = rapid.IntRange(0, len(tips[who])-1).Draw(t, "branch")
			prev = tips[who][branch]
		}
		if forks > 0 && prev >= 0 && rapid.IntRange(0, 19).Draw(t, "fork") < forks {
			branch, prev = -1, d[prev].prev
		}
		var deps []int
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "merges") {
			if len(d) > 0 {
				back := min(len(d), rapid.SampledFrom([]int{1, 2, 3, 5, 20, 500}).Draw(t, "back"))
				deps = append(deps, len(d)-back)
			}
		}
		d.add(who, prev, deps, width())
		if branch < 0 {
			tips[who] = append(tips[who], len(d)-1)
		} else {
			tips[who][branch] = len(d) - 1
		}
	}
	return d
}

// replica is a graph that was given the versions of a dag in some order.
type replica struct {
	graph *history.Graph
	dag   dag
	last  map[int]history.LV // last dot of each version
	owner []int              // version of each LV
	line  map[int]history.Line
	spans []history.Span
}

// ID implements history.IDs.
func (r *replica) ID(lv history.LV) (history.ID, history.LV, error) {
	n := r.owner[lv]
	return r.dag[n].version.ID, r.last[n], nil
}

// Next implements history.IDs.
func (r *replica) Next() history.LV { return r.graph.Next() }

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// apply gives a replica the versions of d in an order.
func apply(t failer, d dag, order []int) *replica {
	t.Helper()
	r := &replica{
		graph: history.NewGraph(), dag: d, owner: []int{-1},
		last: map[int]history.LV{}, line: map[int]history.Line{},
	}
	for _, i := range order {
		r.receive(t, i)
	}
	return r
}

func (r *replica) receive(t failer, i int) {
	t.Helper()
	n := &r.dag[i]
	at, err := r.graph.Attach(&n.version, r)
	if err != nil {
		t.Fatalf("attach %d: %v", i, err)
	}
	line := at.Line
	switch at.Place {
	case history.PlaceNewLine:
		line = r.graph.AddLine(at.Info)
	case history.PlaceTip:
	default:
		t.Fatalf("version %d is at place %d", i, at.Place)
	}
	var parents []history.LV
	if n.prev >= 0 && at.LV != r.last[n.prev] {
		t.Fatalf("version %d: previous version at %d, want %d", i, at.LV, r.last[n.prev])
	}
	for _, p := range n.parents {
		ref := r.dag[p].version.Ref()
		lv, found, err := r.graph.Lookup(ref, r)
		if err != nil || !found || lv != r.last[p] {
			t.Fatalf("lookup of parent %d: %d, %v, %v", p, lv, found, err)
		}
		parents = append(parents, lv)
	}
	v := &n.version
	lv, newSpan := r.graph.Add(line, v.Seq-v.Width+1, v.Width, parents)
	if newSpan {
		span := r.graph.LastSpan()
		others := span.Parents
		if n.prev >= 0 {
			if others[0] != r.last[n.prev] {
				t.Fatalf("the span of %d has parents %v, the first should be %d", i, others, r.last[n.prev])
			}
			others = others[1:]
		}
		if !slices.IsSorted(others) || len(span.Parents) != len(n.parents) {
			t.Fatalf("the span of %d has parents %v", i, span.Parents)
		}
		r.spans = append(r.spans, span)
	}
	r.line[i], r.last[i] = line, lv+history.LV(v.Width)-1
	if v.Width < 1<<20 {
		for range v.Width {
			r.owner = append(r.owner, i)
		}
	}
}

func (r *replica) first(i int) history.LV {
	return r.last[i] - history.LV(r.dag[i].version.Width) + 1
}

func inOrder(d dag) []int {
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	return order
}

func narrow(t *rapid.T) func() uint64 {
	return func() uint64 { return rapid.SampledFrom([]uint64{1, 1, 1, 2, 5}).Draw(t, "width") }
}

// TestGraphAgainstSets compares the graph with plain sets of ancestors, forks and all orders of arrival included.
func TestGraphAgainstSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := grow(t, rapid.IntRange(1, 5).Draw(t, "authors"), rapid.IntRange(1, 120).Draw(t, "versions"), 1, narrow(t))
		r := apply(t, d, d.order(t))
		checkHeads(t, r)
		checkCovers(t, r)
		checkClocks(t, r)
		checkPasts(t, r)
		checkKnown(t, r)
		checkLoad(t, r)
	})
}

// TestGraphLongLines makes lines of many spans, so that checkpoints and tip clocks decide.
func TestGraphLongLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := grow(t, 3, 250, rapid.IntRange(0, 1).Draw(t, "forks"), func() uint64 { return 1 })
		r := apply(t, d, inOrder(d))
		checkHeads(t, r)
		checkCovers(t, r)
		checkClocks(t, r)
		checkLoad(t, r)
	})
}

func checkHeads(t *rapid.T, r *replica) {
	var want []history.LV
	for _, i := range r.dag.heads() {
		want = append(want, r.last[i])
	}
	slices.Sort(want)
	if !slices.Equal(r.graph.Heads(), want) {
		t.Fatalf("heads %v, want %v", r.graph.Heads(), want)
	}
}

func checkCovers(t *rapid.T, r *replica) {
	for b := range r.dag {
		for a := range r.dag {
			if got, want := r.graph.Covers(r.last[b], r.last[a]), r.dag.covers(b, a); got != want {
				t.Fatalf("Covers(%d, %d) = %v, want %v", b, a, got, want)
			}
		}
	}
}

// covered are the versions that a clock covers.
func (r *replica) covered(c history.Clock) map[int]bool {
	set := map[int]bool{}
	for i := range r.dag {
		if c.Covers(r.line[i], r.dag[i].version.Seq) {
			set[i] = true
		}
	}
	return set
}

func checkClocks(t *rapid.T, r *replica) {
	a := rapid.IntRange(0, len(r.dag)-1).Draw(t, "a")
	b := rapid.IntRange(0, len(r.dag)-1).Draw(t, "b")
	sets := make([]map[int]bool, 2)
	for k, i := range []int{a, b} {
		sets[k] = maps.Clone(r.dag[i].past)
		sets[k][i] = true
		if got := r.covered(r.graph.Clock(r.last[i])); !maps.Equal(got, sets[k]) {
			t.Fatalf("clock of %d covers %v, want %v", i, got, sets[k])
		}
	}
	union, both := maps.Clone(sets[0]), map[int]bool{}
	for i := range sets[1] {
		union[i] = true
		if sets[0][i] {
			both[i] = true
		}
	}
	ca, cb := r.graph.Clock(r.last[a]), r.graph.Clock(r.last[b])
	joined := r.graph.ClockOf(r.last[a], r.last[b])
	if !joined.Equal(ca.Join(cb)) || !maps.Equal(r.covered(joined), union) {
		t.Fatalf("join of %d and %d covers %v, want %v", a, b, r.covered(joined), union)
	}
	if got := r.covered(ca.Meet(cb)); !maps.Equal(got, both) {
		t.Fatalf("meet of %d and %d covers %v, want %v", a, b, got, both)
	}
	if got := ca.CoversAll(cb); got != r.dag.covers(a, b) {
		t.Fatalf("CoversAll(%d, %d) = %v", a, b, got)
	}
	if len(r.covered(r.graph.All())) != len(r.dag) {
		t.Fatalf("All covers %v", r.covered(r.graph.All()))
	}
	checkMissing(t, r, joined, union)
}

func checkMissing(t *rapid.T, r *replica, have history.Clock, set map[int]bool) {
	var before history.LV
	missing := map[int]bool{}
	for _, m := range r.graph.Missing(have) {
		if m.From <= before+1 && before > 0 || m.To < m.From {
			t.Fatalf("ranges that touch or do not ascend: %v", r.graph.Missing(have))
		}
		before = m.To
		for lv := m.From; lv <= m.To; lv++ {
			missing[r.owner[lv]] = true
		}
	}
	for i := range r.dag {
		if missing[i] == set[i] {
			t.Fatalf("version %d: missing %v, covered %v", i, missing[i], set[i])
		}
	}
}

func checkPasts(t *rapid.T, r *replica) {
	for b := range r.dag {
		p := history.NewPast(r.graph, r, r.first(b))
		cut := history.NewCutPast(r.graph, r, history.CutAt(r.graph.Clock(r.last[b])))
		for a := range r.dag {
			stamp := r.dag[a].version.Stamp()
			if got, want := p.Covers(stamp), r.dag[b].past[a]; got != want {
				t.Fatalf("past of %d covers %d: %v, want %v", b, a, got, want)
			}
			if got, want := cut.Covers(stamp), r.dag.covers(b, a); got != want {
				t.Fatalf("cut at %d covers %d: %v, want %v", b, a, got, want)
			}
			if p.CoversLV(r.last[a]) != r.dag[b].past[a] {
				t.Fatalf("past of %d covers the dots of %d: %v", b, a, !r.dag[b].past[a])
			}
			if r.dag[b].past[a] && (stamp.Time > p.Latest() || r.last[a] > p.Newest()) {
				t.Fatalf("past of %d covers %d, and says that it holds nothing as late", b, a)
			}
			if r.dag[b].past[a] && r.last[a] < p.Oldest() {
				t.Fatalf("past of %d covers %d, and says that it holds nothing as old", b, a)
			}
			if r.dag[b].past[a] && p.SameAuthor() && r.line[a] != r.line[b] {
				t.Fatalf("past of %d covers %d, and says that it holds nothing by others", b, a)
			}
			// In doubt SameRun is false: across lines, and beyond the spans that it looks back.
			got, want := p.SameRun(stamp), r.dag.sameRun(b, a)
			certain := r.line[a] == r.line[b] && len(r.dag) <= 60
			if got && !want || want && certain && !got {
				t.Fatalf("SameRun(%d, %d) = %v, want %v", b, a, got, want)
			}
		}
		if p.Err() != nil {
			t.Fatalf("past: %v", p.Err())
		}
	}
}

// sameRun goes back from b over versions with no other parent than their previous one, until a.
func (d dag) sameRun(b, a int) bool {
	for b != a {
		if len(d[b].parents) != 1 || d[b].prev < 0 {
			return false
		}
		b = d[b].prev
		if b == a {
			return true
		}
	}
	return false
}

func checkKnown(t *rapid.T, r *replica) {
	for i := range r.dag {
		at, err := r.graph.Attach(&r.dag[i].version, r)
		if err != nil || at.Place != history.PlaceKnown || at.LV != r.last[i] || at.Line != r.line[i] {
			t.Fatalf("version %d again: %+v, %v", i, at, err)
		}
		ref := r.dag[i].version.Ref()
		if ref.Seq--; r.dag[i].version.Width > 1 {
			if lv, found, err := r.graph.Lookup(ref, r); found || err != nil {
				t.Fatalf("an inner dot with the id of its version is found at %d, %v", lv, err)
			}
		}
		stranger := r.dag[i].version
		stranger.Prev, stranger.ID = history.ID{1}, history.ID{2}
		if stranger.Seq > stranger.Width {
			if at, err := r.graph.Attach(&stranger, r); err != nil || at.Place != history.PlaceMissing {
				t.Fatalf("a version without its previous one: %+v, %v", at, err)
			}
		}
	}
}

// checkLoad makes the graph again from its stored spans, half of them first and then the rest.
func checkLoad(t *rapid.T, r *replica) {
	g := history.NewGraph()
	addLine := func(line history.Line) error {
		g.AddLine(r.graph.LineInfo(line))
		return nil
	}
	half := rapid.IntRange(0, len(r.spans)-1).Draw(t, "half")
	rows := func(from, to int) func(func(history.Span, error) bool) {
		return func(yield func(history.Span, error) bool) {
			for _, s := range r.spans[from:to] {
				decoded, err := history.DecodeSpan(history.AppendSpan(nil, s))
				if !yield(decoded, err) {
					return
				}
			}
		}
	}
	next := r.spans[half].LV + 1 // the last of the first half is cut short
	if err := g.Load(rows(0, half+1), next, addLine); err != nil {
		t.Fatalf("first half: %v", err)
	}
	if err := g.Load(rows(half, len(r.spans)), r.graph.Next(), addLine); err != nil {
		t.Fatalf("second half: %v", err)
	}
	if !slices.Equal(g.Heads(), r.graph.Heads()) || g.Next() != r.graph.Next() || g.NumSpans() != len(r.spans) {
		t.Fatalf("loaded heads %v next %d spans %d", g.Heads(), g.Next(), g.NumSpans())
	}
	for range 20 {
		b := rapid.IntRange(0, len(r.dag)-1).Draw(t, "b")
		if !g.Clock(r.last[b]).Equal(r.graph.Clock(r.last[b])) {
			t.Fatalf("loaded clock of %d differs", b)
		}
	}
}

// TestGraphBeyond32Bits has lines whose dots do not fit the kept clocks.
func TestGraphBeyond32Bits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := func() uint64 { return rapid.SampledFrom([]uint64{1 << 20, 1 << 29, 1 << 31, 1 << 32}).Draw(t, "width") }
		d := grow(t, 3, 120, 0, width)
		g := history.NewGraph()
		lines := map[identity.Author]history.Line{}
		last := make([]history.LV, len(d))
		for i := range d {
			v := &d[i].version
			if _, known := lines[v.Author]; !known {
				lines[v.Author] = g.AddLine(history.LineInfo{Author: v.Author})
			}
			var parents []history.LV
			for _, p := range d[i].parents {
				parents = append(parents, last[p])
			}
			lv, _ := g.Add(lines[v.Author], v.Seq-v.Width+1, v.Width, parents)
			last[i] = lv + history.LV(v.Width) - 1
		}
		for b := range d {
			c := g.Clock(last[b])
			for a := range d {
				want := d.covers(b, a)
				if got := g.Covers(last[b], last[a]); got != want {
					t.Fatalf("Covers(%d, %d) = %v", b, a, got)
				}
				if got := c.Covers(lines[d[a].version.Author], d[a].version.Seq); got != want {
					t.Fatalf("clock of %d covers %d: %v", b, a, got)
				}
			}
		}
	})
}

// TestSegmentsComeFromTheSet compares the segments of two replicas that met the same versions in different orders.
func TestSegmentsComeFromTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := grow(t, 2, 40, 1, narrow(t))
		names := func(r *replica) map[[2]string]bool {
			set := map[[2]string]bool{}
			for who := range 2 {
				segments, err := r.graph.Segments(author(who), r)
				if err != nil {
					t.Fatalf("segments: %v", err)
				}
				for _, s := range segments {
					from, _ := r.graph.Find(s.Line, s.From)
					to, _ := r.graph.Find(s.Line, s.To)
					set[[2]string{author(who).String() + s.First.String(), string(rune(r.owner[from])) + string(rune(r.owner[to]))}] = true
				}
			}
			return set
		}
		if a, b := names(apply(t, d, d.order(t))), names(apply(t, d, d.order(t))); !maps.Equal(a, b) {
			t.Fatalf("segments differ: %v and %v", a, b)
		}
	})
}
