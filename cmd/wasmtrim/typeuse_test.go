package main

import (
	"encoding/binary"
	"slices"
	"testing"
)

// typeBuilder lays out types in memory, and what of the module's tables says where they are.
type typeBuilder struct {
	t     *testing.T
	mem   memory
	at    int
	names int
	links []int
}

const (
	typesFrom  = 1 << 12
	namesFrom  = 1 << 13
	linksFrom  = 3 << 12
	typesUntil = 1 << 14
)

func newTypeBuilder(t *testing.T) *typeBuilder {
	return &typeBuilder{t: t, mem: make(memory, 5<<12), at: typesFrom + 64, names: namesFrom}
}

// add lays out a type of a kind and name, with words behind what all types have.
func (b *typeBuilder) add(kind byte, name string, words ...int) (at int) {
	le := binary.LittleEndian
	at = b.at
	d := b.mem[at:]
	le.PutUint64(d, 8)
	le.PutUint32(d[typeHash:], 0x1234567)
	d[typeFlags+1], d[typeFlags+2], d[typeKind] = 8, 8, kind
	le.PutUint64(d[typeEqual:], typesUntil+8)
	le.PutUint32(d[typeName:], uint32(b.name(name)-typesFrom))
	for i, word := range words {
		le.PutUint64(d[typeSize+8*i:], uint64(word))
	}
	b.at += typeSize + 8*len(words)
	return at
}

// name lays out a name.
func (b *typeBuilder) name(name string) (at int) {
	at = b.names
	b.mem[at+1] = byte(len(name))
	b.names += 2 + copy(b.mem[at+2:], name)
	b.names = (b.names + 3) &^ 3
	return at
}

// pointTo says what the pointer to a type is.
func (b *typeBuilder) pointTo(at, pointer int) {
	binary.LittleEndian.PutUint32(b.mem[at+typePtrToThis:], uint32(pointer-typesFrom))
}

func (b *typeBuilder) symtab() *symtab {
	module := make([]byte, moduleWords*8)
	for i, word := range map[int]int{wordTypes: typesFrom, wordTypes + 1: typesUntil, wordTypelinks: linksFrom, wordTypelinks + 1: len(b.links)} {
		binary.LittleEndian.PutUint64(module[8*i:], uint64(word))
	}
	for i, link := range b.links {
		binary.LittleEndian.PutUint32(b.mem[linksFrom+4*i:], uint32(link-typesFrom))
	}
	return &symtab{mem: b.mem, module: module}
}

const kindInt = 2

func TestTypesAreFollowed(t *testing.T) {
	for name, c := range map[string]struct {
		lay  func(b *typeBuilder) (first, second int)
		to   use // how the program leads to the first one
		want use // how it does to the second one
	}{
		"a pointer to what is known": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindPointer, "*int", to), to
		}, known, known},
		"a pointer to something, laid out": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindPointer, "*int", to), to
		}, laidOut, unused},
		"a channel that is made": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindChan, "chan int", to, 3), to
		}, laidOut, laidOut},
		"the key of a map that is made": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindMap, "map[int]int", to, 0, 0, 0, 0, 0, 0, 0), to
		}, laidOut, known},
		"the element of a map that is made": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindMap, "map[int]int", 0, to, 0, 0, 0, 0, 0, 0), to
		}, laidOut, laidOut},
		"the group of a map that is known": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindMap, "map[int]int", 0, 0, to, 0, 0, 0, 0, 0), to
		}, known, laidOut},
		"the pointer to what is known": {func(b *typeBuilder) (int, int) {
			at := b.add(kindInt, "int")
			pointer := b.add(kindPointer, "*int", at)
			b.pointTo(at, pointer)
			return at, pointer
		}, known, unused},
		"such a pointer that has methods": {func(b *typeBuilder) (int, int) {
			at := b.add(kindInt, "int")
			pointer := b.add(kindPointer, "*int", at, uncommonSize<<32, uncommonSize)
			b.mem[pointer+typeFlags] |= flagUncommon
			b.pointTo(at, pointer)
			return at, pointer
		}, known, known},
		"a parameter": {func(b *typeBuilder) (int, int) {
			to := b.add(kindInt, "int")
			return b.add(kindFunc, "func(int)", 1, to), to
		}, known, known},
		"what a closure holds": {func(b *typeBuilder) (int, int) {
			to := b.add(kindStruct, "*struct { F uintptr; X0 int }", 0, typesFrom, 0, 0)
			return b.add(kindPointer, "*T", to), to
		}, known, laidOut},
	} {
		b := newTypeBuilder(t)
		first, second := c.lay(b)
		g := newTypeGraph(b.symtab())
		g.uses = make([]use, len(g.types))
		g.lead(g.index[first], c.to)
		g.passAll()
		if got := g.uses[g.index[second]]; got != c.want {
			t.Errorf("%s: use %d, want %d", name, got, c.want)
		}
	}
}

