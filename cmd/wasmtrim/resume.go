package main

import "slices"

// pcBase is the PC_F of the first function, funcValueOffset in Go's linker.
const pcBase = 0x1000

// renumber gives the PC_Bs of a function new numbers: 2k for where segment k begins, 2k+1 for what is within it. Then the
// dispatch is the same in all functions. Only those segments are told apart that something enters: what others begin with is
// within the one before. A function that has something out of the ordinary keeps its numbers.
func (s *shrinker) renumber(index int, f *function) {
	if s.dispatch < 0 || f.asm() || f.inlIndex != nil {
		return
	}
	entered, ok := s.enteredSegments(index, f)
	if !ok {
		return
	}
	n, ok := s.newNumbering(f, entered)
	if !ok {
		return
	}
	uses, _ := s.uses(int64(pcBase + index))
	pcs := make([]int, len(uses))
	for i, at := range uses {
		if pcs[i], ok = s.renumbered(n, f, at); !ok {
			return
		}
	}
	for i, at := range uses {
		s.out[at].arg += int64(pcs[i]) - s.out[at].arg&0xffff
	}
	if pc := f.deferReturn(); pc != 0 {
		f.setDeferReturn(2*n.place[n.segment(pc)] + 1)
	}
	f.pcsp, f.stackMap = tableOf(n.pcsp), tableOf(n.stackMap)
	s.out[s.dispatch].table = n.dispatch()
	s.dropSegments(entered)
	if s.dispatch >= 0 {
		s.out = slices.Insert(s.out, s.dispatch, ins{op: opI32Const, arg: 1}, ins{op: opI32ShrU})
	}
}

// renumbered gives the new number of a PC_B that is used.
func (s *shrinker) renumbered(n *numbering, f *function, at int) (pc int, ok bool) {
	pc = int(s.out[at].arg & 0xffff)
	k := n.place[n.segment(pc)]
	switch {
	case s.out[at].op == opI32Const: // a jump
		return 2 * k, true
	case s.resumesAt(at):
		if n.starts[k] == pc {
			return 2 * k, true
		}
		return 2*k + 1, n.isLike(f, 2*k+1, pc, false)
	case pc == 0, s.unseenAt(at): // the stack grows, and the function begins anew; or nobody looks
		return 0, true
	}
	return n.likePC(f, pc, s.calledWith(at) == sigpanic)
}

// uses finds the constants that are PC_Bs: in jumps through the dispatch and in return addresses. It reports false if
// there is a constant that may be one.
func (s *shrinker) uses(pcF int64) (at []int, ok bool) {
	for i, in := range s.out {
		switch {
		case i == 0 || i+1 == len(s.out):
		case in.op == opI32Const && s.out[i+1].op == opLocalSet && s.out[i+1].arg == 0:
			at = append(at, i)
		case in.op == opI64Const && in.arg>>16 == pcF:
			next := s.out[i+1]
			pushed := next.op == opCall && next.arg >= s.push()
			stored := next.op == opI64Store && next.off == 0 && i > 1 && s.out[i-1].op == opLocalGet && s.out[i-1].arg == 1 && s.out[i-2].op == opGlobalSet && s.out[i-2].arg == 0
			if !pushed && !stored {
				return nil, false
			}
			at = append(at, i)
		}
	}
	return at, true
}

// numbering is how the PC_Bs of a function were and shall be numbered.
type numbering struct {
	table  []int // the segment of each old PC_B
	place  []int // the new number of each segment: of one that nothing enters, that of the one that it goes into
	starts []int // the old PC_B of the start of each segment that is entered

	pcsp, stackMap []int // the values at each new PC_B
}

func (n *numbering) segment(pc int) int { return n.table[min(pc, len(n.table)-1)] }

// dispatch is the table that leads to the segments.
func (n *numbering) dispatch() (table []int) {
	for k := range n.starts {
		table = append(table, k)
	}
	return table
}

