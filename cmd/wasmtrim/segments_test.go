package main

import (
	"reflect"
	"slices"
	"testing"
)

// TestSegmentsThatNothingEntersGo renumbers a function of three segments, which calls something at the end of the first and of the
// second.
func TestSegmentsThatNothingEntersGo(t *testing.T) {
	const resumed, panics, quiet = 0, 1, 2 // callees: one that may be resumed, one that may only panic, and one that is never left
	sp, one := ins{op: opLocalGet, arg: 1}, ins{op: opI32Const, arg: 1}
	end, block, ret := ins{op: opEnd}, ins{op: opBlock, arg: noResult}, ins{op: opReturn}
	h := &helpers{first: 3, callees: &callees{resumes: []bool{true, false, false}, unwinds: []bool{true, true, false}}}
	call := func(callee int64, pc int64) []ins {
		return words(sp, ins{op: opI64Const, arg: pcBase<<16 + pc}, ins{op: opCall, arg: h.push()}, ins{op: opCall, arg: callee},
			ins{op: opIf, arg: noResult}, one, ret, end)
	}
	dispatch := func(table ...int) []ins {
		return words(ins{op: opLocalGet}, one, ins{op: opI32ShrU}, ins{op: opBrTable, table: table}, end)
	}
	last := words(ins{op: opI32Const}, ret, end)
	for name, c := range map[string]struct {
		first, second int64
		maps          []int // by PC_B
		jump          []ins // in the first segment
		want          []ins
		wantMaps      []int
	}{
		"both are resumed": {
			resumed, resumed,
			[]int{5, 6, 7},
			nil,
			slices.Concat(words(block, block, block), dispatch(0, 1, 2), call(resumed, 2), words(end), call(resumed, 4), words(end), last),
			[]int{5, 5, 6, 6, 7, 7},
		},
		"the second is": {
			panics, resumed,
			[]int{5, 6, 7},
			nil,
			slices.Concat(words(block, block), dispatch(0, 1), call(panics, 1), call(resumed, 2), words(end), last),
			[]int{5, 6, 7, 7},
		},
		"none is, and something else is live at the second": {
			panics, panics,
			[]int{5, 6, 5},
			nil,
			slices.Concat(call(panics, 1), call(panics, 3), last),
			[]int{5, 5, 6, 6},
		},
		"the second is, where the same is live": {
			panics, resumed,
			[]int{5, 5, 7},
			nil,
			slices.Concat(words(block, block), dispatch(0, 1), call(panics, 1), call(resumed, 2), words(end), last),
			[]int{5, 5, 7, 7},
		},
		"the first is": {
			resumed, panics,
			[]int{5, 5, 5},
			nil,
			slices.Concat(words(block, block), dispatch(0, 1), call(resumed, 2), words(end), call(panics, 1), last),
			[]int{5, 5, 5, 5},
		},
		"none is": {
			panics, panics,
			[]int{5, 5, 5},
			nil,
			slices.Concat(call(panics, 1), call(panics, 1), last),
			[]int{5, 5},
		},
		"none is, and nobody looks at where the second returns": {
			panics, quiet,
			[]int{5, 6, 5},
			nil,
			slices.Concat(call(panics, 1), call(quiet, 0), last),
			[]int{5, 5},
		},
		"none is, and a jump leads to the third": {
			panics, panics,
			[]int{5, 5, 5},
			words(ins{op: opLocalGet, arg: 3}, ins{op: opBrIf, arg: 1}),
			slices.Concat(words(block, block), dispatch(0, 1), words(ins{op: opLocalGet, arg: 3}, ins{op: opBrIf, arg: 0}), call(panics, 1), call(panics, 1), words(end), last),
			[]int{5, 5, 5, 5},
		},
	} {
		s := newShrinker(h)
		for _, in := range slices.Concat(
			words(block, block, block, ins{op: opLocalGet}, ins{op: opBrTable, table: []int{0, 1, 2}}, end),
			c.jump, call(c.first, 1), words(end), call(c.second, 2), words(end), last,
		) {
			s.add(in)
		}
		f := &function{record: make([]byte, recordSize), pcsp: tableOf([]int{8, 8, 8}), stackMap: tableOf(c.maps)}
		s.renumber(0, f)
		if !reflect.DeepEqual(s.out, c.want) {
			t.Errorf("%s: left\n%v, want\n%v", name, s.out, c.want)
		}
		for pc, want := range c.wantMaps {
			if got := f.stackMap.at(pc); got != want {
				t.Errorf("%s: the stack map at %d is %d, want %d", name, pc, got, want)
			}
		}
	}
}

func TestWhatFollowsAJumpGoes(t *testing.T) {
	end, block, ret, trap := ins{op: opEnd}, ins{op: opBlock, arg: noResult}, ins{op: opReturn}, ins{op: opUnreachable}
	zero, one := ins{op: opI32Const}, ins{op: opI32Const, arg: 1}
	test := ins{op: opIf, arg: noResult}
	for name, c := range map[string]struct{ code, want []ins }{
		"up to the end of a function": {words(block, zero, ret, trap, end, one, end), words(zero, ret, end)},
		"up to the end of a block": {
			words(block, zero, ins{op: opBrIf}, zero, ret, trap, end, one, end), words(block, zero, ins{op: opBrIf}, zero, ret, end, one, end),
		},
		"blocks in it, too":      {words(zero, ret, block, zero, ins{op: opBrIf}, end, end), words(zero, ret, end)},
		"not behind a condition": {words(zero, test, zero, ret, trap, end, one, end), words(zero, test, zero, ret, end, one, end)},
		"nor where it does not hold": {
			words(zero, test, zero, ret, trap, ins{op: opElse}, trap, end, one, end), words(zero, test, zero, ret, ins{op: opElse}, trap, end, one, end),
		},
		"a loop that is not repeated": {words(block, ins{op: opLoop, arg: noResult}, zero, ins{op: opBrIf, arg: 1}, end, end, one, end), words(block, zero, ins{op: opBrIf}, end, one, end)},
	} {
		s := newShrinker(&helpers{})
		s.out = c.code
		s.dropBlocks(branchTargets(s.out))
		if !reflect.DeepEqual(s.out, c.want) {
			t.Errorf("%s: left %v, want %v", name, s.out, c.want)
		}
	}
}
