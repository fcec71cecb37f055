package main

import "slices"

// A term is the instructions that leave a number of 32 bits on the stack, or, for those that do something, nothing.

func constant(n int) []ins { return []ins{{op: opI32Const, arg: int64(int32(n))}} }

func get(local int64) []ins { return []ins{{op: opLocalGet, arg: local}} }

func add(a, b []ins) []ins { return slices.Concat(a, b, []ins{{op: opI32Add}}) }

func times(a []ins, n int) []ins { return slices.Concat(a, constant(n), []ins{{op: opI32Mul}}) }

func quotient(a []ins, n int) []ins { return slices.Concat(a, constant(n), []ins{{op: opI32DivU}}) }

func isZero(a []ins) []ins { return slices.Concat(a, []ins{{op: opI32Eqz}}) }

// either is a if the condition is not zero, and b if it is. Both are evaluated.
func either(condition, a, b []ins) []ins {
	return slices.Concat(a, b, condition, []ins{{op: opSelect}})
}

// load is the word that is so far behind an address.
func load(address []ins, behind int) []ins {
	return slices.Concat(address, []ins{{op: opI32Load, off: int64(behind)}})
}

// loadByte is the byte that is so far behind an address.
func loadByte(address []ins, behind int) []ins {
	return slices.Concat(address, []ins{{op: opI32LoadByte, off: int64(behind)}})
}

func store(address []ins, behind int, word []ins) []ins {
	return slices.Concat(address, word, []ins{{op: opI32Store, off: int64(behind)}})
}

func set(local int64, value []ins) []ins {
	return slices.Concat(value, []ins{{op: opLocalSet, arg: local}})
}

// repeat does what is inside so many times, at least once, with a local that is 0, 1 and so on.
func repeat(local int64, n int, inside ...[]ins) []ins {
	return slices.Concat(
		set(local, constant(0)),
		[]ins{{op: opLoop, arg: noResult}},
		slices.Concat(inside...),
		add(get(local), constant(1)), []ins{{op: opLocalTee, arg: local}}, constant(n),
		[]ins{{op: opI32LtU}, {op: opBrIf}, {op: opEnd}},
	)
}
