package sequence_test

import (
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

// space is the graph of a replica as the History of its texts. What it stands for knows the stamps of its versions as well.
type space struct{ graph *history.Graph }

func (s space) lv(d sequence.Dot) history.LV {
	lv, _ := s.graph.Find(s.graph.Lines(d.Author)[d.Branch], d.Seq)
	return lv
}

func (s space) Covers(b, a sequence.Dot) bool { return s.graph.Covers(s.lv(b), s.lv(a)) }

func (s space) Stamp(d sequence.Dot) clock.Stamp {
	return clock.Stamp{Author: d.Author, Seq: d.Seq}
}

// versions are those of two authors, who also write to other keys; parents are their indices.
var versions = []struct {
	author  byte
	ops     []sequence.Splice // on the text
	width   uint64            // of other ops, after those on the text
	parents []int
}{
	{author: 1, ops: []sequence.Splice{{Text: "hello"}, {Pos: 5, Text: "!"}}},
	{author: 2, width: 3, parents: []int{0}},
	{author: 1, ops: []sequence.Splice{{Pos: 5, Text: " world"}}, parents: []int{0}},
	{author: 2, ops: []sequence.Splice{{Pos: 0, Removed: 1, Text: "H"}}, parents: []int{1}},
	{author: 1, width: 1, parents: []int{2, 3}},
	{author: 2, ops: []sequence.Splice{{Pos: 6, Text: " :-)"}}, parents: []int{3}},
	{author: 1, ops: []sequence.Splice{{Pos: 11, Removed: 1, Text: "?"}}, parents: []int{4}},
}

// replica applies the versions in an order.
func replica(t *testing.T, order []int) *sequence.Text {
	t.Helper()
	graph := history.NewGraph()
	text := sequence.NewText(space{graph})
	last := make([]history.LV, len(versions))
	seq := map[byte]uint64{}
	lines := map[byte]history.Line{}
	for _, i := range order {
		v := &versions[i]
		key := identity.Author{v.author}
		line, known := lines[v.author]
		if !known {
			line = graph.AddLine(history.LineInfo{Author: key})
			lines[v.author] = line
		}
		var parents []history.LV
		for _, p := range v.parents {
			parents = append(parents, last[p])
		}
		width := v.width
		for _, s := range v.ops {
			width += uint64(s.Width())
		}
		first, _ := graph.Add(line, seq[v.author]+1, width, parents)
		last[i] = first + history.LV(width) - 1
		for _, s := range v.ops {
			op := sequence.Op{Dot: sequence.Dot{Author: key, Seq: seq[v.author] + 1}, Splice: s}
			if _, err := text.Apply(op); err != nil {
				t.Fatal(err)
			}
			seq[v.author] += uint64(s.Width())
		}
		seq[v.author] += v.width
	}
	return text
}

// TestGraphOfHistory asks the graph of package history, which numbers the dots of the whole space, who saw whom.
func TestGraphOfHistory(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5, 6}, {0, 2, 1, 3, 5, 4, 6}, {0, 1, 3, 5, 2, 4, 6}, {0, 1, 3, 2, 4, 6, 5}} {
		if got := replica(t, order).String(); got != "Hello world? :-)" {
			t.Errorf("%v gives %q", order, got)
		}
	}
}

// Each code point of a text is known by the dot that inserted it.
func ExampleText() {
	text := sequence.NewText(nil)
	alice := identity.Author{1}
	if err := text.Splice(sequence.Dot{Author: alice, Seq: 1}, sequence.Splice{Text: "see you"}); err != nil {
		panic(err)
	}
	if err := text.Splice(sequence.Dot{Author: alice, Seq: 8}, sequence.Splice{Pos: 4, Removed: 3, Text: "them"}); err != nil {
		panic(err)
	}
	fmt.Println(text)
	for run := range text.Blame() {
		fmt.Println(run.Dot.Seq, run.N)
	}
	// Output:
	// see them
	// 1 4
	// 11 4
}
