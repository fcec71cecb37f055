package main

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Layouts of Go 1.26: pcHeader and moduledata in runtime/symtab.go, _func in runtime/runtime2.go; the numbers of tables, the
// flags and the ids of functions in internal/abi/symtab.go.
const (
	pcMagic      = "\xf1\xff\xff\xff\x00\x00\x01\x08" // version, padding, quantum of instructions, size of a pointer
	pcHeaderSize = 72
	moduleWords  = 48 // of moduledata, as far as it is read
	wordEnd      = 34 // of it: where variables end

	indexSize      = 8                                                  // of what leads to a record
	recordSize     = 44                                                 // of _func, without the lists behind it
	recordDistance = recordSize + 4*tablesByPC + 4*(lastLiveFuncdata+1) // in a trimmed module, where all lists are equally long

	absent = 0xffffffff // a funcdata that a function does not have

	pcdataStackMap   = 1
	pcdataInlTree    = 2
	tablesByPC       = 3
	funcdataInlTree  = 3
	lastLiveFuncdata = 4 // what follows is for tracebacks

	bucketSize         = 20 // of findfuncbucket: an index, and 16 distances, 0 where a function has buckets of its own
	bucketsPerFunction = 16

	flagAsm       = 4
	funcIDWrapper = 23
)

// anyName is what every function is called in a trimmed module. runtime.panicwrap reads a type and a method out of it.
const anyName = "?.(*?).?"

// namesRead are the names that the runtime itself compares with.
var namesRead = []string{"reflect.makeFuncStub", "reflect.methodValueCall"}

// span is a part of memory.
type span struct{ at, end int }

// symtab is where the tables of functions lie.
type symtab struct {
	mem    memory
	module []byte // moduledata, as far as it is read

	names, cus, files span
	pcs               span // tables by PC
	records           span // an index, and a record for each function
	data              span // stack maps and the like
	buckets           span // from where to search the index of records

	functions []function
}

// function is the record of one function.
type function struct {
	record   []byte // recordSize bytes; what is changed elsewhere is written by trim
	name     string
	pcsp     pcTable
	stackMap pcTable
	inlIndex []byte // the table as it stands, for a wrapper
	data     []uint32
}

func (f *function) wrapper() bool { return f.record[40] == funcIDWrapper }

func (f *function) asm() bool { return f.record[41]&flagAsm != 0 }

func (f *function) deferReturn() int { return int(binary.LittleEndian.Uint32(f.record[12:])) }

func (f *function) setDeferReturn(pc int) { binary.LittleEndian.PutUint32(f.record[12:], uint32(pc)) }

// empty leaves nothing of a record but its function.
func (f *function) empty() {
	clear(f.record[4:])
	*f = function{record: f.record}
}

// findSymtab finds the tables through the header of the function table and the moduledata that points to it.
func findSymtab(mem memory) (*symtab, error) {
	at := bytes.Index(mem, []byte(pcMagic))
	if at < 0 || len(mem)-at < pcHeaderSize || bytes.Contains(mem[at+1:], []byte(pcMagic)) {
		return nil, shapef("no table of functions, or two")
	}
	// moduledata begins with a pointer to the header, and a slice that begins where the header says that the names do.
	le := binary.LittleEndian
	start := le.AppendUint64(le.AppendUint64(nil, uint64(at)), uint64(at)+le.Uint64(mem[at+32:]))
	md := bytes.Index(mem, start)
	if md < 0 || len(mem)-md < moduleWords*8 {
		return nil, shapef("no module data")
	}
	word := func(i int) int { return int(le.Uint64(mem[md+8*i:])) }
	slice := func(i, size int) span { return span{word(i), word(i) + size*word(i+1)} }
	t := &symtab{
		mem: mem, module: mem[md : md+moduleWords*8], names: slice(1, 1), cus: slice(4, 4), files: slice(7, 1), pcs: slice(10, 1),
		records: slice(13, 1), data: span{word(40), word(19)},
		buckets: span{word(19), word(19)},
	}
	n := int(le.Uint64(mem[at+8:]))
	if t.names.end > t.cus.at || t.cus.end > t.files.at {
		return nil, shapef("tables of functions in another order")
	}
	for _, s := range []span{t.names, t.cus, t.files, t.pcs, t.records, t.data} {
		if s.at < at || s.end < s.at || s.end > len(mem) {
			return nil, shapef("a table of functions outside of the data")
		}
	}
	if n <= 1 || n > (t.records.end-t.records.at)/recordSize {
		return nil, shapef("%d functions", n)
	}
	t.buckets.end += (n - 1) * bucketsPerFunction * bucketSize // the last function has one, which stays
	if t.buckets.end > len(mem) {
		return nil, shapef("an index of functions outside of the data")
	}
	t.read(n)
	return t, nil
}

