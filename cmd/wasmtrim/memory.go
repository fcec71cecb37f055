package main

import (
	"encoding/binary"
)

// maxMemory bounds the static data of a module.
const maxMemory = 1 << 30

// minGap is the length of a run of zeros from which it is cheaper, after compression, to end a segment and start another.
const minGap = 1024

// memory is what the linear memory holds when a module starts. Addresses are indices.
type memory []byte

// parseMemory lays out the segments of a data section.
func parseMemory(body []byte) (memory, error) {
	r := &reader{data: body}
	var mem memory
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		if r.byte() != 0 || r.byte() != opI32Const {
			return nil, shapef("a data segment that is not active at a constant")
		}
		at := r.s64()
		if r.byte() != opEnd {
			return nil, shapef("a data segment that is not active at a constant")
		}
		data := r.bytes(r.u32())
		if at < 0 || at > maxMemory-int64(len(data)) {
			return nil, shapef("a data segment at %d", at)
		}
		if end := int(at) + len(data); end > len(mem) {
			mem = append(mem, make([]byte, end-len(mem))...)
		}
		copy(mem[at:], data)
	}
	return mem, r.err
}

// section writes memory as a data section. Go's linker ends a segment at every few zeros, and the headers of the tens of
// thousands of segments weigh more, compressed, than the zeros do.
func (mem memory) section() []byte {
	var body []byte
	count := 0
	for at := 0; at < len(mem); {
		if mem[at] == 0 {
			at++
			continue
		}
		end, zeros := at, 0
		for i := at; i < len(mem) && zeros < minGap; i++ {
			zeros++
			if mem[i] != 0 {
				end, zeros = i+1, 0
			}
		}
		body = append(body, 0, opI32Const)
		body = appendS64(body, int64(at))
		body = append(body, opEnd)
		body = binary.AppendUvarint(body, uint64(end-at))
		body = append(body, mem[at:end]...)
		count++
		at = end
	}
	return append(binary.AppendUvarint(nil, uint64(count)), body...)
}
