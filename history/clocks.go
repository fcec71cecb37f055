package history

import (
	"iter"
	"slices"

	"github.com/kdelta/kdelta/internal/order"
)

// Mark is an entry of a Clock: the last dot that is covered on a line.
type Mark struct {
	Line Line
	Seq  uint64
}

// A Clock is a cut of a Graph: for each line how many of its dots are covered. It is a vector clock whose entries are
// lines, so it means nothing outside of this database; clock.Vector is the form that travels. A Clock is immutable and
// safe to share. The zero Clock covers nothing.
type Clock struct {
	marks []Mark // ascending by line, Seq > 0
}

// NewClock is the clock of the marks, given in any order; of two for one line the greater counts.
func NewClock(marks ...Mark) Clock {
	sorted := slices.Clone(marks)
	order.Sort(sorted, func(a, b Mark) int {
		if a.Line != b.Line {
			return int(int64(a.Line) - int64(b.Line))
		}
		switch {
		case a.Seq < b.Seq:
			return -1
		case a.Seq > b.Seq:
			return 1
		}
		return 0
	})
	kept := sorted[:0]
	for _, m := range sorted {
		if m.Seq == 0 {
			continue
		}
		if n := len(kept); n > 0 && kept[n-1].Line == m.Line {
			kept = kept[:n-1]
		}
		kept = append(kept, m)
	}
	return Clock{marks: kept}
}

// Seq is the last dot of a line that is covered, 0 for none. Of a branch the dots up to ForkSeq are its parent line's.
func (c Clock) Seq(line Line) uint64 {
	i, found := c.search(line)
	if !found {
		return 0
	}
	return c.marks[i].Seq
}

func (c Clock) search(line Line) (int, bool) {
	// Most often the lines are 0 … n−1 without a gap.
	if int(line) < len(c.marks) && c.marks[line].Line == line {
		return int(line), true
	}
	return slices.BinarySearchFunc(c.marks, line, func(m Mark, line Line) int {
		return int(int64(m.Line) - int64(line))
	})
}

// Covers reports whether a dot of a line is covered. The dot must be the line's own, after its ForkSeq.
func (c Clock) Covers(line Line, seq uint64) bool { return seq <= c.Seq(line) }

// Marks yields the marks, ascending by line.
func (c Clock) Marks() iter.Seq[Mark] { return slices.Values(c.marks) }

// Len is the number of marks.
func (c Clock) Len() int { return len(c.marks) }

// Join is the least clock that covers what either covers.
func (c Clock) Join(other Clock) Clock {
	a, b := c.marks, other.marks
	joined := make([]Mark, 0, max(len(a), len(b)))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Line < b[0].Line:
			joined, a = append(joined, a[0]), a[1:]
		case a[0].Line > b[0].Line:
			joined, b = append(joined, b[0]), b[1:]
		default:
			joined = append(joined, Mark{Line: a[0].Line, Seq: max(a[0].Seq, b[0].Seq)})
			a, b = a[1:], b[1:]
		}
	}
	return Clock{marks: append(append(joined, a...), b...)}
}

// Meet is the greatest clock that both cover: the cut at which what the two stand for last agreed. It is causally closed
// if both are.
func (c Clock) Meet(other Clock) Clock {
	a, b := c.marks, other.marks
	var met []Mark
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Line < b[0].Line:
			a = a[1:]
		case a[0].Line > b[0].Line:
			b = b[1:]
		default:
			met = append(met, Mark{Line: a[0].Line, Seq: min(a[0].Seq, b[0].Seq)})
			a, b = a[1:], b[1:]
		}
	}
	return Clock{marks: met}
}

// Equal reports whether both cover the same.
func (c Clock) Equal(other Clock) bool { return slices.Equal(c.marks, other.marks) }

// CoversAll reports whether c covers all that other covers.
func (c Clock) CoversAll(other Clock) bool {
	for _, m := range other.marks {
		if !c.Covers(m.Line, m.Seq) {
			return false
		}
	}
	return true
}

// All is the clock of everything in the graph.
func (g *Graph) All() Clock {
	marks := make([]Mark, 0, len(g.lines))
	for i := range g.lines {
		if tip := g.lines[i].tip; tip > 0 {
			marks = append(marks, Mark{Line: Line(i), Seq: tip})
		}
	}
	return Clock{marks: marks}
}
