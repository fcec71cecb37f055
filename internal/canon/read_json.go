package canon

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/internal/order"
)

// FromJSON reads one JSON text (RFC 8259, UTF-8, white space around it allowed) as a Value. It refuses instead of
// losing: duplicate keys, lone surrogates, nesting beyond MaxDepth and the numbers that the package comment lists are
// errors that wrap ErrValue; what is not JSON is one that wraps ErrJSON. Both name the path and the offset.
//
// An object of exactly one key "$bytes" with a string of valid standard base64 is a bytes value.
func FromJSON(src []byte) (Value, error) {
	p := jsonParser{src: src, out: make([]byte, 0, len(src)+1)}
	p.space()
	fault := p.value(0)
	if fault == nil {
		if p.space(); p.pos != len(src) {
			fault = p.syntax("more text after the value")
		}
	}
	if fault != nil {
		return nil, fault
	}
	return slices.Clip(p.out), nil
}

// jsonParser turns text into items in one pass. Counts and the order of keys are known only at the end of a container,
// so a container's header is a byte kept free, widened when the container closes, and the entries of the open objects
// stand in a stack.
type jsonParser struct {
	src     []byte
	pos     int
	out     []byte
	entries []entrySpan
	scratch []byte
}

const endsInside = "the text ends inside a value"

// entrySpan is where an entry stands in out: its key item, the content of the key, its value item, its end.
type entrySpan struct{ item, key, value, end int }

// jsonFault is an error on its way up; each container it leaves adds its segment of the path.
type jsonFault struct {
	offset int
	what   string
	kind   error
	path   string
}

func (f *jsonFault) Error() string {
	path := f.path
	if path == "" {
		path = "the top"
	}
	return "canon: at " + path + " (byte " + strconv.Itoa(f.offset) + "): " + f.what + ": " + f.kind.Error()
}

func (f *jsonFault) Unwrap() error { return f.kind }

func (f *jsonFault) under(segment string) *jsonFault {
	f.path = "/" + segment + f.path
	return f
}

// pointerSegment escapes a key for an RFC 6901 path.
func pointerSegment(key []byte) string {
	key = bytes.ReplaceAll(key, []byte("~"), []byte("~0"))
	return string(bytes.ReplaceAll(key, []byte("/"), []byte("~1")))
}

func (p *jsonParser) syntax(what string) *jsonFault {
	if p.pos >= len(p.src) {
		what = endsInside
	}
	return &jsonFault{offset: p.pos, what: what, kind: ErrJSON}
}

func (p *jsonParser) refuse(offset int, what string) *jsonFault {
	return &jsonFault{offset: offset, what: what, kind: ErrValue}
}

