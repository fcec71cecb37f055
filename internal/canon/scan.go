package canon

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// rank says which rules scan applies: those of items, or also those of values.
type rank bool

const (
	structure rank = false
	values    rank = true
)

// MaxInteger is the greatest integer that a Value holds as an integer, −MaxInteger the least: what a float64, and so
// JavaScript, holds exactly together with both neighbours.
const MaxInteger = 1<<53 - 1

const bytesKey = "$bytes"

// What can be wrong with a value besides what can be wrong with an item.
const (
	bigInteger  = "an integer beyond 2^53-1"
	notNormal   = "a float that is an integer within 2^53-1"
	notFinite   = "an infinity"
	notKey      = "a map key that is not a string"
	notSorted   = "map keys that are not unique and ascending"
	looksLikeIt = "a map that is the text of bytes: {\"$bytes\": base64}"
)

// scan checks the item at off with everything in it, in one pass, and returns the offset behind it; or what is wrong and
// where. It is the hot path of all reading, hence the short forms are spelled out.
func scan(b []byte, off, depth int, as rank) (next int, what string) {
	if off >= len(b) {
		return off, truncated
	}
	lead := b[off]
	switch {
	case lead <= maxFixInt || lead >= leadNegFix:
		return off + 1, ""
	case lead >= leadString && lead < leadNil:
		end := off + 1 + int(lead&maxFixString)
		if end > len(b) {
			return off, overMeasured
		}
		if !validUTF8(b[off+1 : end]) {
			return off, notUTF8
		}
		return end, ""
	}
	switch typeOf(lead) {
	case TypeNull, TypeBool:
		return off + 1, ""
	case TypeInt:
		return scanInteger(b, off, as)
	case TypeFloat:
		return scanFloat(b, off, as)
	case TypeString:
		_, end, what := stringAt(b, off)
		return end, what
	case TypeBytes:
		_, end, what := bytesAt(b, off)
		return end, what
	case TypeArray:
		return scanArray(b, off, depth, as)
	case TypeMap:
		return scanMap(b, off, depth, as)
	default:
		return off, unknownLead
	}
}

func scanInteger(b []byte, off int, as rank) (next int, what string) {
	bits, negative, next, what := integerAt(b, off)
	if what != "" || as == structure {
		return next, what
	}
	if negative && int64(bits) < -MaxInteger || !negative && bits > MaxInteger {
		return off, bigInteger
	}
	return next, ""
}

func scanFloat(b []byte, off int, as rank) (next int, what string) {
	f, next, what := floatAt(b, off)
	if what != "" || as == structure {
		return next, what
	}
	if math.IsInf(f, 0) {
		return off, notFinite
	}
	if _, ok := exactInteger(f); ok {
		return off, notNormal
	}
	return next, ""
}

// exactInteger is the integer item that a float is in a Value, if it is one. Zero of either sign is 0.
func exactInteger(f float64) (int64, bool) {
	if f < -MaxInteger || f > MaxInteger {
		return 0, false
	}
	n := int64(f)
	return n, float64(n) == f
}

func scanArray(b []byte, off, depth int, as rank) (next int, what string) {
	if depth == 0 {
		return off, tooDeep
	}
	n, next, what := countAt(b, off)
	for ; n > 0 && what == ""; n-- {
		next, what = scan(b, next, depth-1, as)
	}
	return next, what
}

func scanMap(b []byte, off, depth int, as rank) (next int, what string) {
	if depth == 0 {
		return off, tooDeep
	}
	n, next, what := countAt(b, off)
	if as == values {
		return scanEntries(b, off, next, n, depth-1, what)
	}
	for n *= 2; n > 0 && what == ""; n-- {
		next, what = scan(b, next, depth-1, as)
	}
	return next, what
}

// scanEntries checks the n entries at next of a value's map that starts at off.
func scanEntries(b []byte, off, next, n, depth int, what string) (int, string) {
	if what != "" {
		return next, what
	}
	var last, key []byte
	var start int
	for i := range n {
		start, next, what = keyAt(b, next)
		if what != "" {
			return next, what
		}
		key = b[start:next]
		if i > 0 && bytes.Compare(last, key) >= 0 {
			return start, notSorted
		}
		last = key
		if next < len(b) && (b[next] <= maxFixInt || b[next] >= leadNegFix) { // spares a call
			next++
		} else if next, what = scan(b, next, depth, values); what != "" {
			return next, what
		}
	}
	if n == 1 && string(key) == bytesKey && isBase64Item(b[start+len(key):next]) {
		return off, looksLikeIt
	}
	return next, ""
}

// keyAt finds where the content of a map key starts and ends.
func keyAt(b []byte, off int) (start, end int, what string) {
	if off >= len(b) {
		return 0, off, truncated
	}
	lead := b[off]
	if lead >= leadString && lead < leadNil {
		start, end = off+1, off+1+int(lead&maxFixString)
		if end > len(b) {
			return 0, off, overMeasured
		}
		if !validUTF8(b[start:end]) {
			return 0, off, notUTF8
		}
		return start, end, ""
	}
	if typeOf(lead) != TypeString {
		return 0, off, notKey
	}
	return stringAt(b, off)
}

// validUTF8 is utf8.Valid with the call saved for the few ASCII letters that most strings are.
func validUTF8(b []byte) bool {
	rest := b
	for ; len(rest) >= 8; rest = rest[8:] {
		if binary.LittleEndian.Uint64(rest)&nonASCII != 0 {
			return utf8.Valid(b)
		}
	}
	for _, c := range rest {
		if c >= utf8.RuneSelf {
			return utf8.Valid(b)
		}
	}
	return true
}

// nonASCII are the bits of eight bytes that no ASCII letter has.
const nonASCII = 0x8080808080808080

// isBase64Item says whether a checked item is a string of valid standard base64.
func isBase64Item(item []byte) bool {
	if typeOf(item[0]) != TypeString {
		return false
	}
	start, end, _ := stringAt(item, 0)
	return isBase64(item[start:end])
}

// isBase64 accepts the one text that standard base64 has for some bytes: padded, no line breaks, unused bits zero.
func isBase64(s []byte) bool {
	if len(s)%4 != 0 {
		return false
	}
	if len(s) == 0 {
		return true
	}
	body := s
	unused := byte(0) // the bits of the last digit that carry nothing
	if s[len(s)-1] == '=' {
		body, unused = s[:len(s)-1], 0x03
		if s[len(s)-2] == '=' {
			body, unused = s[:len(s)-2], 0x0f
		}
	}
	var digit byte
	for _, c := range body {
		switch {
		case c >= 'A' && c <= 'Z':
			digit = c - 'A'
		case c >= 'a' && c <= 'z':
			digit = c - 'a' + 26
		case c >= '0' && c <= '9':
			digit = c - '0' + 52
		case c == '+':
			digit = 62
		case c == '/':
			digit = 63
		default:
			return false
		}
	}
	return digit&unused == 0
}
