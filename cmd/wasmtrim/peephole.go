package main

// shrinker writes the instructions of one function, shortening what is behind it as it goes.
type shrinker struct {
	*helpers
	out    []ins
	labels []int // the blocks that are open, outermost first, numbered as they begin
	opened int

	// variables are the words of the frame that are reached through their addresses.
	variables map[int64]bool

	// The dispatch, once it was seen.
	dispatch int   // where br_table stands in out, or -1
	blocks   []int // the blocks that br_table leaves, by depth
	loop     int   // the position in labels of the loop around it, or -1
}

func newShrinker(h *helpers) *shrinker {
	return &shrinker{helpers: h, labels: []int{0}, variables: map[int64]bool{}, dispatch: -1, loop: -1}
}

// add writes one more instruction.
func (s *shrinker) add(in ins) {
	switch in.op {
	case opNop:
		return
	case opBlock, opLoop, opIf:
		s.opened++
		s.labels = append(s.labels, s.opened)
	case opEnd:
		s.labels = s.labels[:len(s.labels)-1]
	case opBrTable:
		s.noteDispatch()
	}
	s.out = append(s.out, in)
	if in.op == opBr {
		s.thread()
	}
	for s.reduce() {
	}
}

// noteDispatch recognizes what a function begins with: perhaps a loop, then blocks, then a jump by the PC_B.
func (s *shrinker) noteDispatch() {
	n := len(s.out) - 1
	if s.dispatch >= 0 || n < 0 || s.out[n].op != opLocalGet || s.out[n].arg != 0 {
		return
	}
	s.dispatch = n + 1
	i := len(s.labels) - 1
	for n--; n >= 0 && s.out[n].op == opBlock; n-- {
		s.blocks = append(s.blocks, s.labels[i])
		i--
	}
	if n >= 0 && s.out[n].op == opLoop {
		s.loop = i
	}
}

// tail gives the last instructions if they are these.
func (s *shrinker) tail(ops ...byte) []ins {
	if len(s.out) < len(ops) {
		return nil
	}
	if t := s.out[len(s.out)-len(ops):]; matches(t, ops...) {
		return t
	}
	return nil
}

// matches reports whether instructions are these.
func matches(code []ins, ops ...byte) bool {
	if len(code) != len(ops) {
		return false
	}
	for i, op := range ops {
		if code[i].op != op {
			return false
		}
	}
	return true
}

// replace writes other instructions instead of the last n.
func (s *shrinker) replace(n int, with ...ins) bool {
	s.out = append(s.out[:len(s.out)-n], with...)
	return true
}

// depth is how far out of the open blocks one is.
func (s *shrinker) depth(position int) int64 { return int64(len(s.labels) - 1 - position) }

// thread makes a jump that goes through the dispatch, to a place further on, a jump to that place.
func (s *shrinker) thread() {
	t := s.tail(opI32Const, opLocalSet, opBr)
	if len(t) == 0 || s.loop < 0 || t[1].arg != 0 || t[2].arg != s.depth(s.loop) {
		return
	}
	table := s.out[s.dispatch].table
	target := table[min(int(t[0].arg), len(table)-1)]
	if target >= len(s.blocks) {
		return
	}
	for i, label := range s.labels {
		if label == s.blocks[target] {
			s.replace(3, ins{op: opBr, arg: s.depth(i)})
			return
		}
	}
}

// inverse gives for a comparison of integers the one that is true when it is false.
var inverse = map[byte]byte{
	0x46: 0x47, 0x47: 0x46, 0x48: 0x4e, 0x4e: 0x48, 0x49: 0x4f, 0x4f: 0x49, 0x4a: 0x4c, 0x4c: 0x4a, 0x4b: 0x4d, 0x4d: 0x4b,
	0x51: 0x52, 0x52: 0x51, 0x53: 0x59, 0x59: 0x53, 0x54: 0x5a, 0x5a: 0x54, 0x55: 0x57, 0x57: 0x55, 0x56: 0x58, 0x58: 0x56,
}

