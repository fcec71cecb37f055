package main

import (
	"slices"
	"strconv"
	"strings"
)

// outlineBarriers lets helpers put pointers into the write barrier's buffer, which leaves the local alone that would hold its
// address.
func (s *shrinker) outlineBarriers(f *flow) {
	live := f.liveness()
	gone := newSieve(s)
	b := 0
	for i := 0; i < len(f.code); i++ {
		for b+1 < len(f.starts) && f.starts[b+1] <= i {
			b++
		}
		gone.at(i)
		n := s.barrierSize(f.code[i])
		if n == 0 {
			s.out = append(s.out, f.code[i])
			continue
		}
		_, end := f.block(b)
		values, buffer, length := barrierValues(f.code[i:end], n)
		if length == 0 || f.liveAt(b, i+length, live)&(1<<buffer) != 0 {
			s.out = append(s.out, f.code[i])
			continue
		}
		s.out = append(append(s.out, values...), ins{op: opCall, arg: s.barrier(f.code[i].arg, n)})
		i += length - 1
	}
}

// barrierSize is how many pointers a call makes room for, if it does that.
func (s *shrinker) barrierSize(in ins) int {
	if in.op != opCall || in.arg < int64(s.imports) || in.arg >= int64(s.first) {
		return 0
	}
	digits, ok := strings.CutPrefix(s.names[in.arg-int64(s.imports)], barrierName)
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(digits)
	return n
}

// barrierValues takes apart what puts n pointers into the buffer: their values, the local with the address, and how many
// instructions that is, or 0 if it looks otherwise.
func barrierValues(code []ins, n int) (values []ins, buffer int64, length int) {
	if len(code) < 5 || code[1].op != opGlobalGet || code[2].op != opLocalSet || code[2].arg != 1 {
		return nil, 0, 0
	}
	at := 3
	for i := range n {
		if at+1 >= len(code) || code[at+1].op != opI32WrapI64 {
			return nil, 0, 0
		}
		switch {
		case i == 0 && code[at].op == opLocalTee && code[at].arg > 1:
			buffer = code[at].arg
		case i > 0 && code[at].op == opLocalGet && code[at].arg == buffer:
		default:
			return nil, 0, 0
		}
		start := at + 2
		end := start
		for end < len(code) && (code[end].op != opI64Store || valueStart(code, end) != start) {
			if end > start+8 {
				return nil, 0, 0
			}
			end++
		}
		if end >= len(code) || code[end].off != int64(8*i) {
			return nil, 0, 0
		}
		value := code[start:end]
		if slices.ContainsFunc(value, func(in ins) bool {
			return in.op == opLocalTee || in.op == opLocalGet && in.arg == buffer
		}) {
			return nil, 0, 0
		}
		values = append(values, value...)
		at = end + 1
	}
	return values, buffer, at
}

// liveAt gives the locals that are read before they are set, from within a block.
func (f *flow) liveAt(b, at int, live []uint64) uint64 {
	now := f.liveBehind(b, live)
	_, end := f.block(b)
	for i := end - 1; i >= at; i-- {
		now = f.code[i].liveBefore(now)
	}
	return now
}
