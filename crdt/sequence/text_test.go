package sequence

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
)

// TestRefusals holds that what is refused leaves everything as it was.
func TestRefusals(t *testing.T) {
	text := NewText(nil)
	if err := text.Splice(Dot{Author: author(1), Seq: 5}, Splice{Text: "a🙂b"}); err != nil {
		t.Fatal(err)
	}
	before := text.AppendSnapshot(nil)
	next := Dot{Author: author(1), Seq: 8}
	for _, c := range []struct {
		name string
		dot  Dot
		s    Splice
		want error
	}{
		{"beyond the end", next, Splice{Pos: 4, Text: "x"}, ErrPosition},
		{"before the start", next, Splice{Pos: -1, Text: "x"}, ErrPosition},
		{"removes beyond the end", next, Splice{Pos: 2, Removed: 2}, ErrPosition},
		{"removes less than nothing", next, Splice{Pos: 2, Removed: -1}, ErrPosition},
		{"overflows", next, Splice{Pos: 2, Removed: int(^uint(0) >> 1)}, ErrPosition},
		{"no UTF-8", next, Splice{Text: "x\xff"}, ErrText},
		{"half of a surrogate pair", next, Splice{Text: "\xed\xa0\xbd"}, ErrText},
		{"no UTF-8, typed on", next, Splice{Pos: 3, Text: "x\xff"}, ErrText},
		{"a dot that was used, typed on", Dot{Author: author(1), Seq: 7}, Splice{Pos: 3, Text: "x"}, ErrEvent},
		{"a dot that was used", Dot{Author: author(1), Seq: 7}, Splice{Text: "x"}, ErrEvent},
		{"dot 0", Dot{Author: author(2)}, Splice{Text: "x"}, ErrEvent},
	} {
		if err := text.Splice(c.dot, c.s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if !bytes.Equal(text.AppendSnapshot(nil), before) {
			t.Errorf("%s: the text has changed", c.name)
		}
	}
	if err := text.Splice(next, Splice{Pos: 3}); err != nil || text.log.Events() != 3 {
		t.Errorf("a splice that does nothing: %v, %d events", err, text.log.Events())
	}
	if _, err := text.Apply(Op{Dot: Dot{Author: author(2), Seq: 1}, Splice: Splice{Text: "x"}}); !errors.Is(err, ErrHistory) {
		t.Errorf("Apply without a History: %v", err)
	}
}

// TestRefusalsOfConcurrent holds the same for a position that is good here but was not where it was written.
func TestRefusalsOfConcurrent(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)), 2)
	w.write(0, Splice{Text: "abcdef"})
	w.write(1, Splice{Text: "x"})
	w.versions[1].op.Pos = 3
	text := NewText(w)
	edits, err := text.Apply(w.versions[0].op, w.versions[1].op)
	if !errors.Is(err, ErrPosition) || len(edits) != 1 || text.String() != "abcdef" || text.log.Events() != 6 {
		t.Errorf("%v, %v, %q", edits, err, text)
	}
	w.versions[1].op.Pos = 0
	if _, err = text.Apply(w.versions[1].op, w.versions[1].op); err != nil || text.String() != "abcdefx" {
		t.Errorf("%v, %q", err, text)
	}
}

// TestTypingOn holds that who types or removes on where he was makes the same log as if each of his edits were looked at by itself.
func TestTypingOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed, applied := NewText(nil), NewText(oneLine{})
		seqs := map[int]uint64{}
		edit := func(by int, s Splice) {
			dot := Dot{Author: author(by), Seq: seqs[by] + 1}
			seqs[by] += uint64(s.Width())
			if err := typed.Splice(dot, s); err != nil {
				t.Fatal(err)
			}
			if _, err := applied.Apply(Op{Dot: dot, Splice: s}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(typed.log.Append(nil, 0), applied.log.Append(nil, 0)) {
				t.Fatalf("%v of %v makes another log", s, dot)
			}
			if !bytes.Equal(typed.AppendSnapshot(nil), applied.AppendSnapshot(nil)) {
				t.Fatalf("%q, want %q", typed, applied)
			}
		}
		edit(1, Splice{Text: "what is there to be removed"})
		after := 9 // what was put in last
		for range rapid.IntRange(1, 40).Draw(t, "edits") {
			s := Splice{Pos: after, Text: rapid.SampledFrom([]string{"a", "b", "é", "🙂", "a🙂", ""}).Draw(t, "text")}
			by, op := 1, rapid.IntRange(0, 9).Draw(t, "he")
			switch op {
			case 0:
				s.Pos = rapid.IntRange(0, typed.Len()).Draw(t, "goes to")
			case 1:
				s.Removed = min(1, typed.Len()-s.Pos)
			case 2:
				s = Splice{Pos: max(0, after-1), Removed: min(1, after)}
			case 3:
				s = Splice{Pos: after, Removed: min(2, typed.Len()-after)}
			case 4:
				by = 2
			case 5:
				seqs[by]++ // a dot of another document
			}
			edit(by, s)
			after = s.Pos + s.Width() - s.Removed
		}
	})
}