// end is where memory is free from.
func (t *symtab) end() int { return int(binary.LittleEndian.Uint64(t.module[8*wordEnd:])) }

// isTable reports whether an address is within the tables of functions.
func (t *symtab) isTable(at int) bool {
	return slices.ContainsFunc([]span{t.names, t.cus, t.files, t.pcs, t.records, t.data, t.buckets}, func(s span) bool {
		return at >= s.at && at < s.end
	})
}

func (t *symtab) bytes(s span) []byte { return t.mem[s.at:s.end] }

// read takes the records apart.
func (t *symtab) read(n int) {
	le := binary.LittleEndian
	records, pcs, names := t.bytes(t.records), t.bytes(t.pcs), t.bytes(t.names)
	for i := range n {
		rest := records[le.Uint32(records[8*i+4:]):]
		f := function{record: bytes.Clone(rest[:recordSize])}
		nameAt := names[le.Uint32(f.record[4:]):]
		f.name = string(nameAt[:bytes.IndexByte(nameAt, 0)])
		f.pcsp = readPCTable(pcs, le.Uint32(f.record[16:]))
		count, rest := le.Uint32(f.record[28:]), rest[recordSize:]
		for j := range count {
			at := le.Uint32(rest[4*j:])
			switch {
			case j == pcdataStackMap:
				f.stackMap = readPCTable(pcs, at)
			case j == pcdataInlTree && f.wrapper() && at != 0:
				f.inlIndex = readPCTable(pcs, at).bytes()
			}
		}
		for j := range int(f.record[43]) {
			at := le.Uint32(rest[4*(int(count)+j):])
			if j > lastLiveFuncdata || j == funcdataInlTree && !f.wrapper() {
				at = absent
			}
			f.data = append(f.data, at)
		}
		t.functions = append(t.functions, f)
	}
}

// trim writes the tables anew, in the places of the old ones, which are longer. The records it leaves as columns, to be laid out
// when the module starts.
func (t *symtab) trim() (*unpacking, error) {
	pcs, data, names := newPool(0), newPool(absent), newPool(0)
	pcs.out = []byte{0} // a table at 0 is no table
	names.out = []byte{0}
	packed, err := pack(t.columns(pcs, data, names))
	if err != nil {
		return nil, err
	}
	room := span{t.names.at + len(names.out), t.files.end}
	for _, part := range []struct {
		in  span
		new []byte
	}{
		{t.records, nil},
		{span{t.names.at, t.files.end}, append(names.out, packed.bytes...)},
		{t.pcs, pcs.out},
		{t.data, data.out},
	} {
		to := t.bytes(part.in)
		if len(part.new) > len(to) {
			return nil, shapef("a table of functions that grows")
		}
		clear(to[copy(to, part.new):])
	}
	records := t.records.at + indexSize*len(t.functions) + 4
	if records+recordDistance*len(t.functions) > t.records.end || packed.size() > room.end-room.at {
		return nil, shapef("no room for the records of functions")
	}
	if err := t.dropBuckets(); err != nil {
		return nil, err
	}
	binary.LittleEndian.PutUint32(t.mem[records-4:], uint32(pcBase+len(t.functions))) // where the last function ends
	return &unpacking{
		functions: len(t.functions), packed: packed, at: room.at,
		index: t.records.at, records: records, buckets: t.buckets.at,
	}, nil
}

