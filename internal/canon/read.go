package canon

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
	"unsafe"
)

// MaxDepth is how deep arrays and maps may nest, in a Value and in what Skip and Raw pass over.
const MaxDepth = 32

// Reader takes items off the front of a byte slice. It allocates nothing, and what it returns aliases the slice, except
// String. It is sticky: after an error every method returns that same error, so a run of reads may be checked once, at
// its end. All errors wrap ErrMalformed. The zero Reader reads an empty slice.
type Reader struct {
	buf []byte
	off int
	err error
}

// NewReader reads items from b. The caller must not change b while results that alias it are in use.
func NewReader(b []byte) Reader { return Reader{buf: b} }

// Len is the number of bytes not read yet.
func (r *Reader) Len() int { return len(r.buf) - r.off }

// Offset is the number of bytes read so far.
func (r *Reader) Offset() int { return r.off }

// End is nil when all bytes were read and nothing failed; otherwise it is the first error, or one that says how many
// bytes trail.
func (r *Reader) End() error {
	if r.err != nil || r.off == len(r.buf) {
		return r.err
	}
	return r.fail(r.off, "trailing bytes")
}

// Peek is the type of the next item, judged by its first byte; TypeInvalid at the end, after an error and for bytes
// that start no item.
func (r *Reader) Peek() Type {
	if r.err != nil || r.off >= len(r.buf) {
		return TypeInvalid
	}
	return typeOf(r.buf[r.off])
}

// Nil reads nil.
func (r *Reader) Nil() error {
	if err := r.expect(TypeNull); err != nil {
		return err
	}
	r.off++
	return nil
}

// Bool reads a boolean.
func (r *Reader) Bool() (bool, error) {
	if err := r.expect(TypeBool); err != nil {
		return false, err
	}
	b := r.buf[r.off] == leadTrue
	r.off++
	return b, nil
}

// Int reads an integer of the signed 64-bit range.
func (r *Reader) Int() (int64, error) {
	bits, negative, err := r.integer()
	if err != nil {
		return 0, err
	}
	if !negative && bits > math.MaxInt64 {
		return 0, r.fail(r.off, "an integer above 2^63-1 where a signed one is expected")
	}
	return int64(bits), nil
}

// Uint reads an integer of the unsigned 64-bit range.
func (r *Reader) Uint() (uint64, error) {
	if r.err == nil && r.off < len(r.buf) && r.buf[r.off] <= maxFixInt { // what most are
		r.off++
		return uint64(r.buf[r.off-1]), nil
	}
	bits, negative, err := r.integer()
	if err != nil {
		return 0, err
	}
	if negative {
		return 0, r.fail(r.off, "a negative integer where an unsigned one is expected")
	}
	return bits, nil
}

// integer reads either family; bits hold the two's complement.
func (r *Reader) integer() (bits uint64, negative bool, err error) {
	if err := r.expect(TypeInt); err != nil {
		return 0, false, err
	}
	bits, negative, next, what := integerAt(r.buf, r.off)
	if what != "" {
		return 0, false, r.fail(next, what)
	}
	r.off = next
	return bits, negative, nil
}

// Float reads a float. Integers are not converted.
func (r *Reader) Float() (float64, error) {
	if err := r.expect(TypeFloat); err != nil {
		return 0, err
	}
	f, next, what := floatAt(r.buf, r.off)
	if what != "" {
		return 0, r.fail(next, what)
	}
	r.off = next
	return f, nil
}

// String reads a string and copies it.
func (r *Reader) String() (string, error) {
	b, err := r.StringBytes()
	return string(b), err
}

// StringView reads a string without copying it: it aliases the input, which must not change as long as the string is in
// use.
func (r *Reader) StringView() (string, error) {
	b, err := r.StringBytes()
	return unsafe.String(unsafe.SliceData(b), len(b)), err
}

// StringBytes reads a string without copying it; the result is valid UTF-8 and aliases the input.
func (r *Reader) StringBytes() ([]byte, error) {
	if err := r.expect(TypeString); err != nil {
		return nil, err
	}
	start, end, what := stringAt(r.buf, r.off)
	if what != "" {
		return nil, r.fail(end, what)
	}
	r.off = end
	return r.buf[start:end:end], nil
}