// TestTypingOnAfterTwo has somebody type on where he was, when he has seen what another one typed meanwhile: that is no part of
// what he typed before.
func TestTypingOnAfterTwo(t *testing.T) {
	w := newWorld(nil, 2)
	w.write(0, Splice{Text: "a"})
	w.write(1, Splice{Text: "b"})
	text := NewText(w)
	if _, err := text.Apply(w.versions[0].op, w.versions[1].op); err != nil || len(text.log.heads) != 2 {
		t.Fatal(text.log.heads, err)
	}
	dot := w.versions[1].op.Dot
	dot.Seq++
	if err := text.Splice(dot, Splice{Pos: 1, Text: "c"}); err != nil || text.String() != "acb" || !slices.Equal(text.log.heads, []uint32{2}) {
		t.Errorf("%q with heads %d (%v)", text, text.log.heads, err)
	}
}

// TestMergedLogsPart holds that who merges a history into nothing and who wrote it go on apart, whatever they share.
func TestMergedLogsPart(t *testing.T) {
	wrote := NewText(nil)
	for i, s := range []Splice{{Text: "b"}, {Text: "a"}} {
		if err := wrote.Splice(Dot{Author: author(1), Seq: uint64(i) + 1}, s); err != nil {
			t.Fatal(err)
		}
	}
	wrote.log.content.room(10)
	merged := NewText(nil)
	if _, err := merged.Merge(wrote.log); err != nil {
		t.Fatal(err)
	}
	for i, text := range []*Text{wrote, merged} {
		if err := text.Splice(Dot{Author: author(1 + i), Seq: 3}, Splice{Pos: 2, Text: "xy"[i : i+1]}); err != nil {
			t.Fatal(err)
		}
	}
	for want, text := range map[string]*Text{"abx": wrote, "aby": merged} {
		again := NewText(nil)
		if _, err := again.Merge(text.log); err != nil || text.String() != want || again.String() != want {
			t.Errorf("%q, and by its log %q, want %q (%v)", text, again, want, err)
		}
	}
}

// oneLine is a History in which everybody has seen all.
type oneLine struct{}

func (oneLine) Covers(Dot, Dot) bool { return true }

func (oneLine) Stamp(Dot) clock.Stamp { panic("nothing is concurrent") }