func TestTypesInCode(t *testing.T) {
	const imports = 1
	b := newTypeBuilder(t)
	at := b.add(kindInt, "int")
	pointer := b.add(kindPointer, "*int", at)
	c := &callGraph{imports: imports, functions: []function{{name: "runtime.newobject"}, {name: "runtime.growslice"}, {name: "main.show"}}}
	sp := ins{op: opLocalGet, arg: 1}
	store := func(typ int, off int64) []ins {
		return []ins{sp, {op: opI64Const, arg: int64(typ)}, {op: opI64Store, off: off}}
	}
	call := func(function int64) ins { return ins{op: opCall, arg: imports + function} }
	for name, s := range map[string]struct {
		typ  int
		code []ins
		want use
	}{
		"made":                          {at, append(store(at, 0), sp, ins{op: opI64Const, arg: 7}, ins{op: opI64Store}, call(0)), laidOut},
		"grown":                         {at, append(store(at, 32), call(1)), laidOut},
		"another argument":              {at, append(store(at, 8), call(1)), known},
		"shown":                         {at, append(store(at, 0), call(2)), known},
		"of the host":                   {at, append(store(at, 0), ins{op: opCall}), known},
		"by address":                    {at, append(store(at, 0), ins{op: opIndirect}, call(0)), known},
		"perhaps":                       {at, append(store(at, 0), ins{op: opIf, arg: noResult}, call(0), ins{op: opEnd}), known},
		"not called":                    {at, store(at, 0), known},
		"kept elsewhere":                {at, []ins{{op: opLocalGet, arg: 2}, {op: opI64Const, arg: int64(at)}, {op: opI64Store}, call(0)}, known},
		"part of it":                    {at, append(store(at+typeHash, 0), call(0)), known},
		"compared with":                 {at, []ins{{op: opLocalGet, arg: 2}, {op: opI64Const, arg: int64(at)}, {op: opI64Eq}}, unused},
		"a pointer that is compared":    {pointer, []ins{{op: opLocalGet, arg: 2}, {op: opI64Const, arg: int64(pointer)}, {op: opI64Ne}}, known},
		"a number that is not a type's": {at, append(store(at-8, 0), call(2)), unused},
	} {
		g := newTypeGraph(b.symtab())
		g.uses = make([]use, len(g.types))
		g.followCode(c, append(s.code, ins{op: opEnd}))
		if got := g.uses[g.index[s.typ]]; got != s.want {
			t.Errorf("%s: use %d, want %d", name, got, s.want)
		}
	}
}

func TestTypesInData(t *testing.T) {
	b := newTypeBuilder(t)
	inData, linked, inType := b.add(kindInt, "int"), b.add(kindInt, "int8"), b.add(kindInt, "int16")
	b.add(kindPointer, "*int16", inType)
	binary.LittleEndian.PutUint64(b.mem[typesUntil+16:], uint64(inData))
	b.links = []int{linked}
	tables := b.symtab()
	g := newTypeGraph(tables)
	g.follow(tables, &callGraph{}, nil, nil)
	if got := []use{g.uses[g.index[inData]], g.uses[g.index[linked]], g.uses[g.index[inType]]}; !slices.Equal(got, []use{known, known, unused}) {
		t.Errorf("uses %v", got)
	}
}

