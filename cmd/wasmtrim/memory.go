package main

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// maxMemory bounds the static data of a module.
const maxMemory = 1 << 30

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

// packedMemory is memory as it lies elsewhere until the module starts, in blocks: nothing of a block of zeros, all of one that
// has few of them, and of another one the bytes that are not zero, with a mask for each eight that says which these are.
type packedMemory struct {
	at    int    // where the kinds lie; masks and bytes follow
	kinds []byte // of blocks
	masks []byte
	bytes []byte
}

// blockSize is how many bytes a block has: few, beside the texts and the types that a module has.
const blockSize = 256

// The kinds of blocks.
const (
	blockEmpty = iota
	blockFull
	blockSparse
)

// pack packs memory, to lie behind an address from which nothing is used. Go's linker ends a segment at every few zeros: the
// headers of tens of thousands of segments weigh more, compressed, than the zeros do, and the zeros more than masks.
func (mem memory) pack(end int) *packedMemory {
	p := &packedMemory{at: (end/blockSize + 1) * blockSize} // not within the last block of memory
	for block := range slices.Chunk(mem, blockSize) {
		zeros := bytes.Count(block, []byte{0})
		switch {
		case zeros == len(block):
			p.kinds = append(p.kinds, blockEmpty)
		case zeros < blockSize/4 && len(block) == blockSize:
			p.kinds = append(p.kinds, blockFull)
			p.bytes = append(p.bytes, block...)
		default:
			p.kinds = append(p.kinds, blockSparse)
			p.addSparse(block)
		}
	}
	return p
}

func (p *packedMemory) addSparse(block []byte) {
	masks := make([]byte, blockSize/8)
	for i, b := range block {
		if b != 0 {
			masks[i/8] |= 1 << (i % 8)
			p.bytes = append(p.bytes, b)
		}
	}
	p.masks = append(p.masks, masks...)
}

func (p *packedMemory) size() int { return len(p.kinds) + len(p.masks) + len(p.bytes) }

// section writes packed memory as a data section.
func (p *packedMemory) section() []byte {
	body := appendS64([]byte{1, 0, opI32Const}, int64(p.at))
	body = binary.AppendUvarint(append(body, opEnd), uint64(p.size()))
	return slices.Concat(body, p.kinds, p.masks, p.bytes)
}