// Bytes reads bytes without copying them; the result aliases the input.
func (r *Reader) Bytes() ([]byte, error) {
	if err := r.expect(TypeBytes); err != nil {
		return nil, err
	}
	start, end, what := bytesAt(r.buf, r.off)
	if what != "" {
		return nil, r.fail(end, what)
	}
	r.off = end
	return r.buf[start:end:end], nil
}

// Bytes32 reads bytes that must be exactly 32 long: a hash, an id or a key.
func (r *Reader) Bytes32() ([32]byte, error) {
	at := r.off
	b, err := r.Bytes()
	if err != nil {
		return [32]byte{}, err
	}
	if len(b) != 32 {
		return [32]byte{}, r.fail(at, "bytes that must be exactly 32 long")
	}
	return [32]byte(b), nil
}

// Array reads the header of an array: the number of items that follow, each to be read in turn. It never exceeds the
// number of bytes that remain.
func (r *Reader) Array() (int, error) {
	if r.err == nil && r.off < len(r.buf) { // the short form, which most are
		if n := int(r.buf[r.off]) - leadArray; n >= 0 && n <= maxFixCount && n < len(r.buf)-r.off {
			r.off++
			return n, nil
		}
	}
	if err := r.expect(TypeArray); err != nil {
		return 0, err
	}
	return r.count()
}

// Map reads the header of a map: the number of entries that follow, each a key and an item to be read in turn. Twice
// the number never exceeds the number of bytes that remain. Order and uniqueness of the keys are the caller's to
// check, except within Value.
func (r *Reader) Map() (int, error) {
	if err := r.expect(TypeMap); err != nil {
		return 0, err
	}
	return r.count()
}

func (r *Reader) count() (int, error) {
	n, next, what := countAt(r.buf, r.off)
	if what != "" {
		return 0, r.fail(next, what)
	}
	r.off = next
	return n, nil
}

// Skip passes over one item of structure with everything in it, under the same strictness as reading it.
func (r *Reader) Skip() error {
	_, err := r.take(structure)
	return err
}

// Raw reads one item of structure with everything in it, as its bytes; the result aliases the input.
func (r *Reader) Raw() ([]byte, error) { return r.take(structure) }

// Value reads one Value, fully checked, in one pass; the result aliases the input.
func (r *Reader) Value() (Value, error) { return r.take(values) }

func (r *Reader) take(as rank) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	end, what := scan(r.buf, r.off, MaxDepth, as)
	if what != "" {
		return nil, r.fail(end, what)
	}
	item := r.buf[r.off:end:end]
	r.off = end
	return item, nil
}

func (r *Reader) expect(t Type) error {
	if r.err != nil {
		return r.err
	}
	if r.off >= len(r.buf) {
		return r.fail(r.off, t.String()+" expected, found the end of the input")
	}
	lead := r.buf[r.off]
	if found := typeOf(lead); found == TypeInvalid {
		return r.fail(r.off, unknownLead)
	} else if found != t {
		return r.fail(r.off, t.String()+" expected, found "+found.String())
	}
	return nil
}

func (r *Reader) fail(offset int, what string) error {
	r.err = &malformed{offset: offset, what: what}
	return r.err
}

// What can be wrong with an item. Each …At function below returns one of these and the offset it is about, or "" and
// the offset behind what it read; the caller has seen that the lead byte is there and of the right type.
const (
	truncated    = "the input ends inside an item"
	notMinimal   = "not the smallest form"
	notUTF8      = "a string that is not valid UTF-8"
	unknownLead  = "a byte that starts no item (extensions and float32 are refused)"
	notANumber   = "a NaN"
	tooDeep      = "arrays and maps nested more than 32 deep"
	overCounted  = "a count beyond what remains of the input"
	overMeasured = "a length beyond what remains of the input"
)

