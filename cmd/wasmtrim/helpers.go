package main

import "encoding/binary"

// helpers are functions that the module gets for what Go's compiler writes out at each call. They take a stack pointer and a
// return address, and give the PC_B to call with, or whether to unwind.
type helpers struct {
	imports int // the number of functions that the host brings
	first   int // the index of the first helper
	bodies  []body
	checks  map[int64]int64 // the helper for each way to call morestack

	noReturn map[int64]string // functions that do not return, by index
}

// newHelpers finds the index that the first helper will have, and makes the one that pushes a return address.
func newHelpers(m *module, functions []function) (*helpers, error) {
	h := &helpers{checks: map[int64]int64{}, noReturn: map[int64]string{}}
	imports, err := m.section(sectionImport)
	if err != nil {
		return nil, err
	}
	h.imports = (&reader{data: imports.body}).u32()
	h.first = h.imports + len(functions)
	for i, f := range functions {
		if neverReturns[f.name] {
			h.noReturn[int64(h.imports+i)] = f.name
		}
	}
	h.add(append(pushReturn(), ins{op: opI32Const}, ins{op: opEnd}))
	return h, nil
}

// pushReturn is SP = sp - 8; *SP = pc.
func pushReturn() []ins {
	return []ins{
		{op: opLocalGet},
		{op: opI32Const, arg: 8},
		{op: opI32Sub},
		{op: opLocalTee},
		{op: opGlobalSet},
		{op: opLocalGet},
		{op: opLocalGet, arg: 1},
		{op: opI64Store, arg: 3},
	}
}

func (h *helpers) push() int64 { return int64(h.first) }

// check gives the index of a helper that calls morestack if the stack is short.
func (h *helpers) check(morestack int64) int64 {
	if at, ok := h.checks[morestack]; ok {
		return at
	}
	at := int64(h.first + len(h.bodies))
	h.checks[morestack] = at
	code := []ins{{op: opLocalGet}, {op: opGlobalGet, arg: 2}, {op: opI32WrapI64}, {op: opI32Load, arg: 2, off: 16}, {op: opI32LeU}, {op: opIf, arg: noResult}}
	code = append(code, pushReturn()...)
	code = append(code, ins{op: opI32Const}, ins{op: opCall, arg: morestack}, ins{op: opReturn}, ins{op: opEnd}, ins{op: opI32Const}, ins{op: opEnd})
	h.add(code)
	return at
}

func (h *helpers) add(code []ins) { h.bodies = append(h.bodies, body{locals: []byte{0}, code: code}) }

// declare adds the helpers' type and declarations to a module.
func (h *helpers) declare(m *module) error {
	types, err := m.section(sectionType)
	if err != nil {
		return err
	}
	functions, err := m.section(sectionFunction)
	if err != nil {
		return err
	}
	r := &reader{data: types.body}
	typ := r.u32()
	types.body = append(binary.AppendUvarint(nil, uint64(typ+1)), types.body[r.pos:]...)
	types.body = append(types.body, 0x60, 2, 0x7f, 0x7e, 1, 0x7f) // (i32, i64) -> i32
	r = &reader{data: functions.body}
	n := r.u32()
	functions.body = append(binary.AppendUvarint(nil, uint64(n+len(h.bodies))), functions.body[r.pos:]...)
	for range h.bodies {
		functions.body = binary.AppendUvarint(functions.body, uint64(typ))
	}
	return nil
}

const (
	sigpanic = "runtime.sigpanic"
)

// neverReturns are functions after whose calls nothing is run: they panic, or grow the stack and start the function anew.
var neverReturns = map[string]bool{
	sigpanic: true, "runtime.morestack": true, "runtime.morestack_noctxt": true,
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
