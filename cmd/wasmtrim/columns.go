package main

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// column is one word of the records of all functions: beside its like it compresses far better than within the records.
type column struct {
	at       int                         // where the word is in a record
	contents []string                    // what it stands for, of each function
	word     func(content string) uint32 // the word itself
}

// number gives the contents, each once, and a number for each function. The contents that several functions have come first,
// the most frequent one as number 1. Those that one function alone has follow in the order of the functions, and the number
// of these is 0: the next one.
func (c column) number() (distinct []string, shared int, numbers []uint32) {
	uses := map[string]int{}
	for _, content := range c.contents {
		if uses[content]++; uses[content] == 2 {
			distinct = append(distinct, content)
		}
	}
	slices.SortStableFunc(distinct, func(a, b string) int { return cmp.Compare(uses[b], uses[a]) })
	shared = len(distinct)
	places := map[string]uint32{}
	for i, content := range distinct {
		places[content] = uint32(i + 1)
	}
	for _, content := range c.contents {
		numbers = append(numbers, places[content])
		if uses[content] == 1 {
			distinct = append(distinct, content)
		}
	}
	return distinct, shared, numbers
}

// packedColumns are columns as they lie in memory until the module starts: headers, words, numbers. Of a word there is how much
// more it is than the one before. The words come as four planes, the lowest bytes of all first, the numbers of each column as
// two.
type packedColumns struct {
	bytes   []byte
	columns int
	words   int
}

// size is how much room they take with the words behind them, once these are laid out.
func (p *packedColumns) size() int { return len(p.bytes) + 4*p.words }

// A header says where in a record the word is, and at which of the words, four bytes each, number 0 would be, and those begin
// that one function alone has.
const (
	headerSize   = 12
	headerShared = 4
	headerOwn    = 8

	wordPlanes   = 4
	numberPlanes = 2
)

// pack numbers the contents of columns, and asks for their words in the order of the columns and numbers.
func pack(columns []column) (*packedColumns, error) {
	p := &packedColumns{columns: len(columns)}
	var more []uint32
	var planes []byte
	last := uint32(0)
	for _, c := range columns {
		distinct, shared, numbers := c.number()
		if shared >= 1<<(8*numberPlanes) {
			return nil, shapef("%d kinds of functions", shared)
		}
		for _, header := range []int{c.at, 4 * (p.words - 1), 4 * (p.words + shared)} {
			p.bytes = binary.LittleEndian.AppendUint32(p.bytes, uint32(header))
		}
		for _, content := range distinct {
			word := c.word(content)
			more = append(more, word-last)
			last = word
		}
		p.words += len(distinct)
		planes = appendPlanes(planes, numbers, numberPlanes)
	}
	p.bytes = append(appendPlanes(p.bytes, more, wordPlanes), planes...)
	return p, nil
}

// appendPlanes appends the lowest bytes of all numbers, then the next ones.
func appendPlanes(out []byte, numbers []uint32, planes int) []byte {
	for plane := range planes {
		for _, n := range numbers {
			out = append(out, byte(n>>(8*plane)))
		}
	}
	return out
}
