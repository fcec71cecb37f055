package main

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestMemoryIsLaidOut packs memory and runs the function that lays it out.
func TestMemoryIsLaidOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want memory
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			part := make([]byte, rapid.IntRange(1, 2*blockSize).Draw(t, "length"))
			for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(part)-1), 0, len(part)).Draw(t, "places") {
				part[i] = rapid.Byte().Draw(t, "byte")
			}
			if rapid.Bool().Draw(t, "full") {
				part = bytes.Repeat([]byte{0xff}, len(part))
			}
			want = append(want, part...)
		}
		p := want.pack(len(want))
		got := make(memory, p.at+p.size()+1)
		copy(got[p.at:], slices.Concat(p.kinds, p.masks, p.bytes))
		machine{mem: got, locals: make([]uint32, countLocals)}.run(p.unpack())
		if !bytes.Equal(got[:len(want)], want) {
			t.Fatalf("laid out % x, want % x", got[:len(want)], want)
		}
		if len(bytes.Trim(got[len(want):], "\x00")) > 0 {
			t.Fatal("something is left behind memory")
		}
	})
}

// TestColumnsAreLaidOut packs columns and runs the function that lays them out.
func TestColumnsAreLaidOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		le := binary.LittleEndian
		u := unpacking{functions: rapid.IntRange(2, 400).Draw(t, "functions")}
		distinct := rapid.IntRange(1, 300).Draw(t, "distinct")
		var columns []column
		for i := range rapid.IntRange(1, 4).Draw(t, "columns") {
			c := column{at: 4 + 4*i, word: wordOf}
			for range u.functions {
				word := uint32(rapid.IntRange(0, distinct).Draw(t, "word")) * 0x9e3779b1
				c.contents = append(c.contents, string(le.AppendUint32(nil, word)))
			}
			columns = append(columns, c)
		}
		var err error
		if u.packed, err = pack(columns); err != nil {
			t.Fatal(err)
		}
		u.at = 100
		u.index = u.at + u.packed.size()
		u.records = u.index + indexSize*u.functions
		u.buckets = u.records + recordDistance*u.functions
		end := u.buckets + bucketSize*bucketsPerFunction*(u.functions-1)
		mem := make(memory, end)
		copy(mem[u.at:], u.packed.bytes)
		machine{mem: mem, locals: make([]uint32, countLocals)}.run(u.unpack())

		word := func(at int) uint32 { return le.Uint32(mem[at:]) }
		for i := range u.functions {
			entry, at := word(u.index+indexSize*i), u.index+int(word(u.index+indexSize*i+4))
			if entry != uint32(pcBase+i) || word(at) != entry {
				t.Fatalf("function %d is at %#x by the index, and at %#x by its record", i, entry, word(at))
			}
			for _, c := range columns {
				if got, want := word(at+c.at), wordOf(c.contents[i]); got != want {
					t.Fatalf("function %d has %#x at %d, want %#x", i, got, c.at, want)
				}
			}
		}
		for i := range bucketsPerFunction * (u.functions - 1) {
			if got := word(u.buckets + bucketSize*i); got != uint32(i/bucketsPerFunction) {
				t.Fatalf("bucket %d leads to function %d", i, got)
			}
		}
	})
}

// TestPowersAreComputed lets the function that a module starts with make the table of powers of ten.
func TestPowersAreComputed(t *testing.T) {
	table := powersOfTen()
	const at, behind = 48, 64
	want := slices.Concat(make(memory, at), table, make(memory, behind))
	got := slices.Clone(want)
	p := clearPowers(got, at+len(table))
	if p == nil || len(bytes.Trim(got, "\x00")) > 0 {
		t.Fatal("the table was not found, or not cleared")
	}
	machine{mem: got, locals: make([]uint32, countLocals)}.run(p.compute())
	if !bytes.Equal(got, want) {
		t.Error("the table that is computed is another one, or something is left behind it")
	}
	if clearPowers(make(memory, 1<<14), 0) != nil {
		t.Error("found a table where there is none")
	}
}

// machine runs the instructions of terms.
type machine struct {
	mem    memory
	locals []uint32
	stack  []uint32
}

func (m machine) run(code []ins) {
	le := binary.LittleEndian
	pop := func() uint32 {
		top := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		return top
	}
	push := func(n uint32) { m.stack = append(m.stack, n) }
	var blocks []int // where they begin
	for pc := 0; pc < len(code); pc++ {
		in := code[pc]
		switch in.op {
		case opI32Const:
			push(uint32(in.arg))
		case opLocalGet:
			push(m.locals[in.arg])
		case opLocalSet:
			m.locals[in.arg] = pop()
		case opLocalTee:
			m.locals[in.arg] = m.stack[len(m.stack)-1]
		case opI32Load:
			push(le.Uint32(m.mem[int64(pop())+in.off:]))
		case opLoadByte:
			push(uint32(m.mem[int64(pop())+in.off]))
		case opLoadHalf:
			push(uint32(le.Uint16(m.mem[int64(pop())+in.off:])))
		case opStoreHalf:
			half := pop()
			le.PutUint16(m.mem[int64(pop())+in.off:], uint16(half))
		case opI32Store:
			word := pop()
			le.PutUint32(m.mem[int64(pop())+in.off:], word)
		case opStoreByte:
			b := pop()
			m.mem[pop()] = byte(b)
		case opMisc:
			n, b, a := pop(), pop(), pop()
			if bytes.Equal(in.raw, memoryCopy) {
				copy(m.mem[a:a+n], m.mem[b:b+n])
			} else {
				clear(m.mem[a : a+n])
			}
		case opI32Eqz:
			push(truth(pop() == 0))
		case opSelect:
			condition, b, a := pop(), pop(), pop()
			push(map[bool]uint32{true: a, false: b}[condition != 0])
		case opLoop:
			blocks = append(blocks, pc)
		case opIf:
			if pop() != 0 {
				blocks = append(blocks, pc)
				continue
			}
			for depth := 1; depth > 0; {
				pc++
				switch code[pc].op {
				case opIf, opLoop:
					depth++
				case opEnd:
					depth--
				}
			}
		case opBrIf:
			if pop() != 0 {
				pc = blocks[len(blocks)-1]
			}
		case opEnd:
			blocks = blocks[:len(blocks)-1]
		default:
			b, a := pop(), pop()
			push(operations[in.op](a, b))
		}
	}
}

var operations = map[byte]func(a, b uint32) uint32{
	opI32Add:  func(a, b uint32) uint32 { return a + b },
	opI32Mul:  func(a, b uint32) uint32 { return a * b },
	opI32DivU: func(a, b uint32) uint32 { return a / b },
	opI32And:  func(a, b uint32) uint32 { return a & b },
	opI32ShrU: func(a, b uint32) uint32 { return a >> b },
	opI32Eq:   func(a, b uint32) uint32 { return truth(a == b) },
	opI32LtU:  func(a, b uint32) uint32 { return truth(a < b) },
}

func truth(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}
