package main

import (
	"encoding/binary"
	"slices"
)

// Of the lists of a function, which of the data are these.
const (
	funcdataLocals = 1 // which words of the frame are pointers
	funcdataDefers = 4 // where the runtime finds deferred calls
)

// dropSpills leaves out the stores of words of the frame that nothing reads: no instruction, no callee, not the caller, not the
// garbage collector. A constant is not spilled: it clears what belongs to a variable, for the collector, which may find that through
// a pointer.
func (s *shrinker) dropSpills(f *function) {
	if f.deferReturn() != 0 || len(f.data) > funcdataDefers && f.data[funcdataDefers] != absent {
		return
	}
	args, ok := s.largestArgs()
	if !ok {
		return
	}
	frame := int64(f.pcsp.top())
	read := s.markedSlots(f, frame)
	for i, in := range s.out {
		if in.op >= opI32Load && in.op <= opLastLoad && i > 0 && s.out[i-1].op == opLocalGet && s.out[i-1].arg == 1 {
			read[in.off&^7], read[(in.off+7)&^7] = true, true
		}
	}
	gone := newSieve(s)
	for i, in := range gone.code {
		gone.at(i)
		s.out = append(s.out, in)
		if in.op != opI64Store || in.off%8 != 0 || in.off < args || in.off+8 > frame || read[in.off] || s.variables[in.off] {
			continue
		}
		n := len(s.out) - 1
		at := valueStart(s.out, n)
		if at == 0 || s.out[at-1].op != opLocalGet || s.out[at-1].arg != 1 || s.out[at].op == opI64Const && at == n-1 ||
			slices.ContainsFunc(s.out[at:n], func(in ins) bool { return in.op == opLocalTee }) {
			continue
		}
		s.out = s.out[:at-1]
	}
}

// largestArgs gives how much of the frame calls have for their arguments and results. It reports false if that is not known.
func (s *shrinker) largestArgs() (args int64, ok bool) {
	for _, in := range s.out {
		switch {
		case in.op == opIndirect, in.op == opCall && in.arg < int64(s.imports):
			return 0, false
		case in.op == opCall && in.arg < int64(s.first):
			n := s.callees.args[int(in.arg)-s.imports]
			if n < 0 {
				return 0, false
			}
			args = max(args, int64(n))
		}
	}
	return args, true
}

// markedSlots are the words of the frame that stack maps say are pointers.
func (s *shrinker) markedSlots(f *function, frame int64) map[int64]bool {
	marked := map[int64]bool{}
	if len(f.data) <= funcdataLocals || f.data[funcdataLocals] == absent {
		return marked
	}
	d := s.maps[f.data[funcdataLocals]:]
	n, bits := int64(binary.LittleEndian.Uint32(d)), int64(binary.LittleEndian.Uint32(d[4:]))
	for k := range n {
		for b := range bits {
			if d[8+k*((bits+7)/8)+b/8]>>(b%8)&1 != 0 {
				marked[frame-8*bits+8*b] = true
			}
		}
	}
	return marked
}
