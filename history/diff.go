package history

import (
	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// Changes are what makes one value of a key another, path by path.
type Changes []crdt.Change

// Compare lists what changes from one value to the other; nil stands for no value. Objects are compared member by member,
// everything else is one piece.
func Compare(from, to canon.Value) Changes { return crdt.Diff(from, to) }

// AppendPatch appends the changes as an RFC 6902 patch in JSON: an array of add, remove and replace.
func (c Changes) AppendPatch(b []byte) []byte {
	b = append(b, '[')
	for i := range c {
		if i > 0 {
			b = append(b, ',')
		}
		op := "replace"
		switch {
		case c[i].Old == nil:
			op = "add"
		case c[i].New == nil:
			op = "remove"
		}
		b = append(b, `{"op":"`...)
		b = append(b, op...)
		b = append(b, `","path":`...)
		b = appendJSONText(b, crdt.Pointer(c[i].Path))
		if c[i].New != nil {
			b = append(b, `,"value":`...)
			b = c[i].New.AppendJSON(b)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// DiffLine is one line of a diff for people.
type DiffLine struct {
	// Added tells + from −.
	Added bool
	// Pointer is the JSON pointer of what changed, empty for the whole value.
	Pointer string
	Value   canon.Value
}

// String is the line as it is printed: sign, pointer, value as JSON text.
func (l DiffLine) String() string {
	b := make([]byte, 0, 64)
	b = append(b, '-', ' ')
	if l.Added {
		b[0] = '+'
	}
	if l.Pointer != "" {
		b = append(append(b, l.Pointer...), ": "...)
	}
	return string(l.Value.AppendJSON(b))
}

// Lines are the changes for people: of each, what was there, then what is there.
func (c Changes) Lines() []DiffLine {
	lines := make([]DiffLine, 0, 2*len(c))
	for i := range c {
		pointer := crdt.Pointer(c[i].Path)
		if c[i].Old != nil {
			lines = append(lines, DiffLine{Pointer: pointer, Value: c[i].Old})
		}
		if c[i].New != nil {
			lines = append(lines, DiffLine{Added: true, Pointer: pointer, Value: c[i].New})
		}
	}
	return lines
}

// appendJSONText appends a text as a JSON string. Text that is not valid UTF-8 cannot come from a path.
func appendJSONText(b []byte, text string) []byte {
	v, err := canon.String(text)
	if err != nil {
		return append(b, `""`...)
	}
	return v.AppendJSON(b)
}