// reduce shortens the end of what was written by one rule, and reports whether it did.
func (s *shrinker) reduce() bool {
	switch s.out[len(s.out)-1].op {
	case opI32WrapI64, opI64Eqz, opI32Eqz, opIf, opLocalGet:
		return s.reduceValue()
	case opBrIf:
		return s.reduceUnwind()
	case opEnd:
		return s.reduceBranch()
	case opCall:
		return s.reduceCall()
	case opGlobalSet:
		return s.reduceFrame() || s.reduceEntry()
	}
	return s.reduceAddress()
}

func (s *shrinker) reduceValue() bool {
	if t := s.tail(opExtendU, opI32WrapI64); t != nil {
		s.replace(2)
		if n := len(s.out); n > 0 && s.out[n-1].op == opLocalGet && s.out[n-1].arg == 1 {
			s.out[n-1].variable = true // the compiler makes a pointer of the stack pointer for variables alone
		}
		return true
	}
	if t := s.tail(opExtendS, opI32WrapI64); t != nil {
		return s.replace(2)
	}
	if t := s.tail(opExtendU, opI64Const, opI64Add, opI32WrapI64); t != nil {
		return s.replace(4, ins{op: opI32Const, arg: int64(int32(t[1].arg))}, ins{op: opI32Add})
	}
	if t := s.tail(opExtendU, opI64Eqz); t != nil {
		return s.replace(2, ins{op: opI32Eqz})
	}
	if t := s.tail(opI32Eqz, opI32Eqz, opIf); t != nil {
		return s.replace(3, t[2])
	}
	if n := len(s.out); n > 1 && s.out[n-1].op == opI32Eqz && inverse[s.out[n-2].op] != 0 {
		return s.replace(2, ins{op: inverse[s.out[n-2].op]})
	}
	if t := s.tail(opI32Eqz, opI32Eqz); len(t) > 0 && len(s.out) > 2 {
		if before := s.out[len(s.out)-3].op; before >= opI32Eqz && before <= opLastCompare {
			return s.replace(2)
		}
	}
	// What is loaded from the frame, and what is a pointer to it, is told by a local.get of the stack pointer: those stay.
	if t := s.tail(opLocalSet, opLocalGet); len(t) > 0 && t[0].arg == t[1].arg && t[0].arg != 1 {
		return s.replace(2, ins{op: opLocalTee, arg: t[0].arg})
	}
	return false
}

// reduceBranch makes a conditional jump of a condition around a jump.
func (s *shrinker) reduceBranch() bool {
	if t := s.tail(opIf, opBr, opEnd); len(t) > 0 && t[1].arg > 0 {
		return s.replace(3, ins{op: opBrIf, arg: t[1].arg - 1})
	}
	if t := s.tail(opIf, opI32Const, opLocalSet, opBr, opEnd); len(t) > 0 && s.loop >= 0 &&
		t[2].arg == 0 && t[3].arg-1 == s.depth(s.loop) {
		return s.replace(5, t[1], t[2], ins{op: opBrIf, arg: t[3].arg - 1})
	}
	if t := s.tail(opLocalGet, opGlobalGet, opI32WrapI64, opI32Load, opI32LeU, opIf,
		opLocalGet, opI64Const, opCall, opCall, opReturn, opEnd); len(t) > 0 &&
		t[0].arg == 1 && t[1].arg == 2 && t[3].off == 16 && t[6].arg == 1 && t[8].arg == s.push() {
		return s.replace(12, t[6], t[7], ins{op: opCall, arg: s.check(t[9].arg)},
			ins{op: opIf, arg: noResult}, ins{op: opI32Const, arg: 1}, t[10], t[11])
	}
	return false
}

// reduceUnwind returns where it stands.
func (s *shrinker) reduceUnwind() bool {
	t := s.tail(opGlobalGet, opLocalSet, opBrIf)
	if len(t) == 0 || t[0].arg != 0 || t[1].arg != 1 || s.dispatch < 0 || t[2].arg != s.depth(1) {
		return false
	}
	if n := len(s.out) - 4; n >= 0 && s.out[n].op == opCall && s.noReturn[s.out[n].arg] != "" {
		return s.replace(3, ins{op: opReturn})
	}
	return s.replace(1, ins{op: opIf, arg: noResult}, ins{op: opI32Const, arg: 1}, ins{op: opReturn}, ins{op: opEnd})
}

// stackSmall is how much of a frame the check of the stack leaves out of account.
const stackSmall = 128

