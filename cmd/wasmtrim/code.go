package main

import (
	"encoding/binary"
)

// The codes of the instructions that are looked at.
const (
	opUnreachable = 0x00
	opNop         = 0x01
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opBr          = 0x0c
	opBrIf        = 0x0d
	opBrTable     = 0x0e
	opReturn      = 0x0f
	opCall        = 0x10
	opIndirect    = 0x11
	opDrop        = 0x1a
	opSelect      = 0x1b
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLocalTee    = 0x22
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opI32Load     = 0x28
	opI64Load     = 0x29
	opLoadByte    = 0x2d
	opLoadHalf    = 0x2f
	opLastLoad    = 0x35
	opI32Store    = 0x36
	opI64Store    = 0x37
	opStoreByte   = 0x3a
	opStoreHalf   = 0x3b
	opLastStore   = 0x3e
	opMemorySize  = 0x3f
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opF32Const    = 0x43
	opF64Const    = 0x44
	opI32Eqz      = 0x45
	opI32Eq       = 0x46
	opI32LtU      = 0x49
	opI32LeU      = 0x4d
	opI64Eqz      = 0x50
	opI64Eq       = 0x51
	opI64Ne       = 0x52
	opLastCompare = 0x66
	opI32Add      = 0x6a
	opI32Sub      = 0x6b
	opI32Mul      = 0x6c
	opI32DivU     = 0x6e
	opI32And      = 0x71
	opI32Shl      = 0x74
	opI32ShrU     = 0x76
	opI64Add      = 0x7c
	opI64ShrU     = 0x88
	opI32WrapI64  = 0xa7
	opExtendS     = 0xac // i64.extend_i32_s
	opExtendU     = 0xad // i64.extend_i32_u
	opLastPlain   = 0xc4
	opMisc        = 0xfc // saturating conversions, and copying and filling of memory
)

// typeI32 is the type of numbers of 32 bits.
const typeI32 = 0x7f

// typeI64 is the type of words.
const typeI64 = 0x7e

// noResult is the type of a block that leaves nothing on the stack.
const noResult = 0x40

// ins is one instruction.
type ins struct {
	op    byte
	arg   int64  // the first immediate: an index, a depth, a constant, a type or an alignment
	off   int64  // of loads and stores
	raw   []byte // the immediates of all others
	table []int  // of br_table; the default is the last

	variable bool // of local.get: it is the address of a variable, where the frame begins
}

// ins reads an instruction. One that Go does not write is an error.
func (r *reader) ins() ins {
	in := ins{op: r.byte()}
	start := r.pos
	switch op := in.op; {
	case op == opBlock, op == opLoop, op == opIf:
		in.arg = int64(r.byte())
	case hasIndex(op):
		in.arg = int64(r.u32())
	case op == opBrTable:
		for n := r.u32() + 1; n > 0 && r.err == nil; n-- {
			in.table = append(in.table, r.u32())
		}
	case op == opIndirect:
		in.arg = int64(r.u32())
		in.off = int64(r.u32())
	case op >= opI32Load && op <= opLastStore:
		in.arg = int64(r.u32())
		in.off = int64(r.u32())
	case op == opI32Const, op == opI64Const:
		in.arg = r.s64()
	case op == opMemorySize, op == opMemoryGrow:
		in.raw = r.bytes(1)
	case op == opF32Const:
		in.raw = r.bytes(4)
	case op == opF64Const:
		in.raw = r.bytes(8)
	case op == opMisc:
		switch sub := r.byte(); {
		case sub == 10: // memory.copy
			r.bytes(2)
		case sub == 11: // memory.fill
			r.bytes(1)
		case sub > 7:
			r.fail()
		}
		in.raw = r.data[start:r.pos]
	case op > opLastPlain, op > opElse && op < opEnd, op > opIndirect && op < 0x1a, op > 0x1b && op < opLocalGet:
		r.fail()
	}
	return in
}

func hasIndex(op byte) bool {
	return op == opBr || op == opBrIf || op == opCall || op >= opLocalGet && op <= opGlobalSet
}

// append writes an instruction.
func (in ins) append(out []byte) []byte {
	out = append(out, in.op)
	switch op := in.op; {
	case op == opBlock, op == opLoop, op == opIf:
		out = append(out, byte(in.arg))
	case hasIndex(op):
		out = binary.AppendUvarint(out, uint64(in.arg))
	case op == opBrTable:
		out = binary.AppendUvarint(out, uint64(len(in.table)-1))
		for _, depth := range in.table {
			out = binary.AppendUvarint(out, uint64(depth))
		}
	case op == opI32Const, op == opI64Const:
		out = appendS64(out, in.arg)
	case op == opIndirect, op >= opI32Load && op <= opLastStore:
		out = binary.AppendUvarint(out, uint64(in.arg))
		out = binary.AppendUvarint(out, uint64(in.off))
	default:
		out = append(out, in.raw...)
	}
	return out
}

// pruneRounds is how often types are dropped that functions no longer lead to, and functions that types no longer do.
const pruneRounds = 2

// shrinkCode rewrites the bodies of all functions, and makes helpers for them.
func shrinkCode(m *module, t *symtab) ([]body, *helpers, error) {
	code, err := m.section(sectionCode)
	if err != nil {
		return nil, nil, err
	}
	h, err := newHelpers(m, t.functions)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{data: code.body}
	n := r.u32()
	if n != len(t.functions) {
		return nil, nil, shapef("%d functions, and %d in the table of functions", n, len(t.functions))
	}
	bodies := make([]body, n)
	for i := range bodies {
		if bodies[i], err = readBody(r.bytes(r.u32())); err != nil {
			return nil, nil, err
		}
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	g, err := newCallGraph(m, t, bodies)
	if err != nil {
		return nil, nil, err
	}
	if err := g.check(); err != nil {
		return nil, nil, err
	}
	dropped := dropMethods(t)
	dropLinks(t, g)
	g.readData(t)
	fates := g.prune()
	types := newTypeGraph(t)
	for range pruneRounds {
		dropped = append(append(dropped, types.dropTypes(t, g, fates, bodies)...), dropMethods(t)...)
		g.readData(t)
		fates = g.prune()
	}
	h.maps = t.bytes(t.data)
	h.callees = newCallees(h.imports, t.functions, bodies, fates)
	clearAES(t, fates)
	named := g.named(fates)
	h.table = h.callees.table(named, fates)
	shrinkTypes(t, fates, bodies, dropped)
	for i, b := range bodies {
		if fates[i] != kept {
			bodies[i] = fates[i].prunedBody()
			t.functions[i].empty()
			continue
		}
		if bodies[i], err = b.shrink(h, i, &t.functions[i]); err != nil {
			return nil, nil, err
		}
		if !named[i] && !h.callees.unwinds[i] {
			t.functions[i].empty()
		}
	}
	return bodies, h, nil
}

// body is what a function consists of.
type body struct {
	locals []byte // declarations
	code   []ins
}

// readBody reads the body of one function: the declarations of locals, and instructions.
func readBody(data []byte) (body, error) {
	r := &reader{data: data}
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		r.u32()
		r.byte()
	}
	b := body{locals: data[:r.pos]}
	for r.more() {
		b.code = append(b.code, r.ins())
	}
	return b, r.err
}

// shrink rewrites a body.
func (b body) shrink(h *helpers, index int, f *function) (body, error) {
	s := newShrinker(h)
	for _, in := range b.code {
		s.add(in)
	}
	s.keepLocals(index, f, b.locals)
	s.renumber(index, f)
	locals, err := s.addresses(index, f, b.locals)
	return body{locals: evenLocals(locals), code: s.out}, err
}
