package main

import (
	"encoding/binary"
	"slices"
	"strings"
)

// maxUnused is how many functions of a thousand a linker may leave that nothing leads to. More of them say that there is a
// way to name a function that is not known here.
const maxUnused = 10

// fate is what becomes of a function.
type fate int

const (
	kept    fate = iota
	returns      // it returns at once
	traps        // it is not called
)

// check reports whether it is known what leads to the functions that a linker left.
func (g *callGraph) check() error {
	unused := 0
	for _, reached := range g.reach(make([]fate, len(g.functions))) {
		if !reached {
			unused++
		}
	}
	if unused*1000 > maxUnused*len(g.functions) {
		return shapef("%d of %d functions that nothing leads to", unused, len(g.functions))
	}
	return nil
}

// prune decides which functions stay: what is reached from the host and from data, without what is cut.
func (g *callGraph) prune() []fate {
	fates := make([]fate, len(g.functions))
	for _, c := range cuts {
		if !g.allows(c) {
			continue
		}
		for i := range fates {
			switch {
			case !isNamed(g.name(i), c.names):
			case c.returns:
				fates[i] = returns
			default:
				fates[i] = traps
			}
		}
	}
	for i, reached := range g.reach(fates) {
		if !reached {
			fates[i] = traps
		}
	}
	return fates
}

// isNamed reports whether a name is in a list, in which a * at the end stands for the rest.
func isNamed(name string, list []string) bool {
	for _, l := range list {
		if prefix, ok := strings.CutSuffix(l, "*"); name == l || ok && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// callGraph says which functions lead to which.
type callGraph struct {
	imports   int
	functions []function
	leadsTo   [][]int // by calls, and by naming them in the code
	names     [][]int // by naming them; by a return address, a function names itself
	exported  []bool
	roots     []bool // those that the host or data name
}

func (g *callGraph) name(i int) string { return g.functions[i].name }

// allows reports whether what a cut asks for holds.
func (g *callGraph) allows(c cut) bool {
	for i := range g.functions {
		if isNamed(g.name(i), c.unless) {
			return false
		}
		if _, watched := c.callers[g.name(i)]; watched && g.roots[i] {
			return false
		}
		for _, to := range g.leadsTo[i] {
			if callers, watched := c.callers[g.name(to)]; watched && to != i && !isNamed(g.name(i), callers) {
				return false
			}
		}
	}
	return true
}

// reach finds what is reached. What is not kept leads nowhere.
func (g *callGraph) reach(fates []fate) []bool {
	reached := make([]bool, len(fates))
	var next []int
	visit := func(i int) {
		if !reached[i] {
			reached[i] = true
			next = append(next, i)
		}
	}
	for i, root := range g.roots {
		if root {
			visit(i)
		}
	}
	for len(next) > 0 {
		i := next[len(next)-1]
		next = next[:len(next)-1]
		if fates[i] != kept {
			continue
		}
		for _, to := range g.leadsTo[i] {
			visit(to)
		}
	}
	return reached
}

// named gives the functions that may be called by their addresses: those that data, the host or a function that stays names.
func (g *callGraph) named(fates []fate) []bool {
	named := slices.Clone(g.roots)
	for i, names := range g.names {
		if fates[i] != kept {
			continue
		}
		for _, to := range names {
			named[to] = true
		}
	}
	return named
}

// newCallGraph finds all that names a function. The linker writes a function as the index in a call, as an address PC_F<<16
// in code and in data, as a PC_F in the tables of methods, and as an index among the exports.
func newCallGraph(m *module, t *symtab, bodies []body) (*callGraph, error) {
	imports, err := m.section(sectionImport)
	if err != nil {
		return nil, err
	}
	first := (&reader{data: imports.body}).u32()
	n := len(bodies)
	g := &callGraph{imports: first, functions: t.functions, leadsTo: make([][]int, n), names: make([][]int, n), exported: make([]bool, n)}
	for i, b := range bodies {
		for _, in := range b.code {
			to := -1
			switch in.op {
			case opCall:
				to = int(in.arg) - first
			case opI32Const, opI64Const:
				to = int(in.arg>>16) - pcBase
			}
			if to < 0 || to >= n {
				continue
			}
			g.leadsTo[i] = append(g.leadsTo[i], to)
			if in.op != opCall && (to != i || in.arg&0xffff == 0) {
				g.names[i] = append(g.names[i], to)
			}
		}
	}
	exports, err := m.section(sectionExport)
	if err != nil {
		return nil, err
	}
	r := &reader{data: exports.body}
	for n := r.u32(); n > 0; n-- {
		r.bytes(r.u32())
		if kind, index := r.byte(), r.u32(); kind == 0 && index >= first {
			g.exported[index-first] = true
		}
	}
	g.readData(t)
	return g, r.err
}

// readData takes every number in the data that can be an address of a function, or a pair of PC_Fs, for one. It is called anew
// when data has become less.
func (g *callGraph) readData(t *symtab) {
	g.roots = slices.Clone(g.exported)
	pcF := func(v int) bool { return v >= pcBase && v < pcBase+len(g.roots) }
	for at := 0; at+8 <= len(t.mem); at += 4 {
		low, high := int(binary.LittleEndian.Uint32(t.mem[at:])), int(binary.LittleEndian.Uint32(t.mem[at+4:]))
		switch {
		case t.isTable(at):
		case at%8 == 0 && high == 0 && pcF(low>>16):
			g.roots[low>>16-pcBase] = true
		case pcF(low) && pcF(high): // the method by its interface, and by its own type
			g.roots[low-pcBase], g.roots[high-pcBase] = true, true
		}
	}
}

// prunedBody is what a function that is not kept consists of.
func (f fate) prunedBody() body {
	if f == traps {
		return body{locals: []byte{0}, code: []ins{{op: opUnreachable}, {op: opEnd}}}
	}
	return body{locals: []byte{0}, code: []ins{
		{op: opGlobalGet}, {op: opI32Const, arg: 8}, {op: opI32Add}, {op: opGlobalSet}, {op: opI32Const}, {op: opEnd},
	}}
}
