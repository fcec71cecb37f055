package sequence

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
)

// world is authors who edit one document, each seeing what he has been sent, and the versions that they made.
type world struct {
	rand     *rand.Rand
	crowded  bool // all write in few places
	oracle   *oracle
	versions []version
	byDot    map[Dot]int // of every dot: the version that owns it
	seen     []map[int]bool
	seq      []uint64
}

// version is one op and what its author had seen.
type version struct {
	op   Op
	list ListOp       // instead, in a world of lists
	past map[int]bool // with itself
	last int          // its last event in the oracle
}

func newWorld(r *rand.Rand, authors int) *world {
	w := &world{rand: r, oracle: newOracle(), byDot: map[Dot]int{}, seq: make([]uint64, authors)}
	for range authors {
		w.seen = append(w.seen, map[int]bool{})
	}
	return w
}

// Covers makes a world the History of its texts.
func (w *world) Covers(b, a Dot) bool { return w.versions[w.byDot[b]].past[w.byDot[a]] }

// Stamp says that versions were made one after the other.
func (w *world) Stamp(d Dot) clock.Stamp {
	return clock.Stamp{Time: clock.Time(w.byDot[d] + 1), Author: d.Author, Seq: d.Seq}
}

// heads are the last oracle events of the versions in a set.
func (w *world) heads(past map[int]bool) (events []int) {
	for v := range past {
		events = append(events, w.versions[v].last)
	}
	return events
}

// edit lets an author write something.
func (w *world) edit(by int) {
	length := len(w.oracle.visible(w.oracle.union(w.heads(w.seen[by]))))
	pos := w.rand.IntN(length + 1)
	if w.crowded {
		pos = w.rand.IntN(min(length, 3) + 1)
	}
	s := Splice{Pos: pos}
	if length > pos && w.rand.IntN(3) == 0 && (!w.crowded || w.rand.IntN(3) == 0) {
		s.Removed = 1 + w.rand.IntN(min(4, length-pos))
	}
	if s.Removed == 0 || w.rand.IntN(3) == 0 {
		for range 1 + w.rand.IntN(4) {
			s.Text += string([]rune{'a' + rune(by), 'A' + rune(w.rand.IntN(26)), 'é', '語', '🙂'}[w.rand.IntN(5)])
		}
	}
	w.write(by, s)
}

// write adds a version of an author to the world.
func (w *world) write(by int, s Splice) {
	op := Op{Dot: w.next(by), Splice: s}
	w.add(by, version{op: op, last: w.oracle.splice(w.heads(w.seen[by]), op)}, s.Width())
}

// writeList is write for a list.
func (w *world) writeList(by int, e ListEdit) {
	op := ListOp{Dot: w.next(by), ListEdit: e}
	w.add(by, version{list: op, last: w.oracle.edit(w.heads(w.seen[by]), op)}, e.Width())
}

func (w *world) next(by int) Dot { return Dot{Author: author(by), Seq: w.seq[by] + 1} }

func (w *world) add(by int, v version, width int) {
	i := len(w.versions)
	w.seen[by][i] = true
	v.past = maps.Clone(w.seen[by])
	for range width {
		w.seq[by]++
		w.byDot[Dot{Author: author(by), Seq: w.seq[by]}] = i
	}
	w.versions = append(w.versions, v)
}

// editList lets an author change a list.
func (w *world) editList(by int) {
	length := len(w.oracle.visible(w.oracle.union(w.heads(w.seen[by]))))
	e := ListEdit{Pos: w.rand.IntN(length + 1)}
	content := func() []byte { return []byte{'a' + byte(by), 'A' + byte(w.rand.IntN(26))} }
	switch k := w.rand.IntN(6); {
	case e.Pos == length || k == 0:
		for range 1 + w.rand.IntN(3) {
			e.Elements = append(e.Elements, content())
		}
	case k == 1:
		e.Kind, e.Elements = ListReplace, [][]byte{content()}
	case k == 2:
		e.Removed = 1 + w.rand.IntN(min(3, length-e.Pos))
	default:
		e.Kind, e.To = ListMove, w.rand.IntN(length)
	}
	w.writeList(by, e)
}

// meet lets an author see all that another one has seen.
func (w *world) meet(a, b int) {
	maps.Copy(w.seen[a], w.seen[b])
}

// grow makes n versions of a text.
func (w *world) grow(n int) { w.growBy(n, w.edit) }

