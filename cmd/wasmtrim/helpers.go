package main

import (
	"encoding/binary"
	"slices"
)

// helpers are functions that the module gets for what Go's compiler writes out at each call. They take a PC_F, less pcBase,
// and perhaps a PC_B to return to, and give the PC_B to call with, or whether to unwind.
type helpers struct {
	imports int // the number of functions that the host brings
	first   int // the index of the first helper
	bodies  []body
	types   []string
	made    map[helperOf]int64
	quiet   map[int64]bool // those that leave the stack pointer's frame as it is, or the function

	names    []string         // of functions
	noReturn map[int64]string // functions that do not return, by index
	callees  *callees
	maps     []byte // stack maps
	table    []bool // the functions that are called by their PC_Fs
}

// The types of helpers, as the type section has them.
const (
	typePush    = "\x60\x02\x7f\x7f\x01\x7f"     // (function, pc) -> 0; (size of the frame, function) -> whether to unwind
	typeCheck   = "\x60\x01\x7f\x01\x7f"         // (function) -> whether to unwind
	typeStart   = "\x60\x00\x00"                 // () -> nothing
	typeClosure = "\x60\x03\x7e\x7f\x7f\x01\x7f" // (what to call, function, pc) -> whether to unwind
)

// newHelpers finds the index that the first helper will have, and makes those that do not depend on the code.
func newHelpers(m *module, functions []function) (*helpers, error) {
	h := &helpers{made: map[helperOf]int64{}, quiet: map[int64]bool{}, noReturn: map[int64]string{}}
	imports, err := m.section(sectionImport)
	if err != nil {
		return nil, err
	}
	h.imports = (&reader{data: imports.body}).u32()
	h.first = h.imports + len(functions)
	for i, f := range functions {
		h.names = append(h.names, f.name)
		if neverReturns[f.name] {
			h.noReturn[int64(h.imports+i)] = f.name
		}
	}
	h.add(typePush, pushReturn(0, ins{op: opLocalGet, arg: 1}), ins{op: opI32Const})
	h.add(typeClosure, pushReturn(1, ins{op: opLocalGet, arg: 2}),
		ins{op: opI32Const}, ins{op: opLocalGet}, ins{op: opI64Const, arg: 16}, ins{op: opI64ShrU}, ins{op: opI32WrapI64},
		ins{op: opIndirect})
	h.add(typePush, pushReturn(0, ins{op: opLocalGet, arg: 1}, ins{op: opI32Const, arg: 1}, ins{op: opI32Shl}), ins{op: opI32Const})
	return h, nil
}

// pushReturn is SP -= 8; *SP = (local + pcBase)<<16 + pcB.
func pushReturn(local int64, pcB ...ins) []ins {
	code := []ins{
		{op: opGlobalGet},
		{op: opI32Const, arg: 8},
		{op: opI32Sub},
		{op: opGlobalSet},
		{op: opGlobalGet},
		{op: opLocalGet, arg: local},
		{op: opI32Const, arg: pcBase},
		{op: opI32Add},
		{op: opI32Const, arg: 16},
		{op: opI32Shl},
	}
	return append(append(code, pcB...), ins{op: opI32Add}, ins{op: opExtendU}, ins{op: opI64Store, arg: 3})
}

func (h *helpers) push() int64 { return int64(h.first) }

func (h *helpers) pushSegment() int64 { return int64(h.first) + 2 }

func (h *helpers) closure() int64 { return int64(h.first) + 1 }

func (h *helpers) add(typ string, code []ins, more ...ins) {
	h.define(typ, body{locals: []byte{0}, code: append(append(code, more...), ins{op: opEnd})})
}

// define gives the index of a new function.
func (h *helpers) define(typ string, b body) int64 {
	h.bodies = append(h.bodies, b)
	h.types = append(h.types, typ)
	return int64(h.first + len(h.bodies) - 1)
}

// declare adds the helpers' types and declarations to a module.
func (h *helpers) declare(m *module) error {
	types, err := m.section(sectionType)
	if err != nil {
		return err
	}
	functions, err := m.section(sectionFunction)
	if err != nil {
		return err
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(h.types)))
	r := &reader{data: types.body}
	first := r.u32()
	types.body = append(binary.AppendUvarint(nil, uint64(first+len(distinct))), types.body[r.pos:]...)
	for _, typ := range distinct {
		types.body = append(types.body, typ...)
	}
	r = &reader{data: functions.body}
	n := r.u32()
	functions.body = append(binary.AppendUvarint(nil, uint64(n+len(h.bodies))), functions.body[r.pos:]...)
	for _, typ := range h.types {
		functions.body = binary.AppendUvarint(functions.body, uint64(first+slices.Index(distinct, typ)))
	}
	return nil
}

const (
	sigpanic        = "runtime.sigpanic"
	morestack       = "runtime.morestack"
	morestackNoctxt = "runtime.morestack_noctxt"
)

// neverReturns are functions after whose calls nothing is run: they panic, or grow the stack and start the function anew.
var neverReturns = map[string]bool{
	sigpanic: true, morestack: true, morestackNoctxt: true,
	"runtime.gopanic": true, "runtime.throw": true, "runtime.fatal": true,
	"runtime.panicdivide": true, "runtime.panicshift": true, "runtime.panicnil": true, "runtime.panicwrap": true,
	"runtime.panicdottypeE": true, "runtime.panicdottypeI": true, "runtime.panicnildottype": true,
	"runtime.panicmakeslicelen": true, "runtime.panicmakeslicecap": true, "runtime.panicunsafeslicelen": true,
	"runtime.goPanicIndex": true, "runtime.goPanicIndexU": true,
	"runtime.goPanicSliceAlen": true, "runtime.goPanicSliceAlenU": true,
	"runtime.goPanicSliceAcap": true, "runtime.goPanicSliceAcapU": true,
	"runtime.goPanicSliceB": true, "runtime.goPanicSliceBU": true,
	"runtime.goPanicSlice3Alen": true, "runtime.goPanicSlice3AlenU": true,
	"runtime.goPanicSlice3Acap": true, "runtime.goPanicSlice3AcapU": true,
	"runtime.goPanicSlice3B": true, "runtime.goPanicSlice3BU": true,
	"runtime.goPanicSlice3C": true, "runtime.goPanicSlice3CU": true,
	"runtime.goPanicSliceConvert": true,
}
