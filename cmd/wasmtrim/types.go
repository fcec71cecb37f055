package main

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Layouts of Go 1.26: Type in internal/abi/type.go, moduledata in runtime/symtab.go.
const (
	typeSize = 48 // of abi.Type, without what its kind adds

	typeHash      = 16
	typeFlags     = 20
	typeKind      = 23
	typeEqual     = 24
	typeGCData    = 32
	typeName      = 40
	typePtrToThis = 44

	uncommonSize    = 16
	uncommonCount   = 4
	uncommonMethods = 8 // how far behind it they are
	methodSize      = 16
	methodType      = 4

	interfaceMethods = 56 // a slice
	askedSize        = 8
	askedType        = 4

	structFields = 56 // a slice
	structSize   = 80
	fieldSize    = 24

	flagUncommon     = 1 << 0
	flagExtraStar    = 1 << 1
	flagMaskOnDemand = 1 << 4
	knownFlags       = 1<<6 - 1

	pointerElem = 48
	mapKey      = 48
	mapGroup    = 64
	funcIn      = 48 // how many parameters, and then how many results
	variadic    = 1 << 15

	kindChan      = 18
	kindFunc      = 19
	kindInterface = 20
	kindMap       = 21
	kindPointer   = 22
	kindStruct    = 25
	lastKind      = 26

	longestAlignment = 16
	knownNameFlags   = 1<<4 - 1

	wordTypes     = 37 // of moduledata: where types begin and end
	wordTypelinks = 45 // those that reflection finds by their names, in the order of these
)

// hiddenTypes are parts of the names of types that no program can name: what a closure and a method value hold, what
// instances of generic code share, and what maps consist of. They are there for the garbage collector.
var hiddenTypes = []string{"*struct { F uintptr; X0 ", "*struct { F uintptr; R ", "go.shape.", "*map.group["}

// sizeOfKind is how long a type is with what its kind adds; what methods it has comes behind that.
var sizeOfKind = map[byte]int{17: 72, 18: 64, 19: 56, 20: 80, 21: 112, 22: 56, 23: 56, 25: 80}

// methodFinders are functions that find methods of a type by their names or numbers.
var methodFinders = []string{"reflect.(*rtype).Method*", "reflect.Value.Method*"}

// typeTable is where the types lie.
type typeTable struct {
	mem   memory
	at    span
	links span
	count []byte // the word that says how many links there are
}

// method is a name and a type.
type method struct {
	name string
	typ  uint32
}

// dropMethods leaves out the methods of types that match those of no interface, and gives their names. A method that is called
// is in the code, and in the tables that are there for a type and an interface; in its type it is looked for to make such a
// table while the program runs, and by reflection.
func dropMethods(t *symtab) (names []uint32) {
	if slices.ContainsFunc(t.functions, func(f function) bool { return isNamed(f.name, methodFinders) }) {
		return nil
	}
	types := t.types()
	asked := map[method]bool{}
	for at := range types.all() {
		if types.mem[at+typeKind] == kindInterface {
			types.addAsked(at, asked)
		}
	}
	for at := range types.all() {
		if types.mem[at+typeFlags]&flagUncommon != 0 {
			names = append(names, types.dropMethods(at, asked)...)
		}
	}
	return names
}

// shrinkTypes leaves of the types what is read: of their hashes, and of those that are hidden. What refers to names that were
// dropped is gone.
//
// A type switch compares hashes with constants, and then types: a hash that no code has as a constant may be any other. The table
// of the methods that a type has for an interface is found by the hashes of both: one byte spreads those well enough.
func shrinkTypes(t *symtab, fates []fate, bodies []body, dropped []uint32) {
	le := binary.LittleEndian
	constants := constantsOf(fates, bodies)
	types := t.types()
	hidden := map[int]bool{}
	for at, name := range types.all() {
		d := types.mem[at : at+typeSize]
		hash, uncommon := le.Uint32(d[typeHash:]), d[typeFlags]&flagUncommon != 0
		switch {
		case constants[hash], d[typeKind] == kindInterface:
		case uncommon:
			le.PutUint32(d[typeHash:], hash&0xff)
		default:
			le.PutUint32(d[typeHash:], 0)
		}
		if types.isHidden(name) {
			hidden[at] = true
			dropped = append(dropped, le.Uint32(d[typeName:]))
		}
	}
	types.unlink(func(at int) bool { return hidden[at] })
	for at := range hidden {
		types.hide(at)
	}
	types.forget(dropped, constants)
}

