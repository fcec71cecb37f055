package main

import "slices"

// maxArguments is how many words a helper takes for a call.
const maxArguments = 16

// frameStore is an instruction that stores into the frame, and what makes its value.
type frameStore struct {
	value []ins
	store ins
}

// lastStores gives the stores into the frame that code ends with, the last one first, and where they begin. They are such that it does
// not matter in which order values are made and words are stored.
func (s *shrinker) lastStores(code []ins) (run []frameStore, end int) {
	end = len(code)
	for end > 0 {
		store := code[end-1]
		if store.op <= opLastLoad || store.op > opLastStore {
			break
		}
		at := valueStart(code, end-1)
		if at < 1 || code[at-1].op != opLocalGet || code[at-1].arg != 1 {
			break
		}
		earlier := frameStore{code[at : end-1], store}
		if slices.ContainsFunc(earlier.value, func(in ins) bool { return in.op == opLocalTee }) ||
			slices.ContainsFunc(run, func(later frameStore) bool { return s.clash(earlier, later) }) {
			break
		}
		run = append(run, earlier)
		end = at - 1
	}
	return run, end
}

// clash reports whether one of two stores writes what the other one writes, or may read.
func (s *shrinker) clash(a, b frameStore) bool {
	return a.store.overlaps(b.store) || s.mayRead(a.value, b.store) || s.mayRead(b.value, a.store)
}

// mayRead reports whether a value may be made of what a store writes. A pointer leads to variables alone, and to none of a function
// that makes no pointers to them.
func (s *shrinker) mayRead(value []ins, store ins) bool {
	for i, in := range value {
		switch {
		case in.op < opI32Load || in.op > opLastLoad:
		case i > 0 && value[i-1].op == opLocalGet && value[i-1].arg == 1:
			if in.overlaps(store) {
				return true
			}
		case s.variables[store.off] && s.pointsToVariables():
			return true
		}
	}
	return false
}

// pointsToVariables reports whether a function holds the address of a variable for longer than one load or store takes.
func (s *shrinker) pointsToVariables() bool {
	for i, in := range s.out {
		if in.op == opExtendU && i > 0 && s.out[i-1].op == opLocalGet && s.out[i-1].arg == 1 {
			return true
		}
	}
	return false
}

// overlaps reports whether two loads or stores at one address have a byte in common.
func (in ins) overlaps(other ins) bool {
	return in.off < other.off+other.width() && other.off < in.off+in.width()
}

// width is how many bytes are loaded or stored.
func (in ins) width() int64 {
	const widths = "\x04\x08\x04\x08\x01\x01\x02\x02\x01\x01\x02\x02\x04\x04" + "\x04\x08\x04\x08\x01\x02\x01\x02\x04"
	return int64(widths[in.op-opI32Load])
}

// takeArguments takes from the end of code the stores of words of the frame side by side: from its beginning on, which are the
// arguments of the call that follows, or behind it, which are results. It gives the code without them, their values in order, and
// where the first word is.
func (s *shrinker) takeArguments(code []ins, from int64) (rest, values []ins, first int64, n int) {
	// Values are made later than they were: behind the stores of others, and before their own.
	run, end := s.lastStores(code)
	byOffset := map[int64]int{}
	for i, store := range run {
		if store.store.op == opI64Store && store.store.off%8 == 0 {
			byOffset[store.store.off] = i
		}
	}
	first = from
	if from > 0 {
		first = -1
		for off := range byOffset {
			if off >= from && (first < 0 || off < first) {
				first = off
			}
		}
	}
	for n < maxArguments {
		if _, ok := byOffset[first+int64(8*n)]; !ok {
			break
		}
		n++
	}
	if n == 0 {
		return code, nil, 0, 0
	}
	rest = append(rest, code[:end]...)
	for i := len(run) - 1; i >= 0; i-- {
		s := run[i]
		if s.store.op == opI64Store && s.store.off%8 == 0 && s.store.off >= first && s.store.off < first+int64(8*n) {
			continue
		}
		rest = append(append(append(rest, ins{op: opLocalGet, arg: 1}), s.value...), s.store)
	}
	for k := range n {
		values = append(values, run[byOffset[first+int64(8*k)]].value...)
	}
	return rest, values, first, n
}

// takeResults lets a helper store the results of a function and give up its frame.
func (s *shrinker) takeResults(code []ins) []ins {
	n := len(code)
	at := n - 7
	if at < 0 || !matches(code[at:], opLocalGet, opI32Const, opI32Add, opLocalTee, opGlobalSet, opI32Const, opReturn) {
		at = n - 6
		if at < 0 || !matches(code[at:], opLocalGet, opI32Const, opI32Add, opGlobalSet, opI32Const, opReturn) {
			return code
		}
	}
	t := code[at:]
	if t[0].arg != 1 || code[n-3].arg != 0 || code[n-2].arg != 0 || t[3].op == opLocalTee && t[3].arg != 1 {
		return code
	}
	frame := t[1].arg
	rest, values, first, words := s.takeArguments(code[:at], frame)
	if words == 0 {
		return code
	}
	return append(append(rest, values...), ins{op: opI32Const, arg: first - frame}, ins{op: opI32Const, arg: frame},
		ins{op: opCall, arg: s.returnWith(words)}, ins{op: opReturn})
}
