package main

import "slices"

// maxLocals is how many locals a function may have, that a word has a bit for each.
const maxLocals = 64

// liveness says which locals are read before they are set, from where each block begins.
func (f *flow) liveness() []uint64 {
	live := make([]uint64, len(f.starts))
	for changed := true; changed; {
		changed = false
		for b := len(f.starts) - 1; b >= 0; b-- {
			now := f.liveBehind(b, live)
			start, end := f.block(b)
			for i := end - 1; i >= start; i-- {
				now = f.code[i].liveBefore(now)
			}
			if now != live[b] {
				live[b], changed = now, true
			}
		}
	}
	return live
}

// liveBehind gives those locals from where a block ends.
func (f *flow) liveBehind(b int, live []uint64) (now uint64) {
	for _, next := range f.next[b] {
		now |= live[next]
	}
	return now
}

// liveBefore gives the locals that are read from before an instruction on, of those from behind it on.
func (in ins) liveBefore(now uint64) uint64 {
	switch in.op {
	case opLocalGet:
		return now | 1<<in.arg
	case opLocalSet, opLocalTee:
		return now &^ (1 << in.arg)
	}
	return now
}

// dropDead leaves out what is put into locals that nothing reads any more. What is loaded for them has no other effect: Go tests
// pointers before it uses them.
func (s *shrinker) dropDead(f *flow) {
	live := f.liveness()
	unused := make([]bool, len(f.code))
	for b := range f.starts {
		now := f.liveBehind(b, live)
		start, end := f.block(b)
		for i := end - 1; i >= start; i-- {
			if unused[i] {
				continue
			}
			from := f.unusedFrom(i, now)
			if from < 0 {
				now = f.code[i].liveBefore(now)
				continue
			}
			for k := from; k <= i; k++ {
				unused[k] = true
			}
		}
	}
	gone := newSieve(s)
	for i, in := range f.code {
		gone.at(i)
		if !unused[i] {
			s.out = append(s.out, in)
		}
	}
}

// unusedFrom gives where the instructions begin that put something into a local for nothing, or -1: one that leaves its value on
// the stack goes alone, another one with what makes the value.
func (f *flow) unusedFrom(i int, live uint64) int {
	in := f.code[i]
	if in.op != opLocalSet && in.op != opLocalTee || in.arg <= 1 || live&(1<<in.arg) != 0 {
		return -1
	}
	if in.op == opLocalTee {
		return i
	}
	from := valueStart(f.code, i)
	if from == 0 || slices.ContainsFunc(f.code[from:i], func(in ins) bool { return in.op == opLocalTee }) {
		return -1
	}
	return from
}

// countOf is how many locals declarations have, the parameter with them.
func countOf(locals []byte) int {
	r, n := &reader{data: locals}, 1
	for groups := r.u32(); groups > 0 && r.err == nil; groups-- {
		n += r.u32()
		r.byte()
	}
	return n
}
