package sequence

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
)

// world is authors who edit one text, each seeing what he has been sent, and the versions that they made.
type world struct {
	rand     *rand.Rand
	oracle   *oracle
	versions []version
	byDot    map[Dot]int // of every dot: the version that owns it
	seen     []map[int]bool
	seq      []uint64
}

// version is one op and what its author had seen.
type version struct {
	op   Op
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

// Stamp is not asked: nobody is forked.
func (w *world) Stamp(Dot) clock.Stamp { panic("nobody is forked") }

// heads are the last oracle events of the versions in a set.
func (w *world) heads(past map[int]bool) (events []int) {
	for v := range past {
		events = append(events, w.versions[v].last)
	}
	return events
}

// edit lets an author write something.
func (w *world) edit(author_ int) {
	past := maps.Clone(w.seen[author_])
	length := len(w.oracle.visible(w.oracle.union(w.heads(past))))
	pos := w.rand.IntN(length + 1)
	s := Splice{Pos: pos}
	if length > pos && w.rand.IntN(3) == 0 {
		s.Removed = 1 + w.rand.IntN(min(4, length-pos))
	}
	if s.Removed == 0 || w.rand.IntN(3) == 0 {
		for range 1 + w.rand.IntN(4) {
			s.Text += string([]rune{'a' + rune(author_), 'A' + rune(w.rand.IntN(26)), 'é', '語', '🙂'}[w.rand.IntN(5)])
		}
	}
	w.write(author_, s)
}

// write adds a version of an author to the world.
func (w *world) write(author_ int, s Splice) {
	past := maps.Clone(w.seen[author_])
	op := Op{Dot: Dot{Author: author(author_), Seq: w.seq[author_] + 1}, Splice: s}
	v := len(w.versions)
	last := w.oracle.splice(w.heads(past), op)
	past[v] = true
	for range s.Width() {
		w.seq[author_]++
		w.byDot[Dot{Author: op.Dot.Author, Seq: w.seq[author_]}] = v
	}
	w.versions = append(w.versions, version{op, past, last})
	w.seen[author_][v] = true
}

// meet lets an author see all that another one has seen.
func (w *world) meet(a, b int) {
	maps.Copy(w.seen[a], w.seen[b])
}

// grow makes n versions.
func (w *world) grow(n int) {
	for len(w.versions) < n {
		a := w.rand.IntN(len(w.seen))
		if w.rand.IntN(3) == 0 {
			w.meet(a, w.rand.IntN(len(w.seen)))
		}
		w.edit(a)
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
	worlds := 300
	if testing.Short() {
		worlds = 30
	}
	for seed := range worlds {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 1)), 3+seed%3)
		w.grow(12 + seed%20)
		for range 3 {
			order := w.shuffle()
			text := NewText(w)
			mirror := ""
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
				if mirror = replay(mirror, edits); mirror != text.String() {
					t.Fatalf("seed %d: edits give %q, want %q", seed, mirror, text.String())
				}
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
		if m := measure(l.text); m != l.size || n != m[runes] || l.text == nil {
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