// reduceEntry makes room for a large frame where the stack is checked.
func (s *shrinker) reduceEntry() bool {
	t := s.tail(opLocalGet, opGlobalGet, opI32WrapI64, opI32Load, opI32Const, opI32Add, opI32LeU, opIf,
		opLocalGet, opI64Const, opCall, opCall, opReturn, opEnd, opLocalGet, opI32Const, opI32Sub, opLocalTee, opGlobalSet)
	if len(t) == 0 || t[0].arg != 1 || t[1].arg != 2 || t[3].off != 16 || t[8].arg != 1 || t[10].arg != s.push() ||
		t[14].arg != 1 || t[17].arg != 1 || t[18].arg != 0 || t[15].arg != t[4].arg+stackSmall {
		return false
	}
	return s.replace(19, t[15], t[8], t[9], ins{op: opCall, arg: s.enter(t[11].arg)},
		ins{op: opIf, arg: noResult}, ins{op: opI32Const, arg: 1}, t[12], t[13], ins{op: opGlobalGet}, ins{op: opLocalSet, arg: 1})
}

func (s *shrinker) reduceCall() bool {
	t := s.tail(opLocalGet, opI32Const, opI32Sub, opLocalTee, opGlobalSet, opLocalGet, opI64Const, opI64Store, opI32Const, opCall)
	if len(t) == 0 || t[0].arg != 1 || t[3].arg != 1 || t[5].arg != 1 || t[1].arg != 8 || t[4].arg != 0 || t[7].off != 0 || t[8].arg != 0 {
		return false
	}
	return s.replace(10, t[0], t[6], ins{op: opCall, arg: s.push()}, t[9])
}

func (s *shrinker) reduceFrame() bool {
	t := s.tail(opLocalGet, opI32Const, opI32Add, opLocalTee, opGlobalSet, opLocalGet, opI32Const, opI32Add, opLocalTee, opGlobalSet)
	if len(t) == 0 || t[0].arg != 1 || t[3].arg != 1 || t[4].arg != 0 || t[5].arg != 1 || t[8].arg != 1 || t[9].arg != 0 {
		return false
	}
	return s.replace(10, t[0], ins{op: opI32Const, arg: t[1].arg + t[6].arg}, t[7], t[8], t[9])
}

// reduceAddress moves what is added to the stack pointer into the load or store, and notes where variables are. Nothing is added for
// the one that the frame begins with, if there is no room for arguments before it.
func (s *shrinker) reduceAddress() bool {
	n := len(s.out) - 1
	access := &s.out[n]
	at := n
	switch {
	case access.op >= opI32Load && access.op <= opLastLoad:
	case access.op > opLastLoad && access.op <= opLastStore:
		at = s.valueStart(n)
	default:
		return false
	}
	if at > 0 && s.out[at-1].variable {
		s.variables[access.off] = true
	}
	if at < 3 {
		return false
	}
	t := s.out[at-3 : at]
	if t[0].op != opLocalGet || t[0].arg != 1 || t[1].op != opI32Const || t[1].arg < 0 || t[2].op != opI32Add {
		return false
	}
	access.off += t[1].arg
	s.variables[access.off] = true
	s.out = append(s.out[:at-2], s.out[at:]...)
	return true
}

// valueStart gives where the instructions begin that make the value on top of the stack before an instruction, or 0.
func (s *shrinker) valueStart(end int) int { return valueStart(s.out, end) }

func valueStart(code []ins, end int) int {
	for at, missing := end, 1; at > 0; {
		at--
		switch op := code[at].op; {
		case op == opLocalGet, op == opGlobalGet, op == opI32Const, op == opI64Const, op == opF32Const, op == opF64Const:
			missing--
		case op == opLocalTee, op >= opI32Load && op <= opLastLoad, op == opI32Eqz, op == opI64Eqz, op >= opI32WrapI64 && op <= opLastPlain:
		case op > opI64Eqz && op <= opLastCompare, op > opI32Eqz && op < opI64Eqz, op >= opI32Add && op <= 0x78, op >= opI64Add && op <= 0x8a:
			missing++
		default:
			return 0
		}
		if missing == 0 {
			return at
		}
	}
	return 0
}