// isHidden reports whether a type of a name is one that no program can name.
func (t *typeTable) isHidden(name span) bool {
	text := string(t.mem[name.at:name.end])
	return slices.ContainsFunc(hiddenTypes, func(part string) bool { return strings.Contains(text, part) })
}

// constantsOf gives the constants of functions that stay, or of larger ones the lower half.
func constantsOf(fates []fate, bodies []body) map[uint32]bool {
	constants := map[uint32]bool{}
	for i, b := range bodies {
		if fates[i] != kept {
			continue
		}
		for _, in := range b.code {
			if in.op == opI32Const || in.op == opI64Const {
				constants[uint32(in.arg)] = true
			}
		}
	}
	return constants
}

func (t *symtab) types() *typeTable {
	le := binary.LittleEndian
	word := func(i int) int { return int(le.Uint64(t.module[8*i:])) }
	return &typeTable{
		mem: t.mem, at: span{word(wordTypes), word(wordTypes + 1)},
		links: span{word(wordTypelinks), word(wordTypelinks) + 4*word(wordTypelinks+1)},
		count: t.module[8*(wordTypelinks+1):],
	}
}

// all gives the addresses of the types, and where their names lie.
func (t *typeTable) all() iter.Seq2[int, span] {
	return func(yield func(int, span) bool) {
		for at := (t.at.at + 7) &^ 7; at+typeSize <= t.at.end; at += 8 {
			if name, ok := t.typeAt(at); ok && !yield(at, name) {
				return
			}
		}
	}
}

// typeAt reports whether a type lies at an address, and where its name does. Between types lie names, and lists of fields and
// methods: pointers have zeros where a type has its alignment, and no text has zeros where a type has the high half of its size.
func (t *typeTable) typeAt(at int) (name span, ok bool) {
	le := binary.LittleEndian
	d := t.mem[at : at+typeSize]
	size, pointers, mask, equal := le.Uint64(d), le.Uint64(d[8:]), le.Uint64(d[typeGCData:]), le.Uint64(d[typeEqual:])
	flags, alignment, inFields, kind := d[typeFlags], d[typeFlags+1], d[typeFlags+2], d[typeKind]
	if size > maxMemory || pointers > size || pointers%8 != 0 || mask >= uint64(len(t.mem)) || pointers != 0 && mask == 0 {
		return span{}, false
	}
	if equal >= uint64(len(t.mem)) || equal%8 != 0 || int(le.Uint32(d[typePtrToThis:])) > t.at.end-t.at.at {
		return span{}, false
	}
	if !isAlignment(alignment) || !isAlignment(inFields) || size%uint64(alignment) != 0 || kind == 0 || kind > lastKind || flags > knownFlags {
		return span{}, false
	}
	name, ok = t.name(le.Uint32(d[typeName:]))
	return name, ok && utf8.Valid(t.mem[name.at:name.end])
}

func isAlignment(n byte) bool { return n != 0 && n <= longestAlignment && n&(n-1) == 0 }

// name finds the text of a name: flags and a length come before it.
func (t *typeTable) name(offset uint32) (text span, ok bool) {
	at := t.at.at + int(offset)
	if offset == 0 || at >= t.at.end || t.mem[at] > knownNameFlags {
		return span{}, false
	}
	length, n := binary.Uvarint(t.mem[at+1 : t.at.end])
	at += 1 + n
	if n <= 0 || length == 0 || length > uint64(t.at.end-at) {
		return span{}, false
	}
	return span{at, at + int(length)}, true
}

