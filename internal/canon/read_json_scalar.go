package canon

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// number reads a number literal. The package comment says which are refused.
func (p *jsonParser) number() *jsonFault {
	start := p.pos
	whole, fault := p.numberLiteral()
	if fault != nil {
		return fault
	}
	literal := p.src[start:p.pos]
	if whole && len(literal) <= 16 { // at most 10^16, far from overflow
		if n := smallInteger(literal); n >= -MaxInteger && n <= MaxInteger {
			p.out = AppendInt(p.out, n)
			return nil
		}
	}
	f, err := strconv.ParseFloat(string(literal), 64)
	switch {
	case err != nil: // the grammar is checked, so it is the range
		return p.refuse(start, "a number too large for a float64")
	case f == 0 && !isZero(literal):
		return p.refuse(start, "a number that is not zero but too small for a float64")
	case whole && string(appendFloatText(nil, f)) != string(literal):
		return p.refuse(start, bigInteger+" that would lose digits (write it as a string)")
	}
	p.out = appendNumber(p.out, f)
	return nil
}

// numberLiteral steps over a literal; whole says that it has neither fraction nor exponent.
func (p *jsonParser) numberLiteral() (whole bool, fault *jsonFault) {
	if p.next() == '-' {
		p.pos++
	}
	if p.next() == '0' {
		p.pos++
	} else if p.digits() == 0 {
		return false, p.syntax("a digit expected")
	}
	whole = true
	if p.next() == '.' {
		whole = false
		if p.pos++; p.digits() == 0 {
			return false, p.syntax("a digit expected after the decimal point")
		}
	}
	if c := p.next(); c == 'e' || c == 'E' {
		whole = false
		p.pos++
		if c := p.next(); c == '+' || c == '-' {
			p.pos++
		}
		if p.digits() == 0 {
			return false, p.syntax("a digit expected in the exponent")
		}
	}
	return whole, nil
}

func (p *jsonParser) digits() int {
	start := p.pos
	for isDigit(p.next()) {
		p.pos++
	}
	return p.pos - start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func smallInteger(literal []byte) int64 {
	digits := literal
	if literal[0] == '-' {
		digits = literal[1:]
	}
	var n int64
	for _, c := range digits {
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(literal) {
		return -n
	}
	return n
}

// isZero says whether all digits before the exponent are 0.
func isZero(literal []byte) bool {
	for _, c := range literal {
		if c == 'e' || c == 'E' {
			break
		}
		if c >= '1' && c <= '9' {
			return false
		}
	}
	return true
}

// string reads the string at the cursor, appends it as an item, and returns where its content starts in out.
func (p *jsonParser) string() (content int, fault *jsonFault) {
	start := p.pos + 1
	var all byte
	for i, c := range p.src[start:] {
		if c >= ' ' && c != '"' && c != '\\' {
			all |= c
			continue
		}
		p.pos = start + i
		if c != '"' {
			return p.escapedString(start)
		}
		s := p.src[start:p.pos]
		if all >= utf8.RuneSelf && !utf8.Valid(s) {
			return 0, &jsonFault{offset: start, what: notUTF8, kind: ErrJSON}
		}
		p.pos++
		p.out = append(appendStringHeader(p.out, len(s)), s...)
		return len(p.out) - len(s), nil
	}
	p.pos = len(p.src)
	return 0, p.syntax(endsInside)
}

// escapedString reads a string whose content starts at start and is plain up to the cursor, which stands on a backslash or a
// control character.
func (p *jsonParser) escapedString(start int) (content int, fault *jsonFault) {
	header := p.open()
	content = header + 1
	p.out = append(p.out, p.src[start:p.pos]...)
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			if !utf8.Valid(p.out[content:]) {
				return 0, &jsonFault{offset: start, what: notUTF8, kind: ErrJSON}
			}
			return p.closeString(header), nil
		case c == '\\':
			if fault := p.escape(); fault != nil {
				return 0, fault
			}
		case c < ' ':
			return 0, p.syntax("a control character in a string")
		default:
			p.out = append(p.out, c)
			p.pos++
		}
	}
	return 0, p.syntax(endsInside)
}

func (p *jsonParser) closeString(header int) (content int) {
	n := len(p.out) - header - 1
	switch {
	case n <= maxFixString:
		p.out[header] = leadString | byte(n)
		return header + 1
	case n <= math.MaxUint8:
		p.widen(header, leadStr8, n, 1)
		return header + 2
	case n <= math.MaxUint16:
		p.widen(header, leadStr16, n, 2)
		return header + 3
	default:
		p.widen(header, leadStr32, n, 4)
		return header + 5
	}
}

// escape reads the escape at the cursor and appends what it stands for.
func (p *jsonParser) escape() *jsonFault {
	start := p.pos
	p.pos++
	c := p.next()
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return p.unicodeEscape(start)
	default:
		return p.syntax("an unknown escape in a string")
	}
	p.pos++
	p.out = append(p.out, c)
	return nil
}

func (p *jsonParser) unicodeEscape(start int) *jsonFault {
	r, ok := p.hex4()
	if !ok {
		return p.syntax("four hex digits expected")
	}
	if utf16.IsSurrogate(r) {
		low := rune(utf8.RuneError)
		if p.next() == '\\' && p.pos+1 < len(p.src) && p.src[p.pos+1] == 'u' {
			p.pos++
			if low, ok = p.hex4(); !ok {
				return p.syntax("four hex digits expected")
			}
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return p.refuse(start, "a lone surrogate in a string")
		}
	}
	p.out = utf8.AppendRune(p.out, r)
	return nil
}

// hex4 reads the u at the cursor and the four hex digits behind it.
func (p *jsonParser) hex4() (r rune, ok bool) {
	p.pos++
	for range 4 {
		c := p.next()
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
		p.pos++
	}
	return r, true
}
