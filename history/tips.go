package history

import (
	"math"
	"slices"
)

// Two kinds of clocks are kept so that walks stop early, both as plain arrays of the last dot covered on each line:
//
//	tips         of each line, the clock of its newest merge: what its author had seen when it last saw something new
//	checkpoints  the same of every so-manieth span of a line
//
// What they say of their own line is of no use: whoever comes to one knows how far that line is covered.
//
// Dots take 32 bits there. A greater one is written as saturated, and a clock that holds such a one answers what it can
// and is otherwise not there.
const (
	// checkEvery is how many spans of one line lie between two of its checkpoints, at least.
	checkEvery = 16
	// checkShare bounds what checkpoints take: for n lines there are n/checkShare spans between two at least, so that
	// they hold checkShare dots for each span at most.
	checkShare = 16
	// tipDots bounds what tips take: those of a thousand lines that all saw each other.
	tipDots = 1 << 20
	// saturated stands for every dot from it on.
	saturated = math.MaxUint32
)

// keepTip makes the tip clock of a line that of a span which was just added and starts with a merge, or the line.
func (g *Graph) keepTip(span int32) {
	s := &g.spans[span]
	l := &g.lines[s.line]
	g.tipDots -= len(l.seen)
	dots, ok := g.merged(span, l.seen)
	l.seen = nil // it was of the merge before, and walks must not take it for this one's
	if !ok {
		dots, ok = denseOf(g.derive(step{span: span, lv: s.lv}))
	}
	if !ok {
		return
	}
	l.seen = dots
	g.tipDots += len(dots)
	for g.tipDots > tipDots {
		if g.hand++; g.hand >= len(g.lines) {
			g.hand = 0
		}
		g.tipDots -= len(g.lines[g.hand].seen)
		g.lines[g.hand].seen = nil
	}
}

// merged makes the clock of a span from that of the merge before it on its line, in place, and those of its other
// parents; ok is false, and the result nothing, if one of them is not kept.
func (g *Graph) merged(span int32, dots []uint32) (merged []uint32, ok bool) {
	s := &g.spans[span]
	l := &g.lines[s.line]
	from, to := g.depsOf(span)
	switch {
	case s.ord == 0 && l.forkSpan >= 0, s.ord > 0 && dots == nil:
		return nil, false
	case from == to:
		return []uint32{}, true // the line begins here, with nothing
	case s.ord == 0:
		dots = make([]uint32, 0, len(g.lines))
	}
	for i := from; i < to; i++ {
		d := &g.spans[g.depSpans[i]]
		other := &g.lines[d.line]
		dot := d.seq + uint64(g.depLVs[i]-d.lv)
		if dot >= saturated {
			return nil, false
		}
		if dot <= other.chain {
			if dots, ok = g.raiseChain(dots, g.depSpans[i], g.depLVs[i]); !ok {
				return nil, false
			}
			continue
		}
		if other.seen == nil || d.ord < other.merge {
			return nil, false
		}
		dots = raiseDots(dots, other.seen)
		dots = raiseDot(dots, d.line, uint32(dot))
	}
	return dots, true
}

// raiseChain adds a version whose past is a chain, and that past, to a clock; ok is false if a dot is too great.
func (g *Graph) raiseChain(dots []uint32, span int32, lv LV) (raised []uint32, ok bool) {
	for lv > 0 {
		s := &g.spans[span]
		dot := s.seq + uint64(lv-s.lv)
		if dot >= saturated {
			return nil, false
		}
		if int(s.line) < len(dots) && uint64(dots[s.line]) >= dot {
			break
		}
		dots = raiseDot(dots, s.line, uint32(dot))
		span = g.lines[s.line].spans[0] // before it the chain is on another line
		from, to := g.depsOf(span)
		if from < to {
			span, lv = g.depSpans[from], g.depLVs[from]
		} else {
			span, lv = g.previous(span)
		}
	}
	return dots, true
}

// denseOf is a clock as an array; ok is false if a dot is too great.
func denseOf(marks []Mark) (dots []uint32, ok bool) {
	dots = []uint32{}
	for _, m := range marks {
		if m.Seq >= saturated {
			return nil, false
		}
		dots = raiseDot(dots, m.Line, uint32(m.Seq))
	}
	return dots, true
}

func raiseDot(dots []uint32, line Line, dot uint32) []uint32 {
	dots = grown(dots, int(line)+1)
	dots[line] = max(dots[line], dot)
	return dots
}

func raiseDots(dots, other []uint32) []uint32 {
	dots = grown(dots, len(other))
	into := dots[:len(other)] // lets the compiler leave out bounds checks
	for i, dot := range other {
		into[i] = max(into[i], dot)
	}
	return dots
}

func grown(dots []uint32, n int) []uint32 {
	if n <= len(dots) {
		return dots
	}
	return append(dots, make([]uint32, n-len(dots))...)
}

// checkpoint keeps the clock of a new span's first version for good, if it is the turn of its line.
func (g *Graph) checkpoint(span int32) {
	s := &g.spans[span]
	l := &g.lines[s.line]
	if int(s.ord-l.checked) < max(checkEvery, len(g.lines)/checkShare) || len(g.checks) > math.MaxInt32-len(g.lines)-1 {
		return
	}
	dots := l.seen
	if dots == nil {
		for _, m := range g.derive(step{span: span, lv: s.lv}) {
			dots = raiseDot(dots, m.Line, uint32(min(m.Seq, saturated)))
		}
	}
	l.checked, s.check = s.ord, int32(len(g.checks))
	g.checks = append(append(g.checks, uint32(len(dots))), dots...)
}

// checked asks a checkpoint whether it covers a dot of a line other than its own; known is false if it cannot tell.
func (g *Graph) checked(check int32, line Line, seq uint64) (known, covers bool) {
	if uint32(line) >= g.checks[check] {
		return true, false // the line is younger than the checkpoint, or was not seen yet
	}
	dot := g.checks[check+1+int32(line)]
	if dot < saturated {
		return true, seq <= uint64(dot)
	}
	return seq < saturated, true
}

// gather notes what a kept clock covers; false if there is none, or it cannot tell.
func (w *walker) gather(dots []uint32) bool {
	if len(dots) == 0 || slices.Contains(dots, saturated) {
		return false
	}
	for line, dot := range dots {
		if uint64(dot) > w.covered[line] {
			w.raise(Line(line), uint64(dot))
		}
	}
	return true
}
