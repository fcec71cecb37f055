package main

import "encoding/binary"

// step says that a table has a value before a PC, and from the PC of the step before.
type step struct {
	value int
	until int
}

// pcTable gives a value for each PC of a function. The empty table is one that a function does not have.
type pcTable []step

// noValue is what a table says of a PC that it does not cover, or when there is none.
const noValue = -1

// readPCTable reads a table as runtime.step does: pairs of a change of value, zigzag, and of PC, up to a change of zero that
// is not the first.
func readPCTable(tables []byte, at uint32) pcTable {
	if at == 0 {
		return nil
	}
	var t pcTable
	rest, value, pc := tables[at:], noValue, 0
	for {
		change, n := binary.Uvarint(rest)
		if change == 0 && len(t) > 0 {
			return t
		}
		value += int(int32(change>>1) ^ -int32(change&1))
		length, m := binary.Uvarint(rest[n:])
		pc += int(length)
		t = append(t, step{value, pc})
		rest = rest[n+m:]
	}
}

// lastPC is behind every PC of a function.
const lastPC = 1<<16 - 1

// bytes writes a table as readPCTable reads it, its last step made as long as can be: then functions with equal frames have
// equal tables, whatever their lengths.
func (t pcTable) bytes() []byte {
	var out []byte
	value, pc := noValue, 0
	for i, s := range t {
		if i == len(t)-1 {
			s.until = lastPC
		}
		out = binary.AppendVarint(out, int64(s.value-value))
		out = binary.AppendUvarint(out, uint64(s.until-pc))
		value, pc = s.value, s.until
	}
	if len(t) > 0 {
		out = append(out, 0)
	}
	return out
}

// at gives the value at a PC.
func (t pcTable) at(pc int) int {
	for _, s := range t {
		if pc < s.until {
			return s.value
		}
	}
	return noValue
}

// top is the greatest value.
func (t pcTable) top() int {
	top := noValue
	for _, s := range t {
		top = max(top, s.value)
	}
	return top
}

// tableOf makes a table of the values at 0, 1, 2 and so on.
func tableOf(values []int) pcTable {
	var t pcTable
	for pc, v := range values {
		if len(t) > 0 && t[len(t)-1].value == v {
			t[len(t)-1].until = pc + 1
		} else {
			t = append(t, step{v, pc + 1})
		}
	}
	return t
}