// TestOffsets compares offsets and slices with the standard library's.
func TestOffsets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := NewText(nil)
		var want []rune
		dot := Dot{Author: author(1), Seq: 1}
		for range rapid.IntRange(1, 30).Draw(t, "splices") {
			s := Splice{Pos: rapid.IntRange(0, len(want)).Draw(t, "pos")}
			s.Removed = rapid.IntRange(0, min(700, len(want)-s.Pos)).Draw(t, "removed")
			alphabet := rapid.SampledFrom([]string{"a", "é", "語", "🙂", "ab🙂é"}).Draw(t, "alphabet")
			s.Text = strings.Repeat(alphabet, rapid.IntRange(0, 600).Draw(t, "times"))
			if err := text.Splice(dot, s); err != nil {
				t.Fatal(err)
			}
			dot.Seq += uint64(s.Width())
			want = append(want[:s.Pos:s.Pos], append([]rune(s.Text), want[s.Pos+s.Removed:]...)...)
		}
		all, err := io.ReadAll(text.Reader())
		if text.String() != string(want) || string(all) != string(want) || err != nil || text.LenBytes() != len(all) || text.Len() != len(want) {
			t.Fatalf("%q, want %q", text, string(want))
		}
		from := rapid.IntRange(0, len(want)).Draw(t, "from")
		to := rapid.IntRange(from, len(want)).Draw(t, "to")
		if s, err := text.Slice(from, to); err != nil || s != string(want[from:to]) {
			t.Fatalf("code points %d to %d are %q, want %q (%v)", from, to, s, string(want[from:to]), err)
		}
		units := len(utf16.Encode(want[:from]))
		if n, err := text.UTF16(from); err != nil || n != units || text.LenUTF16() != len(utf16.Encode(want)) {
			t.Fatalf("code point %d is at %d in UTF-16, want %d (%v)", from, n, units, err)
		}
		if n, err := text.FromUTF16(units); err != nil || n != from {
			t.Fatalf("UTF-16 offset %d is code point %d, want %d (%v)", units, n, from, err)
		}
		if from < len(want) && want[from] > 0xFFFF {
			if _, err := text.FromUTF16(units + 1); !errors.Is(err, ErrSurrogate) {
				t.Fatalf("inside a pair: %v", err)
			}
		}
		for _, far := range []int{-1, len(want) + 1} {
			_, err := text.UTF16(far)
			_, err2 := text.Slice(far, far)
			_, err3 := text.FromUTF16(min(far, far*2))
			if !errors.Is(err, ErrPosition) || !errors.Is(err2, ErrPosition) || far < 0 && !errors.Is(err3, ErrPosition) {
				t.Fatalf("code point %d: %v, %v, %v", far, err, err2, err3)
			}
		}
	})
}

// TestConverges looks for a small history that two orders or batches make different, or that the oracle does not agree with.
func TestConverges(t *testing.T) { rapid.Check(t, converges) }

// FuzzConverges looks for one as long as it is let.
func FuzzConverges(f *testing.F) { f.Fuzz(rapid.MakeFuzz(converges)) }