// newNumbering makes the tables by PC of a function anew.
func (s *shrinker) newNumbering(f *function, entered []bool) (*numbering, bool) {
	n := &numbering{table: s.out[s.dispatch].table}
	for pc, k := range n.table {
		if k == len(n.place) {
			if entered[k] {
				n.starts = append(n.starts, pc)
			}
			n.place = append(n.place, len(n.starts)-1)
		} else if k != len(n.place)-1 {
			return nil, false
		}
	}
	if len(n.place) > len(s.blocks) {
		return nil, false
	}
	for k, start := range n.starts {
		end := len(n.table) - 1
		if k+1 < len(n.starts) {
			end = n.starts[k+1] - 1
		}
		n.pcsp = append(n.pcsp, f.pcsp.at(start), f.pcsp.at(end))
		if f.stackMap != nil {
			at := f.stackMap.at(end)
			if k == 0 {
				n.stackMap = append(n.stackMap, f.stackMap.at(0), at)
			} else {
				n.stackMap = append(n.stackMap, at, at)
			}
		}
	}
	top := noValue
	for _, v := range n.pcsp {
		if v == noValue {
			return nil, false
		}
		top = max(top, v)
	}
	if d := f.deferReturn(); d != 0 {
		k := n.place[n.segment(d)]
		if k+1 >= len(n.starts) || n.starts[k+1] != d+1 || n.starts[k] == d {
			return nil, false
		}
	}
	return n, top == f.pcsp.top()
}

// calledWith names the function that is called with a return address, if it is one that does not return.
func (s *shrinker) calledWith(at int) string {
	callee, _ := s.calleeAt(at)
	return s.noReturn[callee]
}

// calleeAt gives the function, or the helper, that is called with a return address.
func (s *shrinker) calleeAt(at int) (callee int64, ok bool) {
	for _, in := range s.out[at+1 : min(at+4, len(s.out))] {
		if in.op == opCall && (in.arg < int64(s.first) || in.arg > s.pushSegment()) {
			return in.arg, in.arg >= int64(s.imports)
		}
	}
	return 0, false
}

// resumesAt reports whether what is called with a return address may return to it by way of the dispatch.
func (s *shrinker) resumesAt(at int) bool {
	callee, ok := s.calleeAt(at)
	if !ok || callee >= int64(s.first) {
		return !ok
	}
	return s.noReturn[callee] == "" && s.callees.resumes[callee-int64(s.imports)]
}

// unseenAt reports whether nobody looks at a return address: what is called with it is on no stack when somebody reads that.
func (s *shrinker) unseenAt(at int) bool {
	callee, ok := s.calleeAt(at)
	return ok && callee < int64(s.first) && !s.callees.unwinds[callee-int64(s.imports)]
}

// likePC finds the first PC_B at which the tables say what they say at one to which nothing returns. It adds one if there is none.
func (n *numbering) likePC(f *function, pc int, isSigpanic bool) (like int, ok bool) {
	for like := 1; like < len(n.pcsp); like++ {
		if n.isLike(f, like, pc, isSigpanic) {
			return like, true
		}
	}
	for range 2 { // the runtime looks stack maps up before a return address
		n.pcsp = append(n.pcsp, f.pcsp.at(pc))
		if n.stackMap != nil {
			n.stackMap = append(n.stackMap, f.stackMap.at(pc-1))
		}
	}
	return len(n.pcsp) - 1, len(n.pcsp) <= lastPC
}

// isLike reports whether the tables say at a new PC_B what they say at an old one. Where a signal would be raised, nobody asks for
// the stack map.
func (n *numbering) isLike(f *function, like, pc int, isSigpanic bool) bool {
	return n.pcsp[like] == f.pcsp.at(pc) && (isSigpanic || n.stackMap == nil || n.stackMap[like-1] == f.stackMap.at(pc-1))
}
