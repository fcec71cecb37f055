package sequence

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// wireFormat is the first byte of whatever is encoded here. Format 0 may still change.
const wireFormat = 0

// Documents of text and lists, as encodings tell them apart.
const (
	textKind = 0
	listKind = 1
)

func kindOf(list bool) uint64 {
	if list {
		return listKind
	}
	return textKind
}

func zigzag(n int64) uint64 { return uint64(n<<1) ^ uint64(n>>63) }

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

// reader reads numbers and bytes. After the first error it reads zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fault(ErrEncoding, what)
		r.b = nil
	}
}

// uint is a number in the fewest bytes, at most limit.
func (r *reader) uint(limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n != (max(bits.Len64(v), 1)+6)/7 || v > limit {
		r.fail("a number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes is the next n bytes, within what was given.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("an end too early")
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// column is a reader of what an encoding gives the length of.
func (r *reader) column() *reader {
	return &reader{b: r.bytes(r.uint(1 << 62)), err: r.err}
}

func appendColumn(b, column []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(column))), column...)
}

// runesIn is the size of the first n code points of b, which must be UTF-8.
func runesIn(b []byte, n uint32) (size int, err error) {
	for range n {
		if size < len(b) && b[size] < utf8.RuneSelf {
			size++
			continue
		}
		r, k := utf8.DecodeRune(b[size:])
		if k == 0 || k == 1 && r == utf8.RuneError {
			return 0, ErrText
		}
		size += k
	}
	return size, nil
}
