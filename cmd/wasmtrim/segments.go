package main

import "slices"

// enteredSegments says which segments of a function something enters other than from the one before: the first, those in which it
// is resumed, and those that a jump leads to. It reports false where that is not known.
func (s *shrinker) enteredSegments(index int, f *function) (entered []bool, ok bool) {
	entered, ok = s.resumedSegments(index, f)
	if !ok {
		return nil, false
	}
	for i, in := range s.out {
		if in.op == opBrTable && i != s.dispatch {
			return nil, false
		}
	}
	uses, _ := s.uses(int64(pcBase + index))
	table := s.out[s.dispatch].table
	for _, at := range uses {
		if in := s.out[at]; in.op == opI32Const {
			entered[table[min(int(in.arg), len(table)-1)]] = true
		}
	}
	isTarget := branchTargets(s.out)
	for k := range entered {
		if isTarget[s.blockOf(k)] {
			entered[k] = true
		}
	}
	return entered, true
}

// blockOf gives where the block begins that ends where a segment begins.
func (s *shrinker) blockOf(segment int) int { return s.dispatch - 2 - segment }

// branchTargets says of each block and loop whether a branch leads to its end, or to its beginning.
func branchTargets(code []ins) []bool {
	is := make([]bool, len(code))
	var open []int
	for i, in := range code {
		switch in.op {
		case opBlock, opLoop, opIf:
			open = append(open, i)
		case opEnd:
			open = open[:max(0, len(open)-1)]
		case opBr, opBrIf:
			if n := len(open) - 1 - int(in.arg); n >= 0 { // else the function
				is[open[n]] = true
			}
		}
	}
	return is
}

// dropSegments leaves out the blocks of segments that nothing enters, and the dispatch if there is but one that something does.
func (s *shrinker) dropSegments(entered []bool) {
	if countTrue(entered) == 1 {
		s.out = slices.Delete(s.out, s.dispatch-1, s.dispatch+1)
		s.dispatch = -1
	}
	stays := branchTargets(s.out)
	if s.dispatch >= 0 {
		for k, is := range entered {
			stays[s.blockOf(k)] = is
		}
	}
	s.dropBlocks(stays)
}

// dropBlocks leaves out blocks and loops that do not stay, and what follows a jump up to the end of one that does.
func (s *shrinker) dropBlocks(stays []bool) {
	gone := newSieve(s)
	open := []bool{true} // whether the constructs stay that are open, outermost first
	skipped := 0         // behind a jump: how many constructs are open there, and one
	for i, in := range gone.code {
		gone.at(i)
		opens := in.op == opBlock || in.op == opLoop || in.op == opIf
		switch {
		case skipped > 0 && opens:
			skipped++
			continue
		case skipped > 1 && in.op == opEnd:
			skipped--
			continue
		case skipped > 1, skipped == 1 && in.op != opEnd && in.op != opElse:
			continue
		case opens:
			open = append(open, in.op == opIf || in.arg != noResult || stays[i])
			if !open[len(open)-1] {
				continue
			}
		case in.op == opEnd:
			stayed := open[len(open)-1]
			open = open[:len(open)-1]
			if !stayed {
				continue
			}
			skipped = 0
		case in.op == opElse:
			skipped = 0
		case in.op == opBr, in.op == opBrIf:
			in.arg = int64(countTrue(open[len(open)-int(in.arg):]))
		}
		s.out = append(s.out, in)
		switch in.op {
		case opBr, opBrTable, opReturn, opUnreachable:
			skipped = 1
		}
	}
}

// countTrue gives how many are true.
func countTrue(is []bool) (n int) {
	for _, b := range is {
		if b {
			n++
		}
	}
	return n
}
