package main

import "slices"

// pcBase is the PC_F of the first function, funcValueOffset in Go's linker.
const pcBase = 0x1000

// renumber gives the PC_Bs of a function new numbers: 2k for where segment k begins, 2k+1 for what is within it. Then the
// dispatch is the same in all functions. A function that has something out of the ordinary keeps its numbers.
func (s *shrinker) renumber(index int, f *function) {
	if s.dispatch < 0 || f.asm() || f.inlIndex != nil {
		return
	}
	n, ok := s.newNumbering(f)
	if !ok {
		return
	}
	uses, ok := s.uses(int64(pcBase + index))
	if !ok {
		return
	}
	for _, at := range uses {
		if pc := int(s.out[at].arg & 0xffff); s.out[at].op == opI64Const && n.starts[n.segment(pc)] != pc &&
			n.pcsp[n.renumbered(pc)] != f.pcsp.at(pc) {
			return
		}
	}
	for _, at := range uses {
		in := &s.out[at]
		if pc := int(in.arg & 0xffff); in.op == opI64Const && s.callee(at) != "" && pc != 0 {
			in.arg += int64(n.likePC(f, pc, s.callee(at))) - in.arg&0xffff
			continue
		}
		in.arg += int64(n.renumbered(int(in.arg&0xffff))) - in.arg&0xffff
	}
	if pc := f.deferReturn(); pc != 0 {
		f.setDeferReturn(2*n.segment(pc) + 1)
	}
	f.pcsp, f.stackMap = tableOf(n.pcsp), tableOf(n.stackMap)
	table := make([]int, len(n.starts))
	for k := range table {
		table[k] = k
	}
	s.out[s.dispatch].table = table
	s.out = slices.Insert(s.out, s.dispatch, ins{op: opI32Const, arg: 1}, ins{op: opI32ShrU})
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
	starts []int // the old PC_B of the start of each segment

	pcsp, stackMap []int // the values at each new PC_B
}

func (n *numbering) segment(pc int) int { return n.table[min(pc, len(n.table)-1)] }

func (n *numbering) renumbered(pc int) int {
	k := n.segment(pc)
	if n.starts[k] == pc {
		return 2 * k
	}
	return 2*k + 1
}

// newNumbering makes the tables by PC of a function anew.
func (s *shrinker) newNumbering(f *function) (*numbering, bool) {
	n := &numbering{table: s.out[s.dispatch].table}
	for pc, k := range n.table {
		if k == len(n.starts) {
			n.starts = append(n.starts, pc)
		} else if k != len(n.starts)-1 {
			return nil, false
		}
	}
	if len(n.starts) > len(s.blocks) {
		return nil, false
	}
	for k, start := range n.starts {
		end := start
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
	if d := f.deferReturn(); d != 0 && (n.segment(d+1) != n.segment(d)+1 || n.starts[n.segment(d+1)] != d+1 || n.starts[n.segment(d)] == d) {
		return nil, false
	}
	return n, top == f.pcsp.top()
}

// callee names the function called with a return address, if it is one that does not return.
func (s *shrinker) callee(at int) string {
	for _, in := range s.out[at+1 : min(at+4, len(s.out))] {
		if in.op == opCall && in.arg < int64(s.first) {
			return s.noReturn[in.arg]
		}
	}
	return ""
}

// likePC finds the first PC_B at which the tables say what they say at one to which nothing returns.
func (n *numbering) likePC(f *function, pc int, callee string) int {
	end := n.renumbered(pc)
	for like := 1; like < end; like++ {
		if n.pcsp[like] == f.pcsp.at(pc) &&
			(callee == sigpanic || n.stackMap == nil || n.stackMap[like-1] == f.stackMap.at(pc-1)) {
			return like
		}
	}
	return end
}
