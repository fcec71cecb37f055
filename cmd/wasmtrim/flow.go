package main

import "slices"

// flow is how control goes through a function: its instructions in blocks, and which blocks follow one.
type flow struct {
	code    []ins
	starts  []int   // where each block begins
	next    [][]int // the blocks that may follow each
	segment []int   // where each segment begins
}

// label is a construct that is open: a branch to it goes to its end, of a loop to its beginning.
type label struct {
	loop   bool
	target int
}

// newFlow reads the structure of a function that has a dispatch. Of the segments that the dispatch leads to it takes those for
// true that resumed says; a jump that goes through the dispatch leads where it goes. It gives nil for a function in which it is
// not known where a jump goes.
func (s *shrinker) newFlow(resumed []bool) *flow {
	f := &flow{code: s.out}
	ends := constructEnds(f.code)
	goesTo := make([][]int, len(f.code))
	labels := []label{{target: len(f.code)}}
	leaders := []int{0}
	dispatchLoop := -1
	for i, in := range f.code {
		to := func(depth int64) label { return labels[len(labels)-1-int(depth)] }
		switch in.op {
		case opBlock, opIf:
			labels = append(labels, label{target: ends[i]})
			if in.op == opIf {
				goesTo[i] = []int{i + 1, ends[i]}
				if e := ends[i] - 1; f.code[e].op == opElse {
					goesTo[i][1], labels[len(labels)-1].target = e+1, ends[e]
				}
			}
		case opLoop:
			labels = append(labels, label{loop: true, target: i})
			if len(labels)-1 == s.loop && i < s.dispatch {
				dispatchLoop = i
			}
		case opElse:
			goesTo[i] = []int{ends[i]}
		case opEnd:
			labels = labels[:len(labels)-1]
		case opReturn, opUnreachable:
			goesTo[i] = []int{}
		case opBr, opBrIf:
			target := to(in.arg).target
			if l := to(in.arg); l.loop && target == dispatchLoop {
				if target = s.dispatched(f, i); target < 0 {
					return nil
				}
			}
			goesTo[i] = []int{target}
			if in.op == opBrIf {
				goesTo[i] = append(goesTo[i], i+1)
			}
		case opBrTable:
			if i != s.dispatch {
				return nil
			}
			for depth := range s.blocks {
				f.segment = append(f.segment, to(int64(depth)).target)
			}
			goesTo[i] = []int{}
			for k, is := range resumed {
				if is {
					goesTo[i] = append(goesTo[i], f.segment[k])
				}
			}
		}
		if goesTo[i] != nil {
			leaders = append(append(leaders, i+1), goesTo[i]...)
		}
	}
	f.cut(leaders, goesTo)
	return f
}

// dispatched gives where a jump through the dispatch leads, or -1.
func (s *shrinker) dispatched(f *flow, i int) int {
	if i < 2 || f.code[i-2].op != opI32Const || f.code[i-1].op != opLocalSet || f.code[i-1].arg != 0 || f.segment == nil {
		return -1
	}
	table := s.out[s.dispatch].table
	return f.segment[table[min(int(f.code[i-2].arg), len(table)-1)]]
}

// cut makes blocks that begin at places, and says which follow one: where its last instruction goes.
func (f *flow) cut(leaders []int, goesTo [][]int) {
	slices.Sort(leaders)
	f.starts = slices.Compact(leaders)
	if last := len(f.starts) - 1; f.starts[last] == len(f.code) {
		f.starts = f.starts[:last]
	}
	for b := range f.starts {
		_, end := f.block(b)
		to := goesTo[end-1]
		if to == nil {
			to = []int{end}
		}
		var next []int
		for _, at := range to {
			if n, ok := slices.BinarySearch(f.starts, at); ok {
				next = append(next, n)
			}
		}
		f.next = append(f.next, next)
	}
}

// block gives where a block begins and ends.
func (f *flow) block(b int) (start, end int) {
	if b+1 < len(f.starts) {
		return f.starts[b], f.starts[b+1]
	}
	return f.starts[b], len(f.code)
}

// constructEnds gives for each block and loop what is behind its end, for each if what is behind its else, or its end, and for
// each else what is behind its end.
func constructEnds(code []ins) []int {
	ends := make([]int, len(code))
	var open []int
	for i, in := range code {
		switch in.op {
		case opBlock, opLoop, opIf:
			open = append(open, i)
		case opElse:
			ends[open[len(open)-1]] = i + 1
			open[len(open)-1] = i
		case opEnd:
			if len(open) > 0 {
				ends[open[len(open)-1]] = i + 1
				open = open[:len(open)-1]
			}
		}
	}
	return ends
}