func (w *world) growBy(n int, edit func(by int)) {
	for len(w.versions) < n {
		a := w.rand.IntN(len(w.seen))
		if w.rand.IntN(3) == 0 {
			w.meet(a, w.rand.IntN(len(w.seen)))
		}
		edit(a)
	}
}

// shuffle is an order in which all versions may be delivered.
func (w *world) shuffle() (order []int) {
	done := map[int]bool{}
	for len(order) < len(w.versions) {
		v := w.rand.IntN(len(w.versions))
		if done[v] {
			continue
		}
		ready := true
		for p := range w.versions[v].past {
			ready = ready && (p == v || done[p])
		}
		if ready {
			done[v] = true
			order = append(order, v)
		}
	}
	return order
}

func (w *world) text(past map[int]bool) string { return w.oracle.text(w.oracle.union(w.heads(past))) }

// TestOrders delivers random histories in many orders and compares with the oracle after each op.
func TestOrders(t *testing.T) {
	worlds := 200
	if testing.Short() {
		worlds = 30
	}
	for seed := range worlds {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 1)), 3+seed%3)
		w.crowded = seed%2 == 0
		w.grow(12 + seed%20)
		for range 3 {
			order := w.shuffle()
			text := NewText(w)
			mirror := ""
			var all []Edit
			have := map[int]bool{}
			for _, v := range order {
				edits, err := text.Apply(w.versions[v].op)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				have[v] = true
				if want := w.text(have); text.String() != want {
					t.Fatalf("seed %d: after %v: %q, want %q", seed, order, text.String(), want)
				}
				before := mirror
				if mirror = replay(mirror, edits); mirror != text.String() {
					t.Fatalf("seed %d: edits give %q, want %q", seed, mirror, text.String())
				}
				if got := deltaOf(before, Compose(edits)); got != mirror {
					t.Fatalf("seed %d: %v as one give %q, want %q", seed, edits, got, mirror)
				}
				all = append(all, edits...)
			}
			if got := deltaOf("", Compose(all)); got != mirror {
				t.Fatalf("seed %d: all edits as one give %q, want %q", seed, got, mirror)
			}
			checkRope(t, &text.rope)
		}
	}
}

func replay(s string, edits []Edit) string {
	r := []rune(s)
	for _, e := range edits {
		r = slices.Concat(r[:e.Pos], []rune(e.Text), r[e.Pos+e.Removed:])
	}
	return string(r)
}

// checkRope holds a rope to what it promises.
func checkRope(t *testing.T, r *rope) {
	t.Helper()
	var size weight
	bytes := 0
	for l := range r.chunks() {
		var n uint32
		for i, s := range l.spans {
			n += s.n
			if i > 0 && l.spans[i-1].end() == s.lv {
				t.Fatal("spans that could be one")
			}
		}
		if m := measure(l.text); m != l.size || n != m.runes() || l.text == nil {
			t.Fatal(fmt.Sprint("a leaf of ", m, " says ", l.size, " and has spans of ", n))
		}
		if len(l.text) == 0 && r.tree.leafCount > 1 {
			t.Fatal("an empty leaf")
		}
		size, bytes = size.plus(l.size), bytes+len(l.text)
	}
	if size != r.size || r.tree.total() != size || bytes != r.bytes {
		t.Fatal(fmt.Sprint("leaves have ", size, ", the rope says ", r.size, ", the tree ", r.tree.total()))
	}
}

// TestRightOrigins has neighbours with consecutive events that look like one run and are none: what was left of them when
// they were inserted is the same, what was right of them is not.
func TestRightOrigins(t *testing.T) {
	w := newWorld(nil, 4)
	w.write(0, Splice{Text: "xz"})
	for a := range w.seen {
		w.meet(a, 0)
	}
	w.write(1, Splice{Pos: 1, Text: "R"})
	w.meet(2, 1)
	w.write(0, Splice{Pos: 1, Text: "a"}) // before R, which it does not see
	w.meet(2, 0)
	w.meet(3, 0)
	w.write(2, Splice{Pos: 2, Text: "b"}) // between a and R
	w.write(1, Splice{Pos: 3, Text: "!"}) // sees neither a nor b, so that both are undone
	w.write(3, Splice{Pos: 2, Text: "c"}) // between a and z, seeing neither b nor R
	text := NewText(w)
	for i := range w.versions {
		if _, err := text.Apply(w.versions[i].op); err != nil {
			t.Fatal(err)
		}
	}
	if want := w.text(w.all()); text.String() != want || want != "xacbRz!" {
		t.Errorf("%q, want %q", text, want)
	}
}