func TestTypesAreDropped(t *testing.T) {
	le := binary.LittleEndian
	b := newTypeBuilder(t)
	field := b.name("Field")
	kept := b.add(kindInt, "kept")
	gone := b.add(kindInt, "gone")
	made := b.add(kindStruct, "made", 0, 0, 1, 1, field, kept, 0)
	le.PutUint64(b.mem[made+structFields:], uint64(made+structSize))
	pointer := b.add(kindPointer, "*kept", kept)
	b.pointTo(kept, pointer)
	le.PutUint64(b.mem[typesUntil+8:], pcBase<<16) // compares all of them
	le.PutUint64(b.mem[typesUntil+16:], uint64(kept))
	tables := b.symtab()
	g := newTypeGraph(tables)
	bodies := []body{{code: []ins{{op: opLocalGet, arg: 1}, {op: opI64Const, arg: int64(made)}, {op: opI64Store}, {op: opCall}}}}
	c := &callGraph{functions: []function{{name: "runtime.newobject"}}}
	before := slices.Clone(b.mem)
	names := g.dropTypes(tables, c, make([]fate, 1), bodies)
	if !slices.Contains(names, uint32(field-typesFrom)) {
		t.Error("the name of a field was not given")
	}
	if got := le.Uint32(b.mem[kept+typePtrToThis:]); got != 0 {
		t.Errorf("a known type leads to a pointer that is gone, %#x", got)
	}
	if !slices.Equal(b.mem[kept:kept+typePtrToThis], before[kept:kept+typePtrToThis]) {
		t.Error("a known type has changed")
	}
	for _, s := range []span{{gone, gone + typeSize}, {pointer, pointer + typeSize + 8}} {
		if slices.ContainsFunc(b.mem[s.at:s.end], func(x byte) bool { return x != 0 }) {
			t.Error("something is left of a type that nothing leads to")
		}
	}
	if le.Uint64(b.mem[made:]) != 8 || b.mem[made+typeKind] != kindStruct || le.Uint32(b.mem[made+typeName:]) != 0 ||
		slices.ContainsFunc(b.mem[made+typeSize:made+structSize+fieldSize], func(x byte) bool { return x != 0 }) {
		t.Error("of a type that is laid out its size and kind shall stay, and neither name nor fields")
	}
	if le.Uint64(b.mem[typesUntil+8:]) == 0 {
		t.Error("a function is gone that a known type compares with")
	}
	le.PutUint64(b.mem[typesUntil+16:], 0)
	g.dropTypes(tables, c, make([]fate, 1), bodies)
	if le.Uint64(b.mem[typesUntil+8:]) != 0 {
		t.Error("a function is left that nothing compares with")
	}
}

func TestLinksAreDropped(t *testing.T) {
	le := binary.LittleEndian
	b := newTypeBuilder(t)
	elem, other := b.add(kindInt, "int"), b.add(kindInt, "int8")
	pointer, searched := b.add(kindPointer, "*int", elem), b.add(kindPointer, "*int8", other)
	slice := b.add(23, "[]int", elem)
	b.pointTo(elem, pointer)
	b.links = []int{pointer, searched, slice}
	tables := b.symtab()
	links := func() (links []int) {
		types := tables.types()
		for at := types.links.at; at < types.links.end; at += 4 {
			links = append(links, typesFrom+int(le.Uint32(types.mem[at:])))
		}
		return links
	}
	functions := []function{{name: "reflect.typesByString"}, {name: "reflect.(*rtype).ptrTo"}, {name: "reflect.SliceOf"}}
	dropLinks(tables, &callGraph{functions: functions, leadsTo: [][]int{nil, {0}, {0}}, roots: make([]bool, 3)})
	if got := links(); !slices.Equal(got, b.links) {
		t.Errorf("slices are looked for, and of %v stay %v", b.links, got)
	}
	dropLinks(tables, &callGraph{functions: functions, leadsTo: [][]int{nil, {0}, nil}, roots: make([]bool, 3)})
	if got := links(); !slices.Equal(got, []int{searched}) {
		t.Errorf("pointers are looked for, and of %v stay %v", b.links, got)
	}
}
