package pack

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The columns of a body, in their order. A body is a mask of those that are not empty, the length of each of these, then
// their bytes. Of each it is said what one number or piece of it belongs to.
const (
	colRuns        = iota // a run: chain, number of versions, parents
	colPins               // a version whose id a later one refers to after others of its chain
	colTimes              // a version
	colOps                // a version (repeats): 0 for a raw payload, else its number of ops + 1
	colKeys               // an op: 0 for the next new key, else the number of an earlier one + 1
	colDict               // a new key: bytes shared with the key before, bytes that follow
	colDictText           // those that follow
	colCodes              // an op (repeats): its code
	colDetached           // an op (repeats; 0): 1 if it is detached
	colWidths             // an op (repeats; 1)
	colLengths            // an inline op that is no splice of a text: the length of its body
	colMetas              // a version (repeats; 0): the length of its metadata, 0 for nil
	colMetaText           // the metadata
	colStructures         // a detached op (repeats; 0): the length of its structure, 0 for nil
	colStructText         // the structures
	colDeclared           // a detached op: the declared length of its body
	colHashes             // a detached op: its hash
	colPresent            // a detached op (repeats; 0): 1 if its content is here
	colSalts              // a content: its salt
	colContents           // a content: its body, of the declared length
	colRawLengths         // a raw payload: its length
	colRawPayloads        // the raw payloads
	colBodies             // the bodies of inline ops that are no splices of texts
	colOffsets            // a splice (repeats; 0): where it is, from where the one before it ended
	colRemoved            // a splice (repeats; 0): how many code points it removes
	colTextLengths        // a splice (repeats; 1): the length of its text
	colText               // the texts
	columns        = iota
)

// A column that repeats is pairs of (how many times, 1 at least; value). "(1)" above is the value of all where the column is
// empty.

// span is where in a body a column is read.
type span struct{ at, end uint32 }

// repeated is a column that repeats, as it is read.
type repeated struct {
	span
	left  uint64 // how often value comes again
	value uint64
}

// always is how often the value of an empty column comes.
const always = math.MaxUint64

// source is a body in memory. The first fault stays; after it, reading gives zeros.
type source struct {
	b     []byte
	fault string
}

// What can be wrong with a body.
const (
	faultEnds   = "a column ends too early"
	faultNumber = "a number that is not in its smallest form"
	faultRepeat = "a value that comes no times"
	faultRange  = "a number beyond what it counts"
	faultLeft   = "columns with more than the versions take"
	faultLayout = "columns that are not the body's"
	faultRaw    = "a payload that no valid version has"
	faultTips   = "versions that do not lead to the tip that the header states for their chain"
	faultTimes  = "versions of other times than the header states"
	faultKeys   = "keys that unfold to more than they may"
)

func (s *source) fail(what string) {
	if s.fault == "" {
		s.fault = what
	}
}

