package canon

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the value as compact JSON text, which FromJSON reads back to the same value. Bytes are
// {"$bytes":"base64"}, floats the shortest text that reads back the same (in the form of encoding/json and JavaScript),
// strings escaped as little as JSON allows, plus U+2028 and U+2029, so that the text may stand in a script. It does not
// escape <, > and &.
func (v Value) AppendJSON(dst []byte) []byte {
	r := NewReader(v)
	return appendItem(dst, &r, 0)
}

// AppendJSONString appends a string, which must be valid UTF-8, as AppendJSON does.
func AppendJSONString(dst []byte, s string) []byte { return appendQuoted(dst, []byte(s)) }

// appendItem appends the next item of r, which stands in depth containers. The reader's stickiness ends every loop below
// soon when the bytes never passed Check; null stands for what is not there.
func appendItem(dst []byte, r *Reader, depth int) []byte {
	switch r.Peek() {
	case TypeBool:
		b, _ := r.Bool()
		return strconv.AppendBool(dst, b)
	case TypeInt:
		n, _ := r.Int()
		return strconv.AppendInt(dst, n, 10)
	case TypeFloat:
		f, _ := r.Float()
		return appendFloatText(dst, f)
	case TypeString:
		s, _ := r.StringBytes()
		return appendQuoted(dst, s)
	case TypeBytes:
		b, _ := r.Bytes()
		dst = append(dst, `{"`+bytesKey+`":"`...)
		return append(appendBase64(dst, b), `"}`...)
	case TypeArray:
		return appendContainer(dst, r, depth+1, '[', ']')
	case TypeMap:
		return appendContainer(dst, r, depth+1, '{', '}')
	}
	r.off = min(r.off+1, len(r.buf))
	return append(dst, "null"...)
}

func appendContainer(dst []byte, r *Reader, depth int, opening, closing byte) []byte {
	n, err := r.count()
	dst = append(dst, opening)
	if depth > MaxDepth {
		n = 0
	}
	for i := range n {
		if err != nil {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		if opening == '{' {
			var key []byte
			key, err = r.StringBytes()
			dst = append(appendQuoted(dst, key), ':')
		}
		dst = appendItem(dst, r, depth)
		if err == nil {
			err = r.err
		}
	}
	return append(dst, closing)
}

// appendFloatText writes a finite float as ECMAScript does (Number::toString), which encoding/json follows.
func appendFloatText(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...) // never passed Check
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// strconv writes at least two digits of exponent: e-09 becomes e-9.
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes valid UTF-8 as a JSON string.
func appendQuoted(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscaped(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r == '\u2028' || r == '\u2029' {
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}

// quote shows a key in an error.
func quote(s string) string { return strconv.Quote(s) }
