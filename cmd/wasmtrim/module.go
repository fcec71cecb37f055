package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// errShape says that a module is not what Go's linker writes, so nothing is done to it.
var errShape = errors.New("not a module as Go 1.26 links it for js/wasm or wasip1/wasm: trim what `go build` wrote, untouched by other tools, or leave it as it is")

func shapef(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errShape, fmt.Sprintf(format, args...))
}

// The sections of a module that are of interest here.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionMemory   = 5
	sectionExport   = 7
	sectionStart    = 8
	sectionElement  = 9
	sectionCode     = 10
	sectionData     = 11
)

const pageSize = 1 << 16 // of memory

const header = "\x00asm\x01\x00\x00\x00"

// section is one section of a module: its id, and its bytes without id and length.
type section struct {
	id   byte
	body []byte
}

// module is a WebAssembly module as a list of sections.
type module struct {
	sections []*section
}

// parseModule cuts a module into its sections.
func parseModule(data []byte) (*module, error) {
	if len(data) < len(header) || string(data[:len(header)]) != header {
		return nil, shapef("no WebAssembly header")
	}
	r := &reader{data: data[len(header):]}
	m := &module{}
	for r.more() {
		id := r.byte()
		m.sections = append(m.sections, &section{id: id, body: r.bytes(r.u32())})
	}
	return m, r.err
}

// bytes writes the module. Custom sections are left out: they name the tools, the build and the functions.
func (m *module) bytes() []byte {
	out := []byte(header)
	for _, s := range m.sections {
		if s.id == sectionCustom {
			continue
		}
		out = append(out, s.id)
		out = binary.AppendUvarint(out, uint64(len(s.body)))
		out = append(out, s.body...)
	}
	return out
}

// section finds the one section with an id.
func (m *module) section(id byte) (*section, error) {
	for _, s := range m.sections {
		if s.id == id {
			return s, nil
		}
	}
	return nil, shapef("no section %d", id)
}

// functionTypes gives the types of the functions, of which there are so many.
func (m *module) functionTypes(n int) (types []int, err error) {
	s, err := m.section(sectionFunction)
	if err != nil {
		return nil, err
	}
	r := &reader{data: s.body}
	if declared := r.u32(); declared != n {
		return nil, shapef("%d functions, and %d bodies", declared, n)
	}
	for range n {
		types = append(types, r.u32())
	}
	return types, r.err
}

// needMemory makes the memory that a module starts with so many bytes, if it has fewer.
func (m *module) needMemory(size int) error {
	s, err := m.section(sectionMemory)
	if err != nil {
		return err
	}
	r := &reader{data: s.body}
	if memories, bounds, pages := r.u32(), r.byte(), r.u32(); memories != 1 || bounds != 0 || r.more() {
		return shapef("a memory that is bounded, or more than one")
	} else if needed := (size + pageSize - 1) / pageSize; pages < needed {
		s.body = binary.AppendUvarint([]byte{1, 0}, uint64(needed))
	}
	return r.err
}

// setStart names the function that runs before all else.
func (m *module) setStart(function int) error {
	for i, s := range m.sections {
		switch s.id {
		case sectionStart:
			return shapef("a module that starts something")
		case sectionElement:
			m.sections = slices.Insert(m.sections, i, &section{id: sectionStart, body: binary.AppendUvarint(nil, uint64(function))})
			return nil
		}
	}
	return shapef("no section %d", sectionElement)
}

// reader reads WebAssembly's binary format. The first error stays, and everything read after it is zero.
type reader struct {
	data []byte
	pos  int
	err  error
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.data) }

func (r *reader) fail() {
	if r.err == nil {
		r.err = shapef("unexpected end at byte %d", r.pos)
	}
}

func (r *reader) byte() byte {
	if !r.more() {
		r.fail()
		return 0
	}
	r.pos++
	return r.data[r.pos-1]
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.data)-r.pos {
		r.fail()
		return nil
	}
	r.pos += n
	return r.data[r.pos-n : r.pos]
}

// u32 reads an unsigned LEB128 number.
func (r *reader) u32() int {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v >= 1<<32 {
				break
			}
			return int(v)
		}
	}
	r.fail()
	return 0
}

// s64 reads a signed LEB128 number.
func (r *reader) s64() int64 {
	var v int64
	for shift := 0; shift < 70; shift += 7 {
		b := r.byte()
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if shift+7 < 64 && b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.fail()
	return 0
}

// appendS64 appends a signed LEB128 number.
func appendS64(out []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
