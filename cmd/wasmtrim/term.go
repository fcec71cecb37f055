package main

import "slices"

// What follows opMisc.
var (
	memoryCopy = []byte{10, 0, 0}
	memoryFill = []byte{11, 0}
)

// A term is the instructions that leave a number of 32 bits on the stack, or, for those that do something, nothing.

func constant(n int) []ins { return []ins{{op: opI32Const, arg: int64(int32(n))}} }

func get(local int64) []ins { return []ins{{op: opLocalGet, arg: local}} }

func add(a, b []ins) []ins { return slices.Concat(a, b, []ins{{op: opI32Add}}) }

func times(a []ins, n int) []ins { return slices.Concat(a, constant(n), []ins{{op: opI32Mul}}) }

func quotient(a []ins, n int) []ins { return slices.Concat(a, constant(n), []ins{{op: opI32DivU}}) }

// shifted is a number without its lowest bits, of which there are so many.
func shifted(a, bits []ins) []ins { return slices.Concat(a, bits, []ins{{op: opI32ShrU}}) }

// bit is one bit of a number.
func bit(a, place []ins) []ins {
	return slices.Concat(shifted(a, place), constant(1), []ins{{op: opI32And}})
}

// is says with 1 and 0 whether a number is another one.
func is(a []ins, n int) []ins { return slices.Concat(a, constant(n), []ins{{op: opI32Eq}}) }

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
	return slices.Concat(address, []ins{{op: opLoadByte, off: int64(behind)}})
}

// loadHalf is the 16 bits that are so far behind an address.
func loadHalf(address []ins, behind int) []ins {
	return slices.Concat(address, []ins{{op: opLoadHalf, off: int64(behind)}})
}

func store(address []ins, behind int, word []ins) []ins {
	return slices.Concat(address, word, []ins{{op: opI32Store, off: int64(behind)}})
}

func storeHalf(address []ins, behind int, half []ins) []ins {
	return slices.Concat(address, half, []ins{{op: opStoreHalf, off: int64(behind)}})
}

func storeByte(address, value []ins) []ins {
	return slices.Concat(address, value, []ins{{op: opStoreByte}})
}

func copyBytes(to, from []ins, n int) []ins {
	return slices.Concat(to, from, constant(n), []ins{{op: opMisc, raw: memoryCopy}})
}

func clearBytes(at, n int) []ins {
	return slices.Concat(constant(at), constant(0), constant(n), []ins{{op: opMisc, raw: memoryFill}})
}

func set(local int64, value []ins) []ins {
	return slices.Concat(value, []ins{{op: opLocalSet, arg: local}})
}

// when does what is inside if the condition is not zero.
func when(condition []ins, inside ...[]ins) []ins {
	return slices.Concat(condition, []ins{{op: opIf, arg: noResult}}, slices.Concat(inside...), []ins{{op: opEnd}})
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