// wideAt reads the big-endian number of 1, 2, 4 or 8 bytes behind a lead byte; ok is false when the input is too short.
func wideAt(b []byte, off, width int) (n uint64, ok bool) {
	if len(b)-off-1 < width {
		return 0, false
	}
	p := b[off+1:]
	switch width {
	case 1:
		return uint64(p[0]), true
	case 2:
		return uint64(binary.BigEndian.Uint16(p)), true
	case 4:
		return uint64(binary.BigEndian.Uint32(p)), true
	default:
		return binary.BigEndian.Uint64(p), true
	}
}

func integerAt(b []byte, off int) (bits uint64, negative bool, next int, what string) {
	lead := b[off]
	if lead <= maxFixInt {
		return uint64(lead), false, off + 1, ""
	}
	if lead >= leadNegFix {
		return uint64(int64(int8(lead))), true, off + 1, ""
	}
	signed := lead >= leadInt8
	width := 1 << ((lead - leadUint8) & 3)
	n, ok := wideAt(b, off, width)
	if !ok {
		return 0, false, off, truncated
	}
	next = off + 1 + width
	if !signed {
		if n <= maxOfWidth(width>>1) {
			return 0, false, off, notMinimal
		}
		return n, false, next, ""
	}
	shift := 64 - 8*width
	v := int64(n<<shift) >> shift // sign-extend
	if v >= minOfWidth(width>>1) {
		return 0, false, off, notMinimal
	}
	return uint64(v), true, next, ""
}

// maxOfWidth is the greatest number that an unsigned form of that width holds; 0 stands for the fixint.
func maxOfWidth(width int) uint64 {
	if width == 0 {
		return maxFixInt
	}
	return 1<<(8*width) - 1
}

// minOfWidth is the least number that a signed form of that width holds; 0 stands for the negative fixint.
func minOfWidth(width int) int64 {
	if width == 0 {
		return -32
	}
	return -1 << (8*width - 1)
}

func floatAt(b []byte, off int) (f float64, next int, what string) {
	bits, ok := wideAt(b, off, 8)
	if !ok {
		return 0, off, truncated
	}
	f = math.Float64frombits(bits)
	if f != f {
		return 0, off, notANumber
	}
	return f, off + 9, ""
}

func stringAt(b []byte, off int) (start, end int, what string) {
	lead := b[off]
	if lead < leadNil {
		start, end = off+1, off+1+int(lead&maxFixString)
		if end > len(b) {
			return 0, off, overMeasured
		}
	} else if start, end, what = blobAt(b, off, lead-leadStr8, maxFixString); what != "" {
		return 0, end, what
	}
	if !utf8.Valid(b[start:end]) {
		return 0, off, notUTF8
	}
	return start, end, ""
}

func bytesAt(b []byte, off int) (start, end int, what string) {
	return blobAt(b, off, b[off]-leadBin8, -1)
}

// blobAt reads a header whose length takes 1<<log bytes and finds where the content starts and ends. shorter is the
// greatest length that a form without length bytes would hold, -1 where there is no such form.
func blobAt(b []byte, off int, log byte, shorter int64) (start, end int, what string) {
	width := 1 << log
	n, ok := wideAt(b, off, width)
	if !ok {
		return 0, off, truncated
	}
	if width > 1 {
		shorter = int64(maxOfWidth(width >> 1))
	}
	if int64(n) <= shorter {
		return 0, off, notMinimal
	}
	start = off + 1 + width
	if n > uint64(len(b)-start) {
		return 0, off, overMeasured
	}
	return start, start + int(n), ""
}

func countAt(b []byte, off int) (n, next int, what string) {
	lead := b[off]
	isMap := typeOf(lead) == TypeMap
	next = off + 1
	if lead < leadNil {
		n = int(lead & maxFixCount)
	} else {
		width := 2 << (lead & 1)
		wide, ok := wideAt(b, off, width)
		if !ok {
			return 0, off, truncated
		}
		if width == 2 && wide <= maxFixCount || width == 4 && wide <= math.MaxUint16 {
			return 0, off, notMinimal
		}
		next += width
		if wide > uint64(len(b)-next) {
			return 0, off, overCounted
		}
		n = int(wide)
	}
	least := n
	if isMap {
		least = 2 * n
	}
	if least < n || least > len(b)-next {
		return 0, off, overCounted
	}
	return n, next, ""
}