func converges(t *rapid.T) {
	w := newWorld(nil, rapid.IntRange(3, 5).Draw(t, "authors"))
	for range rapid.IntRange(1, 14).Draw(t, "versions") {
		by := rapid.IntRange(0, len(w.seen)-1).Draw(t, "by")
		w.meet(by, rapid.IntRange(0, len(w.seen)-1).Draw(t, "sees"))
		length := len(w.oracle.visible(w.oracle.union(w.heads(w.seen[by]))))
		s := Splice{Pos: rapid.IntRange(0, length).Draw(t, "pos")}
		s.Removed = rapid.IntRange(0, length-s.Pos).Draw(t, "removed")
		s.Text = rapid.StringMatching("[a-z🙂]{0,3}").Draw(t, "text")
		if s.Width() > 0 {
			w.write(by, s)
		}
	}
	order := rapid.Permutation(w.numbers()).Draw(t, "order")
	one, other := NewText(w), NewText(w)
	var batch []Op
	for len(order) > 0 {
		for i, v := range order {
			if w.ready(v, order) {
				batch = append(batch, w.versions[v].op)
				order = append(order[:i:i], order[i+1:]...)
				break
			}
		}
		if rapid.Bool().Draw(t, "now") || len(order) == 0 {
			if _, err := one.Apply(batch...); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	for i := range w.versions {
		if _, err := other.Apply(w.versions[i].op); err != nil {
			t.Fatal(err)
		}
	}
	want := w.text(w.all())
	if one.String() != want || other.String() != want {
		t.Fatalf("%q and %q, want %q", one, other, want)
	}
	log, err := DecodeLog(one.log.Append(nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	if edits, err := other.Merge(log); err != nil || len(edits) > 0 {
		t.Fatalf("merging what is known does %v (%v)", edits, err)
	}
}

func (w *world) numbers() (all []int) {
	for v := range w.versions {
		all = append(all, v)
	}
	return all
}

// ready reports whether a version comes after none of those that wait.
func (w *world) ready(v int, waiting []int) bool {
	for _, p := range waiting {
		if p != v && w.versions[v].past[p] {
			return false
		}
	}
	return true
}

// TestNoInterleaving lets authors type words at once in one place, forwards or backwards, in several versions each: every
// word must come out whole.
func TestNoInterleaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		authors := rapid.IntRange(2, 4).Draw(t, "authors")
		w := newWorld(nil, authors)
		w.write(0, Splice{Text: "()"})
		for a := range authors {
			w.meet(a, 0)
		}
		words := make([]string, authors)
		for a := range authors {
			backwards := rapid.Bool().Draw(t, "backwards")
			word := strings.Repeat(string(rune('a'+a)), rapid.IntRange(1, 6).Draw(t, "length"))
			for i := range word {
				pos := 1 + i
				if backwards {
					pos = 1
				}
				w.write(a, Splice{Pos: pos, Text: word[i : i+1]})
			}
			words[a] = word
		}
		text := NewText(w)
		order := rapid.Permutation(w.numbers()).Draw(t, "order")
		for len(order) > 0 {
			for i, v := range order {
				if w.ready(v, order) {
					if _, err := text.Apply(w.versions[v].op); err != nil {
						t.Fatal(err)
					}
					order = append(order[:i:i], order[i+1:]...)
					break
				}
			}
		}
		for _, word := range words {
			if !strings.Contains(text.String(), word) {
				t.Fatalf("%q does not have %q whole", text, word)
			}
		}
	})
}

// forked is a History in which one author wrote two versions with the same dots.
type forked struct{}

func (f forked) Covers(b, a Dot) bool { return a.Branch == b.Branch && a.Seq <= b.Seq }

func (f forked) Stamp(d Dot) (s clock.Stamp) {
	s.ID[0] = 9 - byte(d.Branch) // the id decides, not the branch, which is another number elsewhere
	return s
}

// TestForked orders what one author wrote twice, at one place and with one dot, by id.
func TestForked(t *testing.T) {
	ops := []Op{
		{Dot{Author: author(1), Branch: 0, Seq: 1}, Splice{Text: "later"}},
		{Dot{Author: author(1), Branch: 1, Seq: 1}, Splice{Text: "first "}},
	}
	for _, order := range [][]Op{ops, {ops[1], ops[0]}} {
		text := NewText(forked{})
		if _, err := text.Apply(order...); err != nil || text.String() != "first later" {
			t.Errorf("%q, %v", text, err)
		}
	}
}

// TestTrackerIsGivenUp holds that who writes alone pays for no tracker, and who wrote with others only for a while.
func TestTrackerIsGivenUp(t *testing.T) {
	w := newWorld(nil, 2)
	w.write(0, Splice{Text: "a"})
	w.write(1, Splice{Text: "b"})
	text := NewText(w)
	for i, active := range []bool{false, true} {
		if _, err := text.Apply(w.versions[i].op); err != nil {
			t.Fatal(err)
		}
		if text.walker.active != active {
			t.Fatalf("after version %d the tracker is at work: %v", i, text.walker.active)
		}
	}
	dot := Dot{Author: author(0), Seq: 2}
	for range linger + 1 {
		if err := text.Splice(dot, Splice{Text: "x"}); err != nil {
			t.Fatal(err)
		}
		dot.Seq++
	}
	if text.walker.active || text.walker.tracker.leaves != nil {
		t.Error("the tracker is still there")
	}
}

// TestCuts compares the critical versions that a graph keeps with those that it has.
func TestCuts(t *testing.T) {
	for seed := range 100 {
		w := newWorld(rand.New(rand.NewPCG(uint64(seed), 14)), 2+seed%3)
		w.grow(20)
		g := &w.apply(t).log.graph
		for x := uint32(0); x < g.next; x++ {
			want := true
			for lv := x; lv < g.next; lv++ {
				for before := range x {
					want = want && g.covers([]uint32{lv}, before)
				}
			}
			got := slices.ContainsFunc(g.cuts, func(c cut) bool { return c.from <= x && x <= c.to })
			if got != want {
				t.Fatalf("seed %d: version %d of %d is critical: %v, want %v", seed, x, g.next, got, want)
			}
		}
	}
}
