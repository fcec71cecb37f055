package main

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
)

func TestSameFunctionsAreFolded(t *testing.T) {
	const imports = 2
	call := func(function int64) body {
		return body{locals: []byte{0}, code: []ins{{op: opCall, arg: function}, {op: opEnd}}}
	}
	bodies := []body{
		call(0),           // the host
		call(imports + 0), // a function
		call(0),
		call(imports + 2), // the same one, by way of its twin
		call(imports + 3), // the twin of what calls that one
		call(imports + 1),
		call(1), // another one of the host
		call(0), // of another type
	}
	types := []int{3, 3, 3, 3, 3, 3, 3, 4}
	if got, want := fold(imports, bodies, types), []int{0, 1, 0, 1, 4, 4, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("folded %v, want %v", got, want)
	}
}

func TestTableHasWhatIsCalled(t *testing.T) {
	a := &arrangement{imports: 1, place: []int{2, 0, 1, 0}}
	in := appendS64([]byte{1, 0, opI32Const}, pcBase)
	head := append(in, opEnd)
	got, err := a.elements(&reader{data: append(slices.Clone(head), 3, 1, 2, 3)}, []bool{true, false, true}, 4)
	if want := append(slices.Clone(head), 3, 3, 1, 2); err != nil || !bytes.Equal(got, want) {
		t.Errorf("elements % x, %v; want % x", got, err, want)
	}
	for _, fates := range [][]fate{{kept, kept, traps, kept}, {kept, kept, traps, returns}} {
		c := &callees{resumes: []bool{true, false, false, false}}
		if got, want := c.table([]bool{false, false, true, true}, fates), []bool{true, false, false, true}; !slices.Equal(got, want) {
			t.Errorf("in the table %v, want %v", got, want)
		}
	}
}

// TestNamesAreFound asks who may be called by an address: whom data, the host or another function names, and not who names itself by a
// return address.
func TestNamesAreFound(t *testing.T) {
	g := &callGraph{
		roots: []bool{true, false, false, false, false},
		names: [][]int{{1}, nil, {3}, nil, nil},
	}
	if got, want := g.named([]fate{kept, kept, traps, kept, kept}), []bool{true, true, false, false, false}; !slices.Equal(got, want) {
		t.Errorf("named %v, want %v", got, want)
	}
	address := func(function, pc int64) ins { return ins{op: opI64Const, arg: (pcBase+function)<<16 | pc} }
	bodies := []body{
		{code: []ins{address(0, 5), address(1, 0), {op: opCall, arg: 3}}},
		{code: []ins{address(1, 0)}},
		{code: []ins{address(1, 3)}},
	}
	m := &module{sections: []*section{{id: sectionImport, body: []byte{1}}, {id: sectionExport, body: []byte{1, 1, 'e', 0, 2}}}}
	g, err := newCallGraph(m, &symtab{mem: binary.LittleEndian.AppendUint64(nil, (pcBase+2)<<16), functions: make([]function, 3)}, bodies)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]int{{1}, {1}, {1}}; !reflect.DeepEqual(g.names, want) {
		t.Errorf("names %v, want %v", g.names, want)
	}
	if want := [][]int{{0, 1, 2}, {1}, {1}}; !reflect.DeepEqual(g.leadsTo, want) {
		t.Errorf("leads to %v, want %v", g.leadsTo, want)
	}
	if want := []bool{false, true, true}; !slices.Equal(g.roots, want) {
		t.Errorf("roots %v, want %v", g.roots, want)
	}
}
