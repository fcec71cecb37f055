package history

import (
	"slices"
	"sort"

	"github.com/kdelta/kdelta/identity"
)

// LineInfo says what a line is.
type LineInfo struct {
	Author identity.Author
	// Fork is the id of the line's first version where the line is a branch of a fork, else zero. An author's first line
	// is no branch; its versions after a fork stay where they are.
	Fork ID
	// Parent is the line branched from, and ForkSeq the last dot of it that is shared: the last dot of the Prev of the
	// line's first version. ForkSeq is 0 where an author's very first version has a rival. Both are zero for a line
	// that is no branch.
	Parent  Line
	ForkSeq uint64
}

// rootless reports whether a branch was added before the dot that it starts from.
func (l *lineState) rootless() bool { return l.info.ForkSeq > 0 && l.forkLV == 0 }

// Branch reports whether the line is a branch of a fork.
func (i *LineInfo) Branch() bool { return i.Fork != ID{} }

// lineState is a line in a graph.
type lineState struct {
	info  LineInfo
	spans []int32 // ascending
	// tip is the last dot, 0 for a line that is still empty.
	tip   uint64
	tipLV LV
	// merge is the ordinal of the newest span that starts with a version of several parents, or 0.
	merge int32
	// seen is the clock of that span's first version, nil if it is not kept.
	seen []uint32
	// forkSpan is the span of the parent line that holds ForkSeq, −1 for none; forkLV is that dot.
	forkSpan int32
	forkLV   LV
	// checked is the ordinal of the newest span with a checkpoint, −1 for none.
	checked int32
	// saw is the newest version of another line that one of this line names as a parent: nothing later of others is in any
	// of their pasts. It is 0 where the line saw no other.
	saw LV
	// chain is the last dot whose past is a chain: none of its versions has more than one parent.
	chain uint64
	// branches finds versions of the author where it has many lines and this is a branch, else nil; named is the last dot that it
	// has.
	branches *branches
	named    uint64
}

// AddLine adds a line without versions and returns its index: the number of lines before. A branch is added once its
// parent line has the dot that it starts from; one without can get no versions (see Add, Load).
func (g *Graph) AddLine(info LineInfo) Line {
	s := lineState{info: info, forkSpan: -1, checked: -1}
	if info.ForkSeq > 0 && int(info.Parent) < len(g.lines) {
		if lv, ok := g.Find(info.Parent, info.ForkSeq); ok {
			s.forkLV, s.forkSpan, s.saw = lv, g.spanOf(lv), lv
		}
	}
	line := Line(len(g.lines))
	g.lines = append(g.lines, s)
	g.byAuthor[info.Author] = append(g.byAuthor[info.Author], line)
	g.noteLine(line)
	return line
}

// NumLines is the number of lines; the lines are 0 … NumLines−1.
func (g *Graph) NumLines() int { return len(g.lines) }

// LineInfo says what a line is.
func (g *Graph) LineInfo(line Line) LineInfo { return g.lines[line].info }

// Lines are the lines of an author, in the order in which they were added; more than one if the author is forked. The
// caller must not change the slice.
func (g *Graph) Lines(author identity.Author) []Line { return g.byAuthor[author] }

// Tip is the last dot of a line and its LV; both are 0 for a line without versions.
func (g *Graph) Tip(line Line) (seq uint64, lv LV) {
	l := &g.lines[line]
	return l.tip, l.tipLV
}

// Find is the LV of a dot of a line. The dots up to ForkSeq of a branch are those of its parent line.
func (g *Graph) Find(line Line, seq uint64) (LV, bool) {
	for {
		l := &g.lines[line]
		if seq > l.info.ForkSeq || !l.info.Branch() {
			break
		}
		line = l.info.Parent
	}
	l := &g.lines[line]
	if seq == 0 || seq > l.tip {
		return 0, false
	}
	s := &g.spans[l.spans[g.ordOf(l, seq)]]
	return s.lv + LV(seq-s.seq), true
}

// isOn reports whether a line has a dot, by its LV.
func (g *Graph) isOn(line Line, lv LV) bool {
	spans := g.lines[line].spans
	i := sort.Search(len(spans), func(i int) bool { return g.spans[spans[i]].lv > lv })
	return i > 0 && lv <= g.endOf(spans[i-1])
}

// ordOf is the ordinal of the span of l that holds a dot which l has.
func (g *Graph) ordOf(l *lineState, seq uint64) int {
	last := len(l.spans) - 1
	if g.spans[l.spans[last]].seq <= seq {
		return last
	}
	i, found := slices.BinarySearchFunc(l.spans, seq, func(span int32, seq uint64) int {
		switch s := g.spans[span].seq; {
		case s < seq:
			return -1
		case s > seq:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	return i
}
