//go:build !js

package zstd

import (
	"encoding/binary"
	"slices"
)

// A Sample says of a block, from a few bytes here and there, whether it is worth a try to compress it: pictures, archives and what is
// encrypted are not, and the try costs as much as their hash. It is given the large pieces of the block, from which it takes
// 64 bytes in every 4096. A zero Sample is ready.
type Sample struct {
	size  int   // of the pieces
	taken int64 // bytes of them
	count [256]int64
	words []uint64 // the first of each time it took some
}

const (
	sampleEvery = 4096
	sampleSize  = 64
)

// Reset begins another block.
func (s *Sample) Reset() { *s = Sample{words: s.words[:0]} }

// Add looks at a piece of the block. It leaves small ones aside.
func (s *Sample) Add(piece []byte) {
	if len(piece) < sampleEvery {
		return
	}
	s.size += len(piece)
	for at := sampleSize; at+sampleSize <= len(piece); at += sampleEvery { // behind what says that it is a picture
		for _, c := range piece[at : at+sampleSize] {
			s.count[c]++
		}
		s.taken += sampleSize
		s.words = append(s.words, binary.LittleEndian.Uint64(piece[at:]))
	}
}

// minSampled is how many bytes have to be taken for their numbers to mean something.
const minSampled = 1024

// Noise reports whether a block of size bytes, those of the pieces among them, is hardly anything but noise: what it has beside large
// pieces is a small part, all bytes are about as frequent in these, and none of them is what another one is, or begins as another one does.
func (s *Sample) Noise(size int) bool {
	if s.taken < minSampled || s.size < size-size/16 || s.unlike() > 256+s.taken/8 {
		return false
	}
	slices.Sort(s.words)
	return len(slices.Compact(s.words)) == len(s.words)
}

// unlike is Pearson's chi-square of the bytes that were taken against bytes that are equally frequent. Noise has some 256; each bit that
// a byte could be shorter adds 1.4 times the number of bytes.
func (s *Sample) unlike() int64 {
	var sum int64
	for _, n := range s.count {
		sum += n * n
	}
	return sum*256/s.taken - s.taken
}
