package main

import (
	"encoding/binary"
	"slices"
	"strings"
)

// callees says what a call of a function may come to.
type callees struct {
	resumes []bool // it may be left by unwinding, and its caller be resumed behind the call
	unwinds []bool // it may be left by unwinding
	args    []int  // how many bytes of its caller's frame are its own; less than 0 where that is not known
}

const (
	barrierName = "runtime.gcWriteBarrier" // how the functions begin that make room for pointers; for how many comes behind it
	flushName   = "runtime.wbBufFlush"     // what they call is a trap if it unwinds
)

// newCallees finds out which functions can be left by unwinding. That is how a goroutine is switched: it is done by functions
// that return 1 of their own accord, and by those that may call one: what they call by address, or the host, which may run other
// goroutines before it returns. Growing the stack unwinds, too. A function that panics unwinds as well, but its caller is not
// resumed behind the call, unless the function has deferred calls: then it may recover and return.
func newCallees(imports int, functions []function, bodies []body, fates []fate) *callees {
	c := &callees{resumes: make([]bool, len(bodies)), unwinds: make([]bool, len(bodies))}
	callers := make([][]int, len(bodies))
	panics := make([]bool, len(bodies))
	for i, b := range bodies {
		f := &functions[i]
		args := int(int32(binary.LittleEndian.Uint32(f.record[8:])))
		if strings.HasPrefix(f.name, barrierName) {
			args = 0 // they take none, and are declared without them
		}
		c.args = append(c.args, args)
		panics[i] = neverReturns[f.name] && f.name != morestack && f.name != morestackNoctxt
		if fates[i] != kept || f.name == flushName {
			continue
		}
		c.resumes[i] = f.name == morestack || f.name == morestackNoctxt || f.deferReturn() != 0
		for j, in := range b.code {
			switch {
			case in.op == opIndirect, in.op == opCall && int(in.arg) < imports,
				in.op == opReturn && j > 0 && b.code[j-1].op == opI32Const && b.code[j-1].arg == 1:
				c.resumes[i] = true
			case in.op == opCall && !trapsIfUnwound(b.code[j+1:]):
				to := int(in.arg) - imports
				callers[to] = append(callers[to], i)
			}
		}
	}
	spread(c.resumes, callers, panics)
	for i := range c.unwinds {
		c.unwinds[i] = c.resumes[i] || panics[i]
	}
	spread(c.unwinds, callers, make([]bool, len(bodies)))
	return c
}

// table gives the functions that are called by their PC_Fs, of those that named says may be called by their addresses: not those
// that trap, and all that are resumed.
func (c *callees) table(named []bool, fates []fate) []bool {
	in := slices.Clone(c.resumes)
	for i, is := range named {
		in[i] = (in[i] || is) && fates[i] != traps
	}
	return in
}

// trapsIfUnwound reports whether a trap follows if the call before unwinds.
func trapsIfUnwound(code []ins) bool {
	return len(code) > 1 && code[0].op == opIf && code[1].op == opUnreachable
}

// spread makes true for all that call a function what is true for it, unless it is left out.
func spread(is []bool, callers [][]int, without []bool) {
	var next []int
	for i, b := range is {
		if b {
			next = append(next, i)
		}
	}
	for len(next) > 0 {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		if without[i] {
			continue
		}
		for _, caller := range callers[i] {
			if !is[caller] {
				is[caller] = true
				next = append(next, caller)
			}
		}
	}
}
