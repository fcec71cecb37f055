package main

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A program leads to a type in two ways. It gets hold of one that is in an interface, or that another such type consists of; what it
// may ask of that is all that there is. The rest it only names to the functions of the runtime that make room for something, move
// it or clear it: they look at its size, and at which of its words are pointers.

// use is how a program leads to a type.
type use int

const (
	unused  use = iota
	laidOut     // it is named to the runtime
	known       // a program may get hold of it
)

// typeTaker is functions that take a type at a place among their arguments.
type typeTaker struct {
	names []string
	off   int64
}

// typeTakers are those functions of the runtime.
var typeTakers = []typeTaker{
	{[]string{
		"runtime.newobject", "runtime.newarray", "runtime.makeslice", "runtime.makeslice64", "runtime.makeslicecopy",
		"runtime.moveSlice", "runtime.moveSliceNoCap", "runtime.typedslicecopy", "runtime.typedmemmove", "runtime.typedmemclr",
		"runtime.wbMove", "runtime.wbZero", "runtime.convT", "runtime.makechan", "runtime.makechan64",
		"runtime.makemap", "runtime.makemap64", "runtime.mapaccess*", "runtime.mapassign*", "runtime.mapdelete*",
		"runtime.mapclear", "runtime.mapIterStart",
	}, 0},
	{[]string{"runtime.mallocgc"}, 8},
	{[]string{"runtime.growslice", "runtime.growsliceNoAlias", "runtime.growsliceBuf", "runtime.growsliceBufNoAlias"}, 32},
}

// typeGraph says which types lead to which.
type typeGraph struct {
	*typeTable
	types []span      // in the order of their addresses
	index map[int]int // of each, by where it begins
	inner []bool      // whether no program can name it: there is only what is laid out by it
	uses  []use
	next  []int // whose use has not been passed on
}

// newTypeGraph finds the types.
func newTypeGraph(t *symtab) *typeGraph {
	g := &typeGraph{typeTable: t.types(), index: map[int]int{}}
	for at, name := range g.all() {
		g.inner = append(g.inner, g.isHidden(name))
		g.index[at] = len(g.types)
		g.types = append(g.types, span{at, g.end(at)})
	}
	return g
}

// end gives where a type ends, with the lists that lie behind it.
func (t *typeTable) end(at int) int {
	le := binary.LittleEndian
	uncommon := t.uncommonAt(at)
	behind, end := uncommon, 0
	if t.mem[at+typeFlags]&flagUncommon != 0 {
		behind = uncommon + uncommonSize
		end = uncommon + int(le.Uint32(t.mem[uncommon+uncommonMethods:])) + methodSize*int(le.Uint16(t.mem[uncommon+uncommonCount:]))
	}
	list := func(slice, size int) int {
		return int(le.Uint64(t.mem[at+slice:])) + size*int(le.Uint64(t.mem[at+slice+8:]))
	}
	switch t.mem[at+typeKind] {
	case kindFunc:
		in, out := le.Uint16(t.mem[at+funcIn:]), le.Uint16(t.mem[at+funcIn+2:])&^variadic
		behind += 8 * int(in+out)
	case kindInterface:
		end = max(end, list(interfaceMethods, askedSize))
	case kindStruct:
		end = max(end, list(structFields, fieldSize))
	}
	return max(behind, end)
}

// owner finds the type that an address belongs to.
func (g *typeGraph) owner(address int) (i int, ok bool) {
	if address < g.at.at || address >= g.at.end {
		return 0, false
	}
	i, found := slices.BinarySearchFunc(g.types, address, func(s span, at int) int { return cmp.Compare(s.at, at) })
	if !found {
		i--
	}
	return i, i >= 0 && address < g.types[i].end
}

// follow finds out how a program leads to each type, as far as it is kept.
func (g *typeGraph) follow(t *symtab, c *callGraph, fates []fate, bodies []body) {
	g.uses = make([]use, len(g.types))
	g.followLinks()
	g.followData(t)
	for i, b := range bodies {
		if fates[i] == kept {
			g.followCode(c, b.code)
		}
	}
	g.passAll()
}

// lead notes that something leads to a type. What no program can name is at most laid out.
func (g *typeGraph) lead(i int, to use) {
	if g.inner[i] {
		to = laidOut
	}
	g.note(i, to)
}

// note keeps the widest use of a type.
func (g *typeGraph) note(i int, to use) {
	if to > g.uses[i] {
		g.uses[i] = to
		g.next = append(g.next, i)
	}
}

