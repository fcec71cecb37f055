package main

import (
	"cmp"
	"compress/flate"
	"encoding/binary"
	"slices"
)

// shortIndices is how many functions have an index of one byte.
const shortIndices = 128

// arrangement is an order of the functions of a module, those of the host apart, which stay first.
type arrangement struct {
	imports int
	same    []int // the first function that is the same as each
	order   []int // which function is at each place
	place   []int // where each function is
}

// newArrangement puts those that are called most often first, and of the others those side by side that are alike. Of functions
// that are the same, one stays.
func newArrangement(imports int, bodies []body, types []int) *arrangement {
	calls := make([]int, len(bodies))
	a := &arrangement{imports: imports, same: fold(imports, bodies, types), place: make([]int, len(bodies))}
	for i, b := range bodies {
		if a.same[i] != i {
			continue
		}
		a.order = append(a.order, i)
		for _, in := range b.code {
			if in.op == opCall && int(in.arg) >= imports {
				calls[a.same[int(in.arg)-imports]]++
			}
		}
	}
	slices.SortStableFunc(a.order, func(x, y int) int { return cmp.Compare(calls[y], calls[x]) })
	rest := a.order[min(len(a.order), max(0, shortIndices-imports)):]
	slices.Sort(rest)
	written := make([][]byte, len(rest))
	for i, function := range rest {
		written[i] = bodies[function].bytes(func(index int) int { return index })
	}
	sorted, best, smallest := slices.Clone(rest), slices.Clone(rest), 0
	for _, l := range likenesses {
		for i, at := range bySimilarity(written, l) {
			rest[i] = sorted[at]
		}
		a.settle()
		if size := deflated(a.code(bodies)); smallest == 0 || size < smallest {
			smallest = size
			copy(best, rest)
		}
	}
	copy(rest, best)
	a.settle()
	return a
}

// settle notes where each function is.
func (a *arrangement) settle() {
	for place, function := range a.order {
		a.place[function] = place
	}
	for function, same := range a.same {
		a.place[function] = a.place[same]
	}
}

// fold finds functions of one type that consist of the same instructions, and call the same ones. What an address stands for is an
// index of the table, not a function: there, one function may be at many places.
func fold(imports int, bodies []body, types []int) (same []int) {
	for i := range bodies {
		same = append(same, i)
	}
	for changed := true; changed; {
		changed = false
		first := map[string]int{}
		for i, b := range bodies {
			if same[i] != i {
				continue
			}
			content := string(binary.AppendUvarint(nil, uint64(types[i]))) + string(b.bytes(func(index int) int {
				if index < imports {
					return index
				}
				return imports + same[index-imports]
			}))
			if j, ok := first[content]; ok {
				same[i], changed = j, true
			} else {
				first[content] = i
			}
		}
		for i := range same {
			same[i] = same[same[i]]
		}
	}
	return same
}

// deflated gives the size of bytes after compression.
func deflated(data []byte) int {
	var out counter
	w, _ := flate.NewWriter(&out, flate.BestCompression) // the level is one that there is
	_, _ = w.Write(data)                                 // a counter takes all
	_ = w.Close()
	return int(out)
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

// moved gives the new index of a function.
func (a *arrangement) moved(index int) int {
	if index < a.imports {
		return index
	}
	return a.imports + a.place[index-a.imports]
}

// arrange writes the bodies, and what names functions by their indices. With one of them the module starts.
func arrange(m *module, h *helpers, bodies []body, start int64) error {
	if err := h.declare(m); err != nil {
		return err
	}
	types, err := m.functionTypes(len(bodies))
	if err != nil {
		return err
	}
	a := newArrangement(h.imports, bodies, types)
	for id, write := range map[byte]func(r *reader) ([]byte, error){
		sectionFunction: func(*reader) ([]byte, error) { return a.types(types), nil },
		sectionExport:   a.exports,
		sectionElement:  func(r *reader) ([]byte, error) { return a.elements(r, h.table, int(start)) },
		sectionCode:     func(*reader) ([]byte, error) { return a.code(bodies), nil },
	} {
		s, err := m.section(id)
		if err != nil {
			return err
		}
		r := &reader{data: s.body}
		if s.body, err = write(r); err != nil {
			return err
		}
		if r.err != nil {
			return r.err
		}
	}
	return m.setStart(a.moved(int(start)))
}

func (a *arrangement) code(bodies []body) []byte {
	out := binary.AppendUvarint(nil, uint64(len(a.order)))
	for _, function := range a.order {
		b := bodies[function].bytes(a.moved)
		out = binary.AppendUvarint(out, uint64(len(b)))
		out = append(out, b...)
	}
	return out
}

func (a *arrangement) types(types []int) []byte {
	out := binary.AppendUvarint(nil, uint64(len(a.order)))
	for _, function := range a.order {
		out = binary.AppendUvarint(out, uint64(types[function]))
	}
	return out
}

func (a *arrangement) exports(r *reader) ([]byte, error) {
	n := r.u32()
	out := binary.AppendUvarint(nil, uint64(n))
	for ; n > 0 && r.err == nil; n-- {
		name := r.bytes(r.u32())
		kind, index := r.byte(), r.u32()
		if kind == 0 {
			index = a.moved(index)
		}
		out = binary.AppendUvarint(out, uint64(len(name)))
		out = append(append(out, name...), kind)
		out = binary.AppendUvarint(out, uint64(index))
	}
	return out, nil
}

// elements writes the table by which functions are called and resumed: its indices, the PC_Fs, stay. In the place of one that is not
// called so is what the module starts with: its type is that of no function of Go, a call would be a trap.
func (a *arrangement) elements(r *reader, called []bool, start int) ([]byte, error) {
	if r.u32() != 1 || r.byte() != 0 || r.byte() != opI32Const || r.s64() != pcBase || r.byte() != opEnd {
		return nil, shapef("elements that do not begin at %#x", pcBase)
	}
	n := r.u32()
	out := slices.Clone(r.data[:r.pos])
	for ; n > 0 && r.err == nil; n-- {
		index := r.u32()
		if function := index - a.imports; function >= 0 && function < len(called) && !called[function] {
			index = start
		}
		out = binary.AppendUvarint(out, uint64(a.moved(index)))
	}
	return out, nil
}

// bytes writes a body, its callees moved.
func (b body) bytes(moved func(int) int) []byte {
	out := slices.Clone(b.locals)
	for _, in := range b.code {
		if in.op == opCall {
			in.arg = int64(moved(int(in.arg)))
		}
		out = in.append(out)
	}
	return out
}
