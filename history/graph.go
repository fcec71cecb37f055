package history

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"sync"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
)

// A Graph is the DAG of one database as runs: for ten million versions it holds the few hundred thousand places where
// something else happened than that an author went on. It is for one goroutine while it is changed (AddLine, Add,
// Load); between changes any number may read.
type Graph struct {
	lines    []lineState
	byAuthor map[identity.Author][]Line
	forked   map[identity.Author]*branches // authors with many lines
	spans    []spanRow
	// Parents beside the previous version of the line, of all spans one after the other.
	depSpans []int32
	depLVs   []LV
	// checks are checkpoints one after the other: how many lines, then the clock of the span's first version, a dot a
	// line, saturated. 32 bits keep them small; a walk does not stop at a saturated one.
	checks []uint32
	heads  []LV // ascending
	next   LV

	// tipDots counts the dots of all tip clocks; hand is the line whose tip clock was given up last.
	tipDots, hand int

	walkers sync.Pool // of *walker
}

// spanRow is a span in a graph.
type spanRow struct {
	lv    LV
	seq   uint64
	line  Line
	ord   int32  // which span of its line
	deps  uint32 // where in depSpans its parents start; they end where those of the next span start
	check int32  // where in checks its checkpoint is, −1 for none
}

// NewGraph is a graph without versions.
func NewGraph() *Graph {
	g := &Graph{byAuthor: make(map[identity.Author][]Line), next: 1}
	g.walkers.New = func() any { return new(walker) }
	return g
}

// Next is the LV that the next dot gets: 1 for an empty graph.
func (g *Graph) Next() LV { return g.next }

// Heads are the last dots of the versions that have no children, ascending. The caller must not change the slice, which
// is valid until the next Add.
func (g *Graph) Heads() []LV { return g.heads }

// NumSpans is the number of spans.
func (g *Graph) NumSpans() int { return len(g.spans) }

// LastSpan is the span that may still grow: the row to write when Add returned newSpan. It is the zero Span for an
// empty graph.
func (g *Graph) LastSpan() Span {
	if len(g.spans) == 0 {
		return Span{}
	}
	i := int32(len(g.spans) - 1)
	s := &g.spans[i]
	span := Span{Line: s.line, Seq: s.seq, LV: s.lv}
	if _, lv := g.previous(i); lv > 0 {
		span.Parents = append(span.Parents, lv)
	}
	from, to := g.depsOf(i)
	span.Parents = append(span.Parents, g.depLVs[from:to]...)
	return span
}

// At is the line and the dot of an LV. It panics if the graph has no such LV.
func (g *Graph) At(lv LV) (line Line, seq uint64) {
	s := &g.spans[g.spanOf(lv)]
	return s.line, s.seq + uint64(lv-s.lv)
}

// SpanEnd is the last dot of the span that holds an LV. It panics if the graph has no such LV.
func (g *Graph) SpanEnd(lv LV) LV { return g.endOf(g.spanOf(lv)) }

// endOf is the last dot of a span.
func (g *Graph) endOf(span int32) LV {
	if next := int(span) + 1; next < len(g.spans) {
		return g.spans[next].lv - 1
	}
	return g.next - 1
}

// Add adds a version: its line, its first dot and how many dots it owns, and the last dots of its parents in any order,
// each once, the previous version of the line among them. It returns the LV of the first dot, and whether a span begins there; if
// not, the last span has grown.
//
// It panics if the dot does not continue the line or a parent is not in the graph: Attach and the caller's own lookup of
// the parents have to come first.
func (g *Graph) Add(line Line, seq, width uint64, parents []LV) (lv LV, newSpan bool) {
	l := &g.lines[line]
	prevSpan, prev := g.tipOrFork(l)
	if seq != max(l.tip, l.info.ForkSeq)+1 || width == 0 || l.rootless() {
		panic("history: Add of a version that does not continue its line: dot " + strconv.FormatUint(seq, 10))
	}
	if prev > 0 && !slices.Contains(parents, prev) {
		panic("history: Add of a version without its previous version among the parents")
	}
	lv = g.next
	for _, p := range parents {
		if p == 0 || p >= lv {
			panic("history: Add of a version before its parents")
		}
		if p != prev {
			l.saw = max(l.saw, p)
		}
	}
	g.removeHeads(parents)
	last := int32(len(g.spans) - 1)
	newSpan = len(parents) != 1 || prev != lv-1 || prevSpan != last || l.tip == 0
	if newSpan {
		g.addSpan(line, seq, prev, parents)
	}
	g.next += LV(width)
	if g.isChain(l, parents) {
		l.chain = seq + width - 1
	}
	before := l.tip
	l.tip, l.tipLV = seq+width-1, g.next-1
	l.noteTip(line, before)
	g.heads = append(g.heads, l.tipLV)
	if newSpan {
		span := int32(len(g.spans) - 1)
		if l.merge == g.spans[span].ord {
			g.keepTip(span)
		}
		g.checkpoint(span)
	}
	return lv, newSpan
}

// tipOrFork is the version that the next one of a line continues: LV 0 if there is none.
func (g *Graph) tipOrFork(l *lineState) (span int32, lv LV) {
	if l.tip > 0 {
		return l.spans[len(l.spans)-1], l.tipLV
	}
	return l.forkSpan, l.forkLV
}

// fewParents are taken out of the heads one by one.
const fewParents = 4

func (g *Graph) removeHeads(parents []LV) {
	if len(parents) > fewParents {
		sorted := slices.Clone(parents)
		order.Sort(sorted, cmp.Compare)
		g.heads = slices.DeleteFunc(g.heads, func(head LV) bool {
			for len(sorted) > 0 && sorted[0] < head {
				sorted = sorted[1:]
			}
			return len(sorted) > 0 && sorted[0] == head
		})
		return
	}
	for _, p := range parents {
		if i, found := slices.BinarySearch(g.heads, p); found {
			g.heads = slices.Delete(g.heads, i, i+1)
		}
	}
}

// isChain reports whether the past of the next version of a line, which has these parents, is a chain.
func (g *Graph) isChain(l *lineState, parents []LV) bool {
	switch {
	case len(parents) == 0:
		return true
	case len(parents) > 1:
		return false
	case l.tip > 0:
		return l.chain == l.tip
	}
	line, seq := g.At(parents[0])
	return seq <= g.lines[line].chain
}

func (g *Graph) addSpan(line Line, seq uint64, prev LV, parents []LV) {
	l := &g.lines[line]
	from := len(g.depLVs)
	for _, p := range parents {
		if p != prev {
			g.depLVs = append(g.depLVs, p)
		}
	}
	order.Sort(g.depLVs[from:], cmp.Compare)
	for _, p := range g.depLVs[from:] {
		g.depSpans = append(g.depSpans, g.spanOf(p))
	}
	if len(g.depLVs) > from {
		l.merge = int32(len(l.spans))
	}
	g.spans = append(g.spans, spanRow{
		lv: g.next, seq: seq, line: line, ord: int32(len(l.spans)), deps: uint32(from), check: -1,
	})
	l.spans = append(l.spans, int32(len(g.spans)-1))
}

// Load adds the spans that were stored, ascending by LV; next is the LV that the next dot gets. Their lines must have
// been added, each branch with its parent line's dots: AddLine a branch only when its parent has come that far, so lines
// may be given by addLine, which is called with the index of a line that is not there yet; nil says that all are.
//
// Load on a graph that is not empty takes it to what another process wrote: spans then start with the last span that
// the graph has, which may have grown. The error wraps ErrGraph, and the graph is not to be used after it.
func (g *Graph) Load(spans iter.Seq2[Span, error], next LV, addLine func(Line) error) error {
	var held Span // its length is known when the next one comes
	for s, err := range spans {
		if err != nil {
			return err
		}
		if held.LV > 0 {
			if err := g.load(held, s.LV); err != nil {
				return err
			}
		}
		for int(s.Line) >= len(g.lines) {
			if addLine == nil {
				return damaged("a span of a line that is not known", nil)
			}
			before := len(g.lines)
			if err := addLine(Line(before)); err != nil {
				return err
			}
			if len(g.lines) == before {
				return damaged("a span of a line that is not known", nil)
			}
		}
		held = s
	}
	if held.LV > 0 {
		return g.load(held, next)
	}
	if g.next != next {
		return damaged("spans end before the last version", nil)
	}
	return nil
}

// load adds one span that ends before the LV end, or makes the last one longer.
func (g *Graph) load(s Span, end LV) error {
	if s.LV == 0 || end <= s.LV {
		return damaged("spans out of order", nil)
	}
	if n := len(g.spans); n > 0 && g.spans[n-1].lv == s.LV {
		last := &g.spans[n-1]
		if last.line != s.Line || last.seq != s.Seq || end < g.next {
			return damaged("a span that is another than before", nil)
		}
		if end > g.next {
			g.Add(s.Line, g.lines[s.Line].tip+1, uint64(end-g.next), []LV{g.next - 1})
		}
		return nil
	}
	l := &g.lines[s.Line]
	_, prev := g.tipOrFork(l)
	continues := s.Seq == max(l.tip, l.info.ForkSeq)+1 && !l.rootless()
	if s.LV != g.next || !continues || prev > 0 && !slices.Contains(s.Parents, prev) {
		return damaged("a span that continues nothing", nil)
	}
	for _, p := range s.Parents {
		if p == 0 || p >= s.LV {
			return damaged("a span with a parent that is not before it", nil)
		}
	}
	g.Add(s.Line, s.Seq, uint64(end-s.LV), s.Parents)
	return nil
}

// spanOf is the index of the span that holds an LV.
func (g *Graph) spanOf(lv LV) int32 {
	last := len(g.spans) - 1
	if lv >= g.next || lv == 0 {
		panic("history: LV " + strconv.FormatUint(uint64(lv), 10) + " is not in the graph")
	}
	if g.spans[last].lv <= lv {
		return int32(last)
	}
	low, high := 0, last // spans[low].lv ≤ lv < spans[high].lv
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); g.spans[mid].lv <= lv {
			low = mid
		} else {
			high = mid
		}
	}
	return int32(low)
}

// depsOf is where the parents of a span beside its previous version are.
func (g *Graph) depsOf(span int32) (from, to uint32) {
	to = uint32(len(g.depLVs))
	if int(span)+1 < len(g.spans) {
		to = g.spans[span+1].deps
	}
	return g.spans[span].deps, to
}

// previous is the span and the LV of the last dot of the version before a span on its line, LV 0 if there is none.
func (g *Graph) previous(span int32) (int32, LV) {
	s := &g.spans[span]
	l := &g.lines[s.line]
	if s.ord == 0 {
		return l.forkSpan, l.forkLV
	}
	before := l.spans[s.ord-1]
	p := &g.spans[before]
	return before, p.lv + LV(s.seq-1-p.seq)
}
