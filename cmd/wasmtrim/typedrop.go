package main

import "encoding/binary"

// dropTypes leaves of types what a program may ask of them: nothing of those that nothing leads to, and of those that it does not
// get hold of what the runtime reads. It gives the names that they had.
func (g *typeGraph) dropTypes(t *symtab, c *callGraph, fates []fate, bodies []body) (names []uint32) {
	g.follow(t, c, fates, bodies)
	var equals []int
	for i, s := range g.types {
		if g.uses[i] == known {
			if to, ok := g.pointerTo(s.at); ok && g.uses[to] != known {
				binary.LittleEndian.PutUint32(g.mem[s.at+typePtrToThis:], 0)
			}
			continue
		}
		names = append(names, g.namesIn(s.at)...)
		equals = append(equals, int(binary.LittleEndian.Uint64(g.mem[s.at+typeEqual:])))
		if g.uses[i] == unused {
			clear(g.mem[s.at:s.end])
			continue
		}
		g.layOutOnly(s)
	}
	g.dropFunctionsAt(equals, fates, bodies)
	return names
}

// namesIn gives the names that a type has: its own, and those of its fields and methods.
func (t *typeTable) namesIn(at int) (names []uint32) {
	le := binary.LittleEndian
	d := t.mem[at:]
	names = append(names, le.Uint32(d[typeName:]))
	switch d[typeKind] {
	case kindStruct:
		fields := int(le.Uint64(d[structFields:]))
		for n := int(le.Uint64(d[structFields+8:])); n > 0; n-- {
			names = append(names, uint32(int(le.Uint64(t.mem[fields:]))-t.at.at))
			fields += fieldSize
		}
	case kindInterface:
		asked := int(le.Uint64(d[interfaceMethods:]))
		for n := int(le.Uint64(d[interfaceMethods+8:])); n > 0; n-- {
			names = append(names, le.Uint32(t.mem[asked:]))
			asked += askedSize
		}
	}
	return names
}

// layOutOnly leaves of a type what the runtime reads that lays something out by it.
func (t *typeTable) layOutOnly(s span) {
	le := binary.LittleEndian
	d := t.mem[s.at:s.end]
	le.PutUint32(d[typeHash:], 0)
	le.PutUint64(d[typeEqual:], 0)
	le.PutUint32(d[typeName:], 0)
	le.PutUint32(d[typePtrToThis:], 0)
	d[typeFlags] &^= flagExtraStar | flagUncommon
	if !t.isReadByRuntime(s.at) {
		clear(d[typeSize:])
	}
}

// dropFunctionsAt makes zeros of the words with the addresses of functions that compare, if nothing leads to them any longer.
func (t *typeTable) dropFunctionsAt(words []int, fates []fate, bodies []body) {
	le := binary.LittleEndian
	left := map[int]bool{}
	for at := 0; at+8 <= len(t.mem); at += 8 {
		left[int(le.Uint64(t.mem[at:]))] = true
	}
	for c := range constantsOf(fates, bodies) {
		left[int(c)] = true
	}
	for _, at := range words {
		if at != 0 && !left[at] {
			le.PutUint64(t.mem[at:], 0)
		}
	}
}