// firstFault is the first of two that is not empty.
func firstFault(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// number reads an unsigned number, 7 bits a byte, the lowest first.
func (s *source) number(c *span) uint64 {
	if c.at < c.end {
		if b := s.b[c.at]; b < 0x80 {
			c.at++
			return uint64(b)
		}
	}
	return s.longNumber(c)
}

func (s *source) longNumber(c *span) uint64 {
	n, size := binary.Uvarint(s.b[c.at:c.end])
	if size <= 0 {
		s.fail(faultEnds)
		return 0
	}
	c.at += uint32(size)
	if s.b[c.at-1] == 0 {
		s.fail(faultNumber)
	}
	return n
}

// bounded reads a number of at most limit.
func (s *source) bounded(c *span, limit uint64) uint64 {
	n := s.number(c)
	if n > limit {
		s.fail(faultRange)
		return 0
	}
	return n
}

// take reads n bytes; the result aliases the body.
func (s *source) take(c *span, n uint64) []byte {
	if n > uint64(c.end-c.at) {
		s.fail(faultEnds)
		return nil
	}
	from := c.at
	c.at += uint32(n)
	return s.b[from:c.at:c.at]
}

// repeat reads the next value of a column that repeats.
func (s *source) repeat(c *repeated) uint64 {
	if c.left == 0 {
		c.left = s.number(&c.span)
		c.value = s.number(&c.span)
		if c.left == 0 || c.left == always {
			s.fail(faultRepeat)
			c.left, c.value = 1, 0
		}
	}
	if c.left != always {
		c.left--
	}
	return c.value
}

// optional makes value the value of all of a column that is empty.
func optional(c span, value uint64) repeated {
	r := repeated{span: c}
	if c.at == c.end {
		r.left, r.value = always, value
	}
	return r
}

// done reports whether a column was read to its end.
func (c *span) done() bool { return c.at == c.end }

func (c *repeated) done() bool { return c.span.done() && (c.left == 0 || c.left == always) }

// layout finds the columns of a body.
func (s *source) layout() (cols [columns]span) {
	whole := span{end: uint32(len(s.b))}
	mask := s.number(&whole)
	if mask >= 1<<columns {
		s.fail(faultLayout)
	}
	var sizes [columns]uint64
	var sum uint64
	for i := range cols {
		if mask>>i&1 == 1 {
			sizes[i] = s.bounded(&whole, uint64(len(s.b)))
			if sizes[i] == 0 {
				s.fail(faultLayout)
			}
			sum += sizes[i]
		}
	}
	if s.fault == "" && sum != uint64(whole.end-whole.at) {
		s.fail(faultLayout)
	}
	if s.fault != "" {
		return cols
	}
	at := whole.at
	for i := range cols {
		cols[i] = span{at: at, end: at + uint32(sizes[i])}
		at = cols[i].end
	}
	return cols
}

// repeater writes a column that repeats.
type repeater struct {
	b     []byte
	count uint64
	value uint64
}

func (w *repeater) add(value uint64) {
	if value != w.value || w.count == 0 {
		w.flush()
		w.value = value
	}
	w.count++
}

func (w *repeater) flush() {
	if w.count > 0 {
		w.b = appendNumber(w.b, w.count)
		w.b = appendNumber(w.b, w.value)
		w.count = 0
	}
}

// column is what was written; nothing if all of it has the value absent.
func (w *repeater) column(absent uint64) []byte {
	if len(w.b) == 0 && w.value == absent {
		return nil
	}
	w.flush()
	return w.b
}

// plain is column for a value that is never left out.
func (w *repeater) plain() []byte {
	w.flush()
	return w.b
}

func (w *repeater) reset() { w.b, w.count, w.value = w.b[:0], 0, 0 }

// appendLayout appends what says where in a body the columns are.
func appendLayout(dst []byte, cols *[columns][]byte) []byte {
	var mask uint64
	for i := range cols {
		if len(cols[i]) > 0 {
			mask |= 1 << i
		}
	}
	dst = appendNumber(dst, mask)
	for m := mask; m != 0; m &= m - 1 {
		dst = appendNumber(dst, uint64(len(cols[bits.TrailingZeros64(m)])))
	}
	return dst
}

// bodySize is the size of the body that appendBody makes.
func bodySize(layout []byte, cols *[columns][]byte) int {
	size := len(layout)
	for i := range cols {
		size += len(cols[i])
	}
	return size
}

// appendBody appends the columns as one body.
func appendBody(dst, layout []byte, cols *[columns][]byte) []byte {
	dst = append(dst, layout...)
	for i := range cols {
		dst = append(dst, cols[i]...)
	}
	return dst
}

// appendNumber appends an unsigned number, 7 bits a byte, the lowest first.
func appendNumber(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

// zigzag makes small numbers of both signs small.
func zigzag(n int64) uint64 { return uint64(n)<<1 ^ uint64(n>>63) }

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }
