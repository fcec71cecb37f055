package main

import (
	"encoding/binary"
	"slices"
)

// functionLocal is the local in which a function keeps its PC_F, less pcBase, once its return addresses are made of it. The
// PC_B and the stack pointer come before it.
const functionLocal = 2

// addresses makes the return addresses of a function of its PC_F, held in a local, and a PC_B: then the code around a call
// is the same in all functions but for the PC_B.
func (s *shrinker) addresses(index int, f *function, locals []byte) ([]byte, error) {
	own := []ins{{op: opLocalGet, arg: functionLocal}}
	more, hold := oneMore(locals)
	hold = hold && !f.asm() // the locals of assembly are its own matter
	if !hold {
		own[0] = ins{op: opI32Const, arg: int64(index)}
	}
	code := make([]ins, 0, len(s.out))
	for i := range s.out {
		in := s.out[i]
		if hold && in.op >= opLocalGet && in.op <= opLocalTee && in.arg >= functionLocal {
			in.arg++
		}
		code = append(code, in)
		n := len(code)
		pcB := func(at ins) (int64, bool) {
			return at.arg & 0xffff, at.op == opI64Const && at.arg>>16 == int64(pcBase+index)
		}
		switch in.op {
		case opCall:
			if in.arg < s.push() || s.quiet[in.arg] {
				continue
			}
			pc, ok := pcB(code[n-2])
			if !ok || code[n-3].op != opLocalGet || code[n-3].arg != 1 {
				return nil, shapef("a return address that is not one of function %d", index)
			}
			if in.arg == s.push() {
				if pc%2 == 0 {
					pc, in.arg = pc/2, s.pushSegment()
				}
				rest, values, _, words := s.takeArguments(code[:n-3], 0)
				if words > 0 {
					in.arg = s.pushWith(words, in.arg)
				}
				code = append(append(append(rest, values...), own...), ins{op: opI32Const, arg: pc}, in)
				continue
			}
			if pc != 0 {
				return nil, shapef("function %d grows the stack at %d", index, pc)
			}
			code = append(append(code[:n-3], own...), in)
		case opReturn:
			code = s.takeResults(code)
		case opIndirect:
			t := code[max(0, n-15):]
			if !matches(t, opLocalGet, opI32Const, opI32Sub, opLocalTee, opGlobalSet, opLocalGet, opI64Const, opI64Store,
				opI64Const, opI64ShrU, opI32WrapI64, opLocalSet, opI32Const, opLocalGet, opIndirect) {
				continue
			}
			pc, ok := pcB(t[6])
			if !ok || t[0].arg != 1 || t[1].arg != 8 || t[3].arg != 1 || t[4].arg != 0 || t[5].arg != 1 || t[7].off != 0 ||
				t[8].arg != 16 || t[11].arg != 0 || t[12].arg != 0 || t[13].arg != 0 {
				continue
			}
			code = append(append(code[:n-15], own...), ins{op: opI32Const, arg: pc}, ins{op: opCall, arg: s.closure()})
		}
	}
	if hold {
		locals = more
	}
	if hold && slices.ContainsFunc(code, func(in ins) bool { return in.op == opLocalGet && in.arg == functionLocal }) {
		code = append([]ins{{op: opI32Const, arg: int64(index)}, {op: opLocalSet, arg: functionLocal}}, code...)
	}
	s.out = code
	return locals, nil
}

// oneMore adds an i32 to declarations of locals that begin with a group of them.
func oneMore(locals []byte) ([]byte, bool) {
	r := &reader{data: locals}
	groups, n, kind := r.u32(), r.u32(), r.byte()
	if r.err != nil || kind != typeI32 {
		return nil, false
	}
	out := binary.AppendUvarint(nil, uint64(groups))
	out = append(binary.AppendUvarint(out, uint64(n+1)), kind)
	return append(out, locals[r.pos:]...), true
}

// evenLocals declares 8 or 16 words where there are fewer: then most functions begin alike.
func evenLocals(locals []byte) []byte {
	r := &reader{data: locals}
	if groups := r.u32(); groups != 2 {
		return locals
	}
	n, kind, words, second := r.u32(), r.byte(), r.u32(), r.byte()
	if r.err != nil || r.more() || kind != typeI32 || second != typeI64 || words > 16 {
		return locals
	}
	return []byte{2, byte(n), typeI32, byte((words + 7) &^ 7), typeI64}
}