// leadTo notes it of the type that an address belongs to, if it does.
func (g *typeGraph) leadTo(address int, to use) {
	if i, ok := g.owner(address); ok {
		g.lead(i, to)
	}
}

// followLinks takes those for known that are found by their names.
func (g *typeGraph) followLinks() {
	for at := g.links.at; at < g.links.end; at += 4 {
		g.leadTo(g.at.at+int(binary.LittleEndian.Uint32(g.mem[at:])), known)
	}
}

// followData takes those for known whose addresses data has outside of types.
func (g *typeGraph) followData(t *symtab) {
	for at := 0; at+8 <= len(g.mem); at += 8 {
		if i, ok := g.owner(at); ok {
			at = (g.types[i].end+7)&^7 - 8
			continue
		}
		if !t.isTable(at) {
			g.leadTo(int(binary.LittleEndian.Uint64(g.mem[at:])), known)
		}
	}
}

// followCode takes those for known whose addresses code has, unless it names them to the runtime or compares with them. A pointer that is
// compared with may be one that reflection makes of its element.
func (g *typeGraph) followCode(c *callGraph, code []ins) {
	for i, in := range code {
		if in.op != opI64Const && in.op != opI32Const {
			continue
		}
		k, ok := g.owner(int(in.arg))
		switch {
		case !ok:
		case g.types[k].at == int(in.arg) && c.isTaken(code, i):
			g.lead(k, laidOut)
		case g.types[k].at == int(in.arg) && g.mem[in.arg+typeKind] != kindPointer && (code[i+1].op == opI64Eq || code[i+1].op == opI64Ne):
		default:
			g.lead(k, known)
		}
	}
}

// isTaken reports whether a constant is stored as an argument of a call of one of typeTakers.
func (g *callGraph) isTaken(code []ins, i int) bool {
	if i == 0 || i+1 >= len(code) || code[i-1].op != opLocalGet || code[i-1].arg != 1 || code[i+1].op != opI64Store {
		return false
	}
	for _, in := range code[i+2:] {
		switch op := in.op; {
		case op == opCall:
			to := int(in.arg) - g.imports
			return to >= 0 && slices.ContainsFunc(typeTakers, func(taker typeTaker) bool {
				return taker.off == code[i+1].off && isNamed(g.name(to), taker.names)
			})
		case op < opDrop && op != opNop: // control may go elsewhere
			return false
		}
	}
	return false
}

// passAll passes on how a program leads to types, until nothing changes.
func (g *typeGraph) passAll() {
	for len(g.next) > 0 {
		i := g.next[len(g.next)-1]
		g.next = g.next[:len(g.next)-1]
		g.pass(i)
	}
}

// pass passes on how a program leads to a type, to those that it consists of.
func (g *typeGraph) pass(i int) {
	le := binary.LittleEndian
	s := g.types[i]
	isMap := g.mem[s.at+typeKind] == kindMap
	if isMap { // the runtime hashes and compares keys as their types say
		if key, ok := g.index[int(le.Uint64(g.mem[s.at+mapKey:]))]; ok {
			g.note(key, known)
		}
	}
	if g.uses[i] != known && !g.isReadByRuntime(s.at) {
		return
	}
	for at := s.at + typeSize; at+8 <= s.end; at += 8 {
		to := g.uses[i]
		if isMap && at == s.at+mapGroup {
			to = laidOut
		}
		g.leadTo(int(le.Uint64(g.mem[at:])), to)
	}
	if g.uses[i] != known {
		return
	}
	for at := s.at + typeSize; at+4 <= s.end; at += 4 {
		if to, ok := g.index[g.at.at+int(le.Uint32(g.mem[at:]))]; ok {
			g.lead(to, known)
		}
	}
	if to, ok := g.pointerTo(s.at); ok && g.mem[g.types[to].at+typeFlags]&flagUncommon != 0 {
		g.lead(to, known)
	}
}

// pointerTo gives the pointer to a type, if there is one. Reflection makes one that is alike, unless it has methods.
func (g *typeGraph) pointerTo(at int) (i int, ok bool) {
	i, ok = g.index[g.at.at+int(binary.LittleEndian.Uint32(g.mem[at+typePtrToThis:]))]
	return i, ok
}

// isReadByRuntime reports whether the runtime reads of a type what it consists of, where it lays something out by it: a map, a channel,
// and what has its mask made when it is asked for.
func (t *typeTable) isReadByRuntime(at int) bool {
	kind := t.mem[at+typeKind]
	return kind == kindMap || kind == kindChan || t.mem[at+typeFlags]&flagMaskOnDemand != 0
}
