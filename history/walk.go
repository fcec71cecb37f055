package history

import (
	"cmp"
	"math"
	"slices"

	"github.com/kdelta/kdelta/internal/order"
)

// A walk goes from versions to their parents, newest first on each line, and stops as early as it can: where a line was
// walked already; where what is sought cannot be any more, because parents have the smaller LV; and where a kept clock
// (tips.go) knows the rest.
type walker struct {
	stack []step
	// covered is the last dot of each line that the walk has seen, whose past is or will be walked.
	covered []uint64
	touched []Line
}

// step is a place to go on from: the dots of a span up to lv.
type step struct {
	span int32
	lv   LV
}

// walker is the memory of one walk; release takes it back for the next.
func (g *Graph) walker() *walker {
	w, _ := g.walkers.Get().(*walker)
	if n := len(g.lines); len(w.covered) < n {
		w.covered = append(w.covered, make([]uint64, n-len(w.covered))...)
	}
	return w
}

func (g *Graph) release(w *walker) {
	for _, l := range w.touched {
		w.covered[l] = 0
	}
	w.touched, w.stack = w.touched[:0], w.stack[:0]
	g.walkers.Put(w)
}

func (w *walker) pop() (s step, ok bool) {
	n := len(w.stack) - 1
	if n < 0 {
		return step{}, false
	}
	s = w.stack[n]
	w.stack = w.stack[:n]
	return s, true
}

// raise notes that the line is covered up to seq, and returns how far it was.
func (w *walker) raise(line Line, seq uint64) (before uint64) {
	before = w.covered[line]
	if seq > before {
		if before == 0 {
			w.touched = append(w.touched, line)
		}
		w.covered[line] = seq
	}
	return before
}

// Covers reports whether b is a or has a in its past, where both are dots of the graph. It takes about a microsecond
// whatever the size of the graph, and no memory.
func (g *Graph) Covers(b, a LV) bool {
	if b <= a {
		return b == a
	}
	target := &g.spans[g.spanOf(a)]
	line, seq := target.line, target.seq+uint64(a-target.lv)
	w := g.walker()
	found := false
	for s, ok := (step{span: g.spanOf(b), lv: b}), true; ok && !found; s, ok = w.pop() {
		found = g.seek(w, s, a, line, seq)
	}
	g.release(w)
	return found
}

// seek follows one line down from a step, looking for the dot seq of a line, whose LV is a.
func (g *Graph) seek(w *walker, at step, a LV, line Line, seq uint64) bool {
	span, lv := at.span, at.lv
	on, floor := Line(math.MaxUint32), uint64(0)
	for lv >= a {
		s := &g.spans[span]
		reached := s.seq + uint64(lv-s.lv)
		if s.line == line {
			return reached >= seq // what is before a on its line does not have a in its past
		}
		if s.line != on { // at first, and where a branch goes over to its parent line
			on, floor = s.line, w.raise(s.line, reached)
		}
		if reached <= floor || a > g.lines[on].saw {
			return false
		}
		if s.check >= 0 {
			if known, covers := g.checked(s.check, line, seq); known {
				return covers
			}
		}
		from, to := g.depsOf(span)
		for i := from; i < to; i++ {
			p := g.depLVs[i]
			if p < a {
				continue
			}
			ps := &g.spans[g.depSpans[i]]
			if ps.line != line {
				w.stack = append(w.stack, step{span: g.depSpans[i], lv: p})
			} else if ps.seq+uint64(p-ps.lv) >= seq {
				return true
			}
		}
		span, lv = g.previous(span)
	}
	return false
}

// Clock is the clock of a version, by any of its dots: what it covers, and its own dots up to lv.
func (g *Graph) Clock(lv LV) Clock {
	return Clock{marks: g.derive(step{span: g.spanOf(lv), lv: lv})}
}

// ClockOf is the clock of several versions together: what at least one of them covers.
func (g *Graph) ClockOf(versions ...LV) Clock {
	steps := make([]step, len(versions))
	for i, lv := range versions {
		steps[i] = step{span: g.spanOf(lv), lv: lv}
	}
	return Clock{marks: g.derive(steps...)}
}

// Maximal are those of some versions, given by their last dots, that none of the others covers, ascending. It sorts lvs.
func (g *Graph) Maximal(lvs []LV) []LV {
	order.Sort(lvs, cmp.Compare)
	w := g.walker()
	var out []LV
	for _, lv := range slices.Backward(lvs) {
		at := step{span: g.spanOf(lv), lv: lv}
		s := &g.spans[at.span]
		if s.seq+uint64(lv-s.lv) <= w.covered[s.line] {
			continue
		}
		out = append(out, lv)
		for ok := true; ok; at, ok = w.pop() {
			g.gather(w, at)
		}
	}
	g.release(w)
	slices.Reverse(out)
	return out
}

// derive walks from the steps and returns all that is covered.
func (g *Graph) derive(from ...step) []Mark {
	w := g.walker()
	w.stack = append(w.stack, from...)
	for s, ok := w.pop(); ok; s, ok = w.pop() {
		g.gather(w, s)
	}
	order.Sort(w.touched, cmp.Compare)
	marks := make([]Mark, len(w.touched))
	for i, line := range w.touched {
		marks[i] = Mark{Line: line, Seq: w.covered[line]}
	}
	g.release(w)
	return marks
}

// gather follows one line down from a step and notes what it covers.
func (g *Graph) gather(w *walker, at step) {
	span, lv := at.span, at.lv
	on, floor := Line(math.MaxUint32), uint64(0)
	for lv > 0 {
		s := &g.spans[span]
		reached := s.seq + uint64(lv-s.lv)
		if s.line != on {
			on, floor = s.line, w.raise(s.line, reached)
		}
		if reached <= floor {
			return
		}
		if l := &g.lines[s.line]; s.ord >= l.merge && w.gather(l.seen) {
			return
		}
		if s.check >= 0 && w.gather(g.checks[s.check+1:][:g.checks[s.check]]) {
			return
		}
		from, to := g.depsOf(span)
		for i := from; i < to; i++ {
			w.stack = append(w.stack, step{span: g.depSpans[i], lv: g.depLVs[i]})
		}
		span, lv = g.previous(span)
	}
}
