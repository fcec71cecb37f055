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
	w := jsonWriter{dst: dst}
	r := NewReader(v)
	w.item(&r, 0)
	return w.dst
}

// AppendJSONString appends a string, which must be valid UTF-8, as AppendJSON does.
func AppendJSONString(dst []byte, s string) []byte { return appendQuoted(dst, []byte(s)) }

// AppendJSONIndent is AppendJSON over several lines, two spaces deeper per level. Empty arrays and maps, and bytes, stay
// on one line.
func (v Value) AppendJSONIndent(dst []byte) []byte {
	w := jsonWriter{dst: dst, indent: true}
	r := NewReader(v)
	w.item(&r, 0)
	return w.dst
}

type jsonWriter struct {
	dst    []byte
	indent bool
}

// item writes the next item of r, which stands in depth containers. The reader's stickiness ends every loop below soon
// when the bytes never passed Check; null stands for what is not there.
func (w *jsonWriter) item(r *Reader, depth int) {
	switch r.Peek() {
	case TypeBool:
		b, _ := r.Bool()
		w.dst = strconv.AppendBool(w.dst, b)
	case TypeInt:
		n, _ := r.Int()
		w.dst = strconv.AppendInt(w.dst, n, 10)
	case TypeFloat:
		f, _ := r.Float()
		w.dst = appendFloatText(w.dst, f)
	case TypeString:
		s, _ := r.StringBytes()
		w.dst = appendQuoted(w.dst, s)
	case TypeBytes:
		b, _ := r.Bytes()
		w.dst = append(w.dst, `{"`+bytesKey+`":"`...)
		w.dst = appendBase64(w.dst, b)
		w.dst = append(w.dst, `"}`...)
	case TypeArray:
		w.container(r, depth+1, '[', ']')
	case TypeMap:
		w.container(r, depth+1, '{', '}')
	default:
		w.dst = append(w.dst, "null"...)
		r.off = min(r.off+1, len(r.buf))
	}
}

func (w *jsonWriter) container(r *Reader, depth int, opening, closing byte) {
	n, err := r.count()
	w.dst = append(w.dst, opening)
	if depth > MaxDepth {
		n = 0
	}
	for i := range n {
		if err != nil {
			break
		}
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.newline(depth)
		if opening == '{' {
			var key []byte
			key, err = r.StringBytes()
			w.dst = append(appendQuoted(w.dst, key), ':')
			if w.indent {
				w.dst = append(w.dst, ' ')
			}
		}
		w.item(r, depth)
		if err == nil {
			err = r.err
		}
	}
	if n > 0 {
		w.newline(depth - 1)
	}
	w.dst = append(w.dst, closing)
}

func (w *jsonWriter) newline(depth int) {
	if !w.indent {
		return
	}
	w.dst = append(w.dst, '\n')
	for range depth {
		w.dst = append(w.dst, ' ', ' ')
	}
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
