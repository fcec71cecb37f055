package sequence

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// apply is a text of all versions of a world, in some order.
func (w *world) apply(t *testing.T) *Text {
	t.Helper()
	text := NewText(w)
	for _, v := range w.shuffle() {
		if _, err := text.Apply(w.versions[v].op); err != nil {
			t.Fatal(err)
		}
	}
	return text
}

// point is the version of a world's version v, and what it has seen.
func (w *world) point(v int) (Version, map[int]bool) {
	return Version{w.oracle.events[w.versions[v].last].dot}, w.versions[v].past
}

// TestPast compares texts at versions, their differences and who wrote them with the oracle.
func TestPast(t *testing.T) {
	for seed := range 40 {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 5)), 3)
		w.grow(30)
		text := w.apply(t)
		for range 12 {
			a, b := w.rand.IntN(len(w.versions)), w.rand.IntN(len(w.versions))
			at, have := w.point(a)
			old, err := text.At(at)
			if err != nil {
				t.Fatal(err)
			}
			want := w.text(have)
			if old.String() != want {
				t.Fatalf("seed %d: at %d: %q, want %q", seed, a, old.String(), want)
			}
			i := 0
			places := w.oracle.visible(w.oracle.union(w.heads(have)))
			for run := range old.Blame() {
				for range run.N {
					if by := w.oracle.events[places[i]].dot; by != run.Dot {
						t.Fatalf("seed %d: %d was written by %v, not %v", seed, i, by, run.Dot)
					}
					run.Dot.Seq++
					i++
				}
			}
			if i != len(places) {
				t.Fatalf("seed %d: %d of %d code points have an author", seed, i, len(places))
			}
			other, also := w.point(b)
			delta, err := text.Diff(at, other)
			if err != nil {
				t.Fatal(err)
			}
			if got := deltaOf(want, delta); got != w.text(also) {
				t.Fatalf("seed %d: %q and %v give %q, want %q", seed, want, delta, got, w.text(also))
			}
			// What is put in now has the dots of what its author wrote next.
			mine := Dot{Author: author(0), Seq: 1}
			for v := range have {
				if op := &w.versions[v].op; op.Dot.Author == mine.Author {
					mine.Seq = max(mine.Seq, op.Dot.Seq+uint64(op.Width()))
				}
			}
			if err := old.Splice(mine, Splice{Pos: w.rand.IntN(old.Len() + 1), Text: "own"}); err != nil {
				t.Fatal(err)
			}
			if got := deltaOf(old.String(), Between(old, text, 3)); got != text.String() {
				t.Fatalf("seed %d: between %q and %q there is %q", seed, old.String(), text.String(), got)
			}
		}
		if old, err := text.At(text.Version()); err != nil || old.String() != text.String() {
			t.Fatalf("seed %d: the newest version is another text (%v)", seed, err)
		}
		if _, err := text.At(Version{{Seq: 1 << 40}}); !errors.Is(err, ErrEvent) {
			t.Errorf("At of what is not known: %v", err)
		}
	}
}

func deltaOf(s string, d Delta) string {
	r := []rune(s)
	var out []rune
	for _, p := range d {
		out = append(append(out, r[:p.Retain]...), []rune(p.Insert)...)
		r = r[p.Retain+p.Delete:]
	}
	return string(append(out, r...))
}

// TestListPast is TestPast for lists.
func TestListPast(t *testing.T) {
	for seed := range 40 {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 6)), 3)
		w.growBy(24, w.editList)
		list := NewList(w)
		for _, v := range w.shuffle() {
			if _, err := list.Apply(w.versions[v].list); err != nil {
				t.Fatal(err)
			}
		}
		for v := range w.versions {
			at, have := w.point(v)
			old, err := list.At(at)
			if want := w.oracle.contents(w.oracle.union(w.heads(have))); err != nil || !slices.Equal(old.strings(), want) {
				t.Fatalf("seed %d: at %d: %q, want %q (%v)", seed, v, old.strings(), want, err)
			}
		}
		opened, err := OpenList(list.AppendSnapshot(nil), w)
		if err != nil || !slices.Equal(opened.strings(), list.strings()) {
			t.Fatalf("seed %d: a snapshot opens as %q, want %q (%v)", seed, opened.strings(), list.strings(), err)
		}
		if err := opened.Load(list.log); err != nil || !slices.Equal(opened.strings(), list.strings()) {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// TestAnchors holds anchors to elements through everything that is written after.
func TestAnchors(t *testing.T) {
	for seed := range 40 {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 7)), 3)
		w.grow(24)
		text := NewText(w)
		var anchors []Anchor
		for _, v := range w.shuffle() {
			if _, err := text.Apply(w.versions[v].op); err != nil {
				t.Fatal(err)
			}
			pos := w.rand.IntN(text.Len() + 1)
			a, err := text.Anchor(pos, Side(w.rand.IntN(2)))
			if err != nil {
				t.Fatal(err)
			}
			if back, err := text.Position(a); err != nil || back != pos {
				t.Fatalf("seed %d: an anchor at %d is at %d (%v)", seed, pos, back, err)
			}
			anchors = append(anchors, a)
		}
		all := w.oracle.union(w.heads(w.all()))
		visible := w.oracle.visible(all)
		for _, a := range anchors {
			want := 0
			switch {
			case a.Dot.Seq > 0:
				for _, n := range w.oracle.order() {
					if w.oracle.events[n.event].dot == a.Dot {
						if slices.Contains(visible, n.event) {
							want += int(a.Side)
						}
						break
					}
					if slices.Contains(visible, n.event) {
						want++
					}
				}
			case a.Side == Before:
				want = len(visible)
			}
			if pos, err := text.Position(a); err != nil || pos != want {
				t.Fatalf("seed %d: %v is at %d, want %d (%v)", seed, a, pos, want, err)
			}
		}
	}
}

func (w *world) all() map[int]bool {
	all := map[int]bool{}
	for v := range w.versions {
		all[v] = true
	}
	return all
}

// TestShift moves a cursor through edits.
func TestShift(t *testing.T) {
	for _, c := range []struct {
		edit              Edit
		pos, want, rights int // rights is the position if what is inserted right there comes after
	}{
		{Edit{Pos: 2, Text: "éx"}, 1, 1, 1},
		{Edit{Pos: 2, Text: "éx"}, 2, 4, 2},
		{Edit{Pos: 2, Text: "éx"}, 3, 5, 5},
		{Edit{Pos: 2, Removed: 3}, 4, 2, 2},
		{Edit{Pos: 2, Removed: 3}, 6, 3, 3},
		{Edit{Pos: 2, Removed: 3, Text: "a"}, 5, 3, 2},
	} {
		if l, r := c.edit.Shift(c.pos, false), c.edit.Shift(c.pos, true); l != c.want || r != c.rights {
			t.Errorf("%+v moves %d to %d or %d, want %d or %d", c.edit, c.pos, l, r, c.want, c.rights)
		}
	}
}

// TestOpenAnywhere opens a text from a snapshot between any two versions, whoever has seen what, and goes on.
func TestOpenAnywhere(t *testing.T) {
	for seed := range 200 {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 7)), 3)
		w.grow(24)
		order := w.shuffle()
		text, cut := NewText(w), w.rand.IntN(len(order))
		var past *Log
		for i, v := range order {
			if i == cut {
				var err error
				if past, err = DecodeLog(text.Log().Append(nil, 0)); err != nil {
					t.Fatal(err)
				}
				if text, err = OpenText(text.AppendSnapshot(nil), w); err != nil {
					t.Fatal(err)
				}
			}
			_, err := text.Apply(w.versions[v].op)
			if errors.Is(err, ErrHistory) {
				if err = text.Load(past); err == nil {
					_, err = text.Apply(w.versions[v].op)
				}
			}
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if got, want := text.String(), w.text(w.all()); got != want {
			t.Fatalf("seed %d: %q, want %q", seed, got, want)
		}
	}
}

// TestSeen finds the versions of a world among the events of a text.
func TestSeen(t *testing.T) {
	for seed := range 40 {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 9)), 3)
		w.grow(30)
		text := w.apply(t)
		for v := range w.versions {
			_, have := w.point(v)
			at, err := text.Seen(func(d Dot) bool { return have[w.byDot[d]] })
			if err != nil {
				t.Fatal(err)
			}
			old, err := text.At(at)
			if err != nil {
				t.Fatal(err)
			}
			if want := w.text(have); old.String() != want {
				t.Fatalf("seed %d: the text that version %d has seen is %q, want %q", seed, v, old.String(), want)
			}
		}
	}
}