// columns gives the columns of the records. What is not in one of them is zero, or one more from function to function.
func (t *symtab) columns(pcs, data, names *pool) []column {
	ends := t.dataEnds()
	for _, f := range t.functions {
		binary.LittleEndian.PutUint32(f.record[28:], tablesByPC)
		f.record[43] = lastLiveFuncdata + 1
	}
	columns := []column{
		t.column(4, names.add, func(f *function) string { return shownName(f.name) + "\x00" }),
		t.column(16, pcs.add, func(f *function) string { return string(f.pcsp.bytes()) }),
		t.column(recordSize+4*pcdataStackMap, pcs.add, func(f *function) string { return string(f.stackMap.bytes()) }),
		t.column(recordSize+4*pcdataInlTree, pcs.add, func(f *function) string { return string(f.inlIndex) }),
	}
	for _, same := range []int{8, 12, 28, 40} { // what arguments take, where deferred calls resume, the lists, what it is
		columns = append(columns, t.column(same, wordOf, func(f *function) string { return string(f.record[same : same+4]) }))
	}
	for i := range lastLiveFuncdata + 1 {
		columns = append(columns, t.column(recordSize+4*(tablesByPC+i), data.add, func(f *function) string {
			if i >= len(f.data) || f.data[i] == absent {
				return ""
			}
			return string(t.bytes(t.data)[f.data[i]:ends[f.data[i]]])
		}))
	}
	return columns
}

// column makes a column of what functions have.
func (t *symtab) column(at int, word func(string) uint32, content func(*function) string) column {
	c := column{at: at, word: word}
	for i := range t.functions {
		c.contents = append(c.contents, content(&t.functions[i]))
	}
	return c
}

// wordOf is a word that stands for itself.
func wordOf(content string) uint32 { return binary.LittleEndian.Uint32([]byte(content)) }

// dropBuckets makes zeros of the table that says from which record on to search that of a function.
func (t *symtab) dropBuckets() error {
	le := binary.LittleEndian
	for rest, i := t.bytes(t.buckets), 0; len(rest) > 0; rest, i = rest[bucketSize:], i+1 {
		if int(le.Uint32(rest)) != i/bucketsPerFunction {
			return shapef("an index of functions that is not one by one")
		}
		le.PutUint32(rest, 0)
	}
	return nil
}

func shownName(name string) string {
	if slices.Contains(namesRead, name) {
		return name
	}
	return anyName
}

// dataEnds gives for each place where a funcdata begins the place where it ends: where the next one begins.
func (t *symtab) dataEnds() map[uint32]uint32 {
	le := binary.LittleEndian
	records := t.bytes(t.records)
	starts := []uint32{uint32(t.data.end - t.data.at)}
	for i := range t.functions {
		rest := records[le.Uint32(records[8*i+4:]):]
		count := int(le.Uint32(rest[28:]))
		for j := range int(rest[43]) {
			if at := le.Uint32(rest[recordSize+4*(count+j):]); at != absent {
				starts = append(starts, at)
			}
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	ends := map[uint32]uint32{}
	for i := range len(starts) - 1 {
		ends[starts[i]] = starts[i+1]
	}
	return ends
}

// pool puts byte strings one behind the other, equal ones once.
type pool struct {
	out  []byte
	at   map[string]uint32
	none uint32 // where the empty one is
}

func newPool(none uint32) *pool { return &pool{at: map[string]uint32{}, none: none} }

// add gives the place of a byte string.
func (p *pool) add(b string) uint32 {
	if b == "" {
		return p.none
	}
	at, ok := p.at[b]
	if !ok {
		at = uint32(len(p.out))
		p.at[b] = at
		p.out = append(p.out, b...)
	}
	return at
}
