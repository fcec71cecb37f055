package main

// keepLocals makes use of what calls leave alone. Go's compiler takes the locals of a function for lost behind each call, since it
// may be resumed there, and loads them from the frame. But most of what writes barriers, compares or copies is not left by
// unwinding: behind such a call the locals are as they were.
func (s *shrinker) keepLocals(index int, f *function, locals []byte) {
	if s.dispatch < 0 || f.asm() || countOf(locals) > maxLocals {
		return
	}
	resumed, ok := s.resumedSegments(index, f)
	if !ok {
		return
	}
	s.dropChecks()
	for _, step := range []func(*flow){s.outlineBarriers, s.dropReloads, s.dropDead} {
		flow := s.newFlow(resumed)
		if flow == nil {
			return
		}
		step(flow)
	}
	s.dropSpills(f)
	s.reduceAgain()
}

// resumedSegments says in which segments the function begins: the first, and those behind calls that it may be resumed after.
func (s *shrinker) resumedSegments(index int, f *function) ([]bool, bool) {
	table := s.out[s.dispatch].table
	segment := func(pc int) int { return table[min(pc, len(table)-1)] }
	resumed := make([]bool, len(s.blocks))
	resumed[0] = true
	uses, ok := s.uses(int64(pcBase + index))
	if !ok || len(table) == 0 || segment(len(table)) >= len(resumed) {
		return nil, false
	}
	for _, at := range uses {
		if s.out[at].op == opI64Const && s.resumesAt(at) {
			resumed[segment(int(s.out[at].arg&0xffff))] = true
		}
	}
	if d := f.deferReturn(); d != 0 {
		resumed[segment(d)], resumed[segment(d+1)] = true, true
	}
	return resumed, true
}

// dropChecks leaves out what unwinds behind calls that never do.
func (s *shrinker) dropChecks() {
	out := s.out[:0]
	for _, in := range s.out {
		out = append(out, in)
		n := len(out) - 7
		if n < 0 || !matches(out[n:], opCall, opGlobalGet, opLocalSet, opIf, opI32Const, opReturn, opEnd) {
			continue
		}
		if to := int(out[n].arg) - s.imports; to < 0 || out[n].arg >= int64(s.first) || s.callees.unwinds[to] {
			continue
		}
		out = append(out[:n+1], ins{op: opDrop})
	}
	s.out = out
}

// reduceAgain shortens what has come side by side.
func (s *shrinker) reduceAgain() {
	gone := newSieve(s)
	for i, in := range gone.code {
		gone.at(i)
		s.out = append(s.out, in)
		for s.reduceValue() {
		}
	}
}

// sieve writes the instructions of a function anew, and finds the dispatch in what is left.
type sieve struct {
	*shrinker
	code     []ins
	dispatch int // where it was
}

func newSieve(s *shrinker) *sieve {
	w := &sieve{shrinker: s, code: s.out, dispatch: s.dispatch}
	s.out = make([]ins, 0, len(w.code))
	return w
}

// at is called with the place of the next instruction, before it is written.
func (w *sieve) at(i int) {
	if i == w.dispatch {
		w.shrinker.dispatch = len(w.out)
	}
}