// addAsked adds the methods of an interface.
func (t *typeTable) addAsked(at int, asked map[method]bool) {
	le := binary.LittleEndian
	d := t.mem[at+interfaceMethods:]
	for m := range slices.Chunk(t.mem[le.Uint64(d):][:askedSize*le.Uint64(d[8:])], askedSize) {
		asked[t.method(m, askedType)] = true
	}
}

// method is a method of a type or an interface: the name comes first.
func (t *typeTable) method(m []byte, typ int) method {
	le := binary.LittleEndian
	name, _ := t.name(le.Uint32(m))
	return method{string(t.mem[name.at:name.end]), le.Uint32(m[typ:])}
}

// uncommonAt gives where it lies which methods a type has, if it has any.
func (t *typeTable) uncommonAt(at int) int {
	if size, ok := sizeOfKind[t.mem[at+typeKind]]; ok {
		return at + size
	}
	return at + typeSize
}

// dropMethods makes zeros of the methods of a type that nobody asks for, and gives their names.
func (t *typeTable) dropMethods(at int, asked map[method]bool) (names []uint32) {
	le := binary.LittleEndian
	uncommon := t.uncommonAt(at)
	first, n := uncommon+int(le.Uint32(t.mem[uncommon+uncommonMethods:])), int(le.Uint16(t.mem[uncommon+uncommonCount:]))
	for m := range slices.Chunk(t.mem[first:first+methodSize*n], methodSize) {
		if !asked[t.method(m, methodType)] {
			names = append(names, le.Uint32(m))
			clear(m)
		}
	}
	return names
}

// linkReaders are what finds a type by its name, and all that may call it: what asks for a pointer to a type.
var linkReaders = cut{callers: map[string][]string{
	"reflect.typelinks":     {"reflect.typesByString"},
	"reflect.typesByString": {"reflect.(*rtype).ptrTo"},
}}

// isFound reports whether those do not look for a type by its name: one that is no pointer, or one that its element leads to.
func (t *typeTable) isFound(at int) bool {
	le := binary.LittleEndian
	if t.mem[at+typeKind] != kindPointer {
		return true
	}
	elem := le.Uint64(t.mem[at+pointerElem:])
	return int(le.Uint32(t.mem[elem+typePtrToThis:])) == at-t.at.at
}

// dropLinks takes types out of those that are found by their names which nobody looks for.
func dropLinks(t *symtab, g *callGraph) {
	if g.allows(linkReaders) {
		types := t.types()
		types.unlink(types.isFound)
	}
}

// unlink takes types out of those that are found by their names.
func (t *typeTable) unlink(without func(at int) bool) {
	le := binary.LittleEndian
	links, left := t.mem[t.links.at:t.links.end], 0
	for at := 0; at < len(links); at += 4 {
		if link := le.Uint32(links[at:]); !without(t.at.at + int(link)) {
			le.PutUint32(links[left:], link)
			left += 4
		}
	}
	clear(links[left:])
	le.PutUint64(t.count, uint64(left/4))
}

// hide leaves a type neither name nor fields.
func (t *typeTable) hide(at int) {
	le := binary.LittleEndian
	d := t.mem[at : at+structSize]
	le.PutUint32(d[typeName:], 0)
	d[typeFlags] &^= flagExtraStar
	// Where a mask is made when it is asked for, it is made of the fields.
	if d[typeKind] == kindStruct && d[typeFlags]&flagMaskOnDemand == 0 {
		fields := t.mem[le.Uint64(d[structFields:]):]
		clear(fields[:fieldSize*le.Uint64(d[structFields+8:])])
		clear(d[structFields:structSize])
	}
}

// forget makes zeros of names that nothing refers to any longer: no word of memory and no constant is their offset or address.
func (t *typeTable) forget(names []uint32, constants map[uint32]bool) {
	le := binary.LittleEndian
	words := map[uint32]bool{}
	for at := 0; at+4 <= len(t.mem); at += 4 {
		words[le.Uint32(t.mem[at:])] = true
	}
	for _, offset := range names {
		address := uint32(t.at.at) + offset
		if text, ok := t.name(offset); ok && !words[offset] && !words[address] && !constants[address] {
			clear(t.mem[address:text.end])
		}
	}
}
