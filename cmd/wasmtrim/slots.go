package main

import "slices"

// A word of the frame is loaded and stored in two ways: by an offset from the stack pointer, where the compiler keeps a local in it or
// passes an argument, and by its address, where it belongs to a variable. Only what belongs to a variable can be reached through
// pointers.

// fact says that a local and a word of the frame hold the same.
type fact struct {
	slot  int64
	local int64
}

// facts are those that hold, by number.
type facts []bool

// slots finds what of a function's frame is in locals, too.
type slots struct {
	*shrinker
	flow   *flow
	number map[fact]int
	all    []fact
	in     []facts // what holds where a block begins; nil where it is not known yet
}

// newSlots follows all ways through a function.
func (s *shrinker) newSlots(f *flow) *slots {
	w := &slots{shrinker: s, flow: f, number: map[fact]int{}, in: make([]facts, len(f.starts))}
	for i := range f.code {
		if known, n := w.told(i); n > 0 {
			if _, ok := w.number[known]; !ok {
				w.number[known] = len(w.all)
				w.all = append(w.all, known)
			}
		}
	}
	w.in[0] = make(facts, len(w.all))
	todo := []int{0}
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		out := slices.Clone(w.in[b])
		start, end := f.block(b)
		w.walk(start, end, out, nil)
		for _, next := range f.next[b] {
			if w.meet(next, out) {
				todo = append(todo, next)
			}
		}
	}
	return w
}

// meet leaves what holds on all ways to a block.
func (w *slots) meet(b int, also facts) (changed bool) {
	if w.in[b] == nil {
		w.in[b] = slices.Clone(also)
		return true
	}
	for i, is := range w.in[b] {
		if is && !also[i] {
			w.in[b][i] = false
			changed = true
		}
	}
	return changed
}

// told gives what holds behind an instruction that puts a local into the frame, or a word of the frame into a local, and how
// many instructions do that.
func (w *slots) told(i int) (known fact, n int) {
	code := w.flow.code
	switch {
	case i+2 >= len(code) || code[i].op != opLocalGet || code[i].arg != 1:
	case code[i+1].op == opI64Load && (code[i+2].op == opLocalSet || code[i+2].op == opLocalTee) && code[i+2].arg > 1 && !w.variables[code[i+1].off]:
		return fact{code[i+1].off, code[i+2].arg}, 3
	case code[i+1].op == opLocalGet && code[i+1].arg > 1 && code[i+2].op == opI64Store && !w.variables[code[i+2].off]:
		return fact{code[i+2].off, code[i+1].arg}, 3
	}
	return fact{}, 0
}

// walk applies the instructions of a block to what holds. Each is given with what holds before it, if somebody asks, and those
// three together that told speaks of.
func (w *slots) walk(start, end int, now facts, visit func(i, n int, known fact)) {
	code := w.flow.code
	for i := start; i < end; {
		known, n := w.told(i)
		if n > 0 && i+n <= end {
			if visit != nil {
				visit(i, n, known)
			}
			if code[i+n-1].op == opI64Store {
				w.forget(now, func(f fact) bool { return f.slot > known.slot-8 && f.slot < known.slot+8 && f != known })
			} else {
				w.forget(now, func(f fact) bool { return f.local == known.local && f.slot != known.slot })
			}
			now[w.number[known]] = true
			i += n
			continue
		}
		if visit != nil {
			visit(i, 1, fact{})
		}
		w.step(i, now)
		i++
	}
}

// forget makes false what holds of some.
func (w *slots) forget(now facts, which func(fact) bool) {
	for i, is := range now {
		if is && which(w.all[i]) {
			now[i] = false
		}
	}
}

// step applies one instruction to what holds.
func (w *slots) step(i int, now facts) {
	code := w.flow.code
	switch in := code[i]; {
	case in.op != opLocalSet && in.op != opLocalTee:
		w.stepMemory(i, now)
	case in.arg != 1:
		w.forget(now, func(f fact) bool { return f.local == in.arg })
	case i == 0 || code[i-1].op != opGlobalGet: // another frame
		clear(now)
	}
}

// stepMemory applies an instruction that may change the frame.
func (w *slots) stepMemory(i int, now facts) {
	code := w.flow.code
	switch in := code[i]; {
	case in.op > opLastLoad && in.op <= opLastStore:
		switch at := valueStart(code, i); {
		case at > 0 && code[at-1].op == opLocalGet && code[at-1].arg == 1:
			w.forget(now, func(f fact) bool { return f.slot > in.off-8 && f.slot < in.off+8 })
		case at == 0 || code[at-1].op != opI32WrapI64: // not through a pointer
			clear(now)
		}
	case in.op == opCall && w.quiet[in.arg]:
	case in.op == opIndirect, in.op == opMisc && in.raw[0] >= 8:
		clear(now)
	case in.op == opCall && (in.arg < int64(w.imports) || in.arg > w.pushSegment()):
		clear(now)
	case in.op == opCall && in.arg < int64(w.first):
		to := int(in.arg) - w.imports
		if w.callees.resumes[to] || w.callees.args[to] < 0 {
			clear(now)
			return
		}
		args := int64(w.callees.args[to])
		w.forget(now, func(f fact) bool { return f.slot < args })
	}
}

// dropReloads leaves out the loads of what locals hold already, and the stores of what the frame holds.
func (s *shrinker) dropReloads(f *flow) {
	w := s.newSlots(f)
	gone := newSieve(s)
	for b, now := range w.in {
		if now == nil {
			now = make(facts, len(w.all)) // nothing leads there
		}
		start, end := f.block(b)
		loaded := -1 // a load whose address has gone
		w.walk(start, end, now, func(i, n int, known fact) {
			gone.at(i)
			if i == loaded {
				return
			}
			if n > 1 && now[w.number[known]] {
				if f.code[i+2].op == opLocalTee {
					s.out = append(s.out, ins{op: opLocalGet, arg: known.local})
				}
				return
			}
			if local, ok := w.holder(now, i); ok {
				s.out = append(s.out, ins{op: opLocalGet, arg: local})
				s.out = append(s.out, f.code[i+2:i+max(n, 2)]...)
				loaded = i + 1
				return
			}
			s.out = append(s.out, f.code[i:i+n]...)
		})
	}
}

// holder gives a local that holds what is loaded from the frame.
func (w *slots) holder(now facts, i int) (int64, bool) {
	code := w.flow.code
	if i+1 >= len(code) || code[i].op != opLocalGet || code[i].arg != 1 || code[i+1].op != opI64Load {
		return 0, false
	}
	for k, is := range now {
		if is && w.all[k].slot == code[i+1].off {
			return w.all[k].local, true
		}
	}
	return 0, false
}