func (p *jsonParser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next is the byte at the cursor, 0 at the end (a 0 in the text is an error wherever it stands).
func (p *jsonParser) next() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// value reads the value at the cursor, which stands in depth containers.
func (p *jsonParser) value(depth int) *jsonFault {
	switch c := p.next(); c {
	case '{':
		return p.object(depth + 1)
	case '[':
		return p.array(depth + 1)
	case '"':
		_, fault := p.string()
		return fault
	case 'n':
		return p.literal("null", leadNil)
	case 't':
		return p.literal("true", leadTrue)
	case 'f':
		return p.literal("false", leadFalse)
	default:
		if c == '-' || isDigit(c) {
			return p.number()
		}
		return p.syntax("a value expected")
	}
}

func (p *jsonParser) literal(word string, lead byte) *jsonFault {
	if !bytes.HasPrefix(p.src[p.pos:], []byte(word)) {
		return &jsonFault{offset: p.pos, what: word + " expected", kind: ErrJSON}
	}
	p.pos += len(word)
	p.out = append(p.out, lead)
	return nil
}

func (p *jsonParser) array(depth int) *jsonFault {
	if depth > MaxDepth {
		return p.refuse(p.pos, tooDeep)
	}
	header := p.open()
	n := 0
	for more := p.first(']'); more; n++ {
		fault := p.value(depth)
		if fault == nil {
			more, fault = p.another(']')
		}
		if fault != nil {
			return fault.under(strconv.Itoa(n))
		}
	}
	p.close(header, n, leadArray, leadArr16)
	return nil
}

// object reads an object. One level deeper than MaxDepth it may still turn out to be bytes, which have no depth.
func (p *jsonParser) object(depth int) *jsonFault {
	at := p.pos
	if depth > MaxDepth+1 {
		return p.refuse(at, tooDeep)
	}
	if p.entries == nil {
		p.entries = make([]entrySpan, 0, 16) // enough for most documents
	}
	header, base := p.open(), len(p.entries)
	ascending := true
	for more := p.first('}'); more; {
		e, fault := p.entry(depth)
		if fault != nil {
			return fault
		}
		if n := len(p.entries); n > base && bytes.Compare(p.key(p.entries[n-1]), p.key(e)) >= 0 {
			ascending = false
		}
		p.entries = append(p.entries, e)
		if more, fault = p.another('}'); fault != nil {
			return fault.under(pointerSegment(p.key(e)))
		}
	}
	entries := p.entries[base:]
	p.entries = p.entries[:base]
	if p.bytesObject(header, entries) {
		return nil
	}
	if depth > MaxDepth {
		return p.refuse(at, tooDeep)
	}
	if !ascending {
		if fault := p.sort(at, entries); fault != nil {
			return fault
		}
	}
	p.close(header, len(entries), leadMap, leadMap16)
	return nil
}

func (p *jsonParser) entry(depth int) (entrySpan, *jsonFault) {
	if p.next() != '"' {
		return entrySpan{}, p.syntax("a key in quotes expected")
	}
	e := entrySpan{item: len(p.out)}
	var fault *jsonFault
	if e.key, fault = p.string(); fault != nil {
		return e, fault
	}
	e.value = len(p.out)
	p.space()
	if p.next() != ':' {
		return e, p.syntax("a colon expected").under(pointerSegment(p.key(e)))
	}
	p.pos++
	p.space()
	if fault = p.value(depth); fault != nil {
		return e, fault.under(pointerSegment(p.key(e)))
	}
	e.end = len(p.out)
	return e, nil
}

func (p *jsonParser) key(e entrySpan) []byte { return p.out[e.key:e.value] }

// first steps into a container and says whether it has an element.
func (p *jsonParser) first(closing byte) bool {
	p.pos++
	p.space()
	if p.next() == closing {
		p.pos++
		return false
	}
	return true
}

// another steps over what stands behind an element and says whether one more follows.
func (p *jsonParser) another(closing byte) (bool, *jsonFault) {
	p.space()
	switch p.next() {
	case ',':
		p.pos++
		p.space()
		return true, nil
	case closing:
		p.pos++
		return false, nil
	default:
		return false, p.syntax("a comma or " + string(rune(closing)) + " expected")
	}
}

// open keeps a byte free for a header and returns where it is.
func (p *jsonParser) open() (header int) {
	p.out = append(p.out, 0)
	return len(p.out) - 1
}

// close writes the header of a container of n elements. lead16 is the lead byte of the 16-bit form; that of the 32-bit
// form follows it.
func (p *jsonParser) close(header, n int, fix, lead16 byte) {
	switch {
	case n <= maxFixCount:
		p.out[header] = fix | byte(n)
	case n <= math.MaxUint16:
		p.widen(header, lead16, n, 2)
	default:
		p.widen(header, lead16+1, n, 4)
	}
}

// widen turns the byte kept free into a lead byte and a big-endian n of width bytes, moving what follows.
func (p *jsonParser) widen(header int, lead byte, n, width int) {
	p.out[header] = lead
	var room [4]byte
	p.out = slices.Insert(p.out, header+1, room[:width]...)
	for i := header + width; i > header; i-- {
		p.out[i] = byte(n)
		n >>= 8
	}
}

// bytesObject replaces the object at header by a bytes value if that is what it spells.
func (p *jsonParser) bytesObject(header int, entries []entrySpan) bool {
	if len(entries) != 1 || string(p.key(entries[0])) != bytesKey {
		return false
	}
	item := p.out[entries[0].value:]
	if !isBase64Item(item) {
		return false
	}
	decoded, err := base64.StdEncoding.AppendDecode(p.scratch[:0], content(item))
	if err != nil {
		return false
	}
	p.scratch = decoded
	p.out = AppendBytes(p.out[:header], decoded)
	return true
}

// sort puts the entries of the object that began at offset at into the order of their keys.
func (p *jsonParser) sort(at int, entries []entrySpan) *jsonFault {
	start := entries[0].item
	order.Sort(entries, func(a, b entrySpan) int { return bytes.Compare(p.key(a), p.key(b)) })
	for i := 1; i < len(entries); i++ {
		if key := p.key(entries[i]); bytes.Equal(p.key(entries[i-1]), key) {
			return p.refuse(at, "the same key twice").under(pointerSegment(key))
		}
	}
	p.scratch = append(p.scratch[:0], p.out[start:]...)
	p.out = p.out[:start]
	for _, e := range entries {
		p.out = append(p.out, p.scratch[e.item-start:e.end-start]...)
	}
	return nil
}
