package crdt

import (
	"bytes"
	"errors"
	"strings"
)

// ErrPointer is wrapped by ParsePointer for text that is not a JSON pointer.
var ErrPointer = errors.New("invalid JSON pointer")

// Pointer returns the JSON pointer (RFC 6901) of a path of map keys: "" for the whole value, "/a/b" for the member b of
// the member a; "~" is written "~0" and "/" is written "~1".
func Pointer(path []string) string {
	if len(path) == 0 {
		return ""
	}
	var b strings.Builder
	for _, key := range path {
		b.WriteByte('/')
		appendSegment(&b, key)
	}
	return b.String()
}

func appendSegment(b *strings.Builder, key string) {
	for i := 0; i < len(key); i++ {
		switch key[i] {
		case '~':
			b.WriteString("~0")
		case '/':
			b.WriteString("~1")
		default:
			b.WriteByte(key[i])
		}
	}
}

// child returns the pointer of a member of the value at p.
func child(p, key string) string {
	if strings.IndexByte(key, '~') < 0 && strings.IndexByte(key, '/') < 0 {
		return p + "/" + key
	}
	var b strings.Builder
	b.WriteString(p)
	b.WriteByte('/')
	appendSegment(&b, key)
	return b.String()
}

// ParsePointer is the inverse of Pointer. Array indices are no paths of kdelta: "/0" is the member named 0.
func ParsePointer(pointer string) ([]string, error) {
	n, ok := pointerDepth(pointer)
	if !ok {
		return nil, fault(ErrPointer, "\""+pointer+"\" must be empty or start with '/', and '~' be followed by 0 or 1")
	}
	path := make([]string, 0, n)
	for rest := pointer; rest != ""; {
		var key string
		key, rest = nextSegment(rest)
		path = append(path, key)
	}
	return path, nil
}

// nextSegment takes the first key off a valid, non-empty pointer.
func nextSegment(pointer string) (key, rest string) {
	key = pointer[1:]
	if i := strings.IndexByte(key, '/'); i >= 0 {
		key, rest = key[:i], key[i:]
	}
	if strings.IndexByte(key, '~') >= 0 {
		key = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
	}
	return key, rest
}

// pointerDepth returns the number of keys in a pointer, and whether it is one.
func pointerDepth[P string | []byte](p P) (n int, ok bool) {
	if len(p) > 0 && p[0] != '/' {
		return 0, false
	}
	for i := range len(p) {
		switch p[i] {
		case '/':
			n++
		case '~':
			if i+1 == len(p) || p[i+1] != '0' && p[i+1] != '1' {
				return 0, false
			}
		}
	}
	return n, true
}

// comparePaths is the order of pointers wherever they are sorted: bytewise, but '/' is less than every other byte. So a
// path is followed at once by everything below it.
func comparePaths[P string | []byte](a, b P) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			switch {
			case a[i] == '/':
				return -1
			case b[i] == '/':
				return 1
			case a[i] < b[i]:
				return -1
			default:
				return 1
			}
		}
	}
	switch {
	case len(a) < len(b):
		return -1
	case len(a) > len(b):
		return 1
	default:
		return 0
	}
}

// isBelow reports whether p is a path below ancestor.
func isBelow[P string | []byte](p, ancestor P) bool {
	n := len(ancestor)
	return len(p) > n && p[n] == '/' && string(p[:n]) == string(ancestor)
}

// isWithin reports whether p is ancestor or below it.
func isWithin[P string | []byte](p, ancestor P) bool {
	return string(p) == string(ancestor) || isBelow(p, ancestor)
}

// hasSegment reports whether one of the keys in the pointer is key, which has no '~' and no '/'.
func hasSegment(pointer []byte, key string) bool {
	for rest := pointer; len(rest) > 0; {
		segment := rest[1:]
		end := bytes.IndexByte(segment, '/')
		if end < 0 {
			end = len(segment)
		}
		if string(segment[:end]) == key {
			return true
		}
		rest = segment[end:]
	}
	return false
}
