package history

import (
	"errors"

	"github.com/kdelta/kdelta/internal/canon"
)

// LV is a local version number: it counts dots in the order in which this database applied them, from 1. Parents have
// smaller ones than their children. An LV means nothing on another replica and never leaves this one. The zero LV
// is none.
type LV uint64

// Range is the dots From … To, both included.
type Range struct{ From, To LV }

// Line is the index of one line: the versions of one author that follow one another. An author has one line, and one
// more for each branch of a fork. Lines are numbered from 0 in the order in which this database met them.
type Line uint32

// A Span is a stretch of one line whose dots are contiguous in LV and of which no version but the first has a parent
// other than its predecessor. How long it is follows from the LV of the next span, so a writer that nobody interrupts
// adds none.
type Span struct {
	Line Line
	// Seq and LV are those of the first dot.
	Seq uint64
	LV  LV
	// Parents are the last dots of the first version's parents: the previous version of the line first, where there
	// is one, then the others, ascending.
	Parents []LV
}

// ErrGraph is wrapped when spans that were loaded do not make a graph: what the store holds is damaged.
var ErrGraph = errors.New("history: the version graph is damaged; run verify")

// AppendSpan appends the bytes of s: [line, seq, lv, [lv − parent, …]].
func AppendSpan(b []byte, s Span) []byte {
	b = canon.AppendArray(b, 4)
	b = canon.AppendUint(b, uint64(s.Line))
	b = canon.AppendUint(b, s.Seq)
	b = canon.AppendUint(b, uint64(s.LV))
	b = canon.AppendArray(b, len(s.Parents))
	for _, p := range s.Parents {
		b = canon.AppendUint(b, uint64(s.LV-p))
	}
	return b
}

// DecodeSpan is the strict inverse of AppendSpan; errors wrap ErrGraph.
func DecodeSpan(b []byte) (Span, error) {
	r := canon.NewReader(b)
	if n, err := r.Array(); err != nil || n != 4 {
		return Span{}, damaged("a span that is not an array of 4", err)
	}
	line, _ := r.Uint()
	seq, _ := r.Uint()
	lv, _ := r.Uint()
	n, err := r.Array()
	if err != nil || line > 1<<32-1 || n > MaxParents {
		return Span{}, damaged("a span out of bounds", err)
	}
	s := Span{Line: Line(line), Seq: seq, LV: LV(lv)}
	if n > 0 {
		s.Parents = make([]LV, n)
	}
	for i := range s.Parents {
		back, err := r.Uint()
		if err == nil && (back == 0 || back >= lv) {
			return Span{}, damaged("a span with a parent that is not before it", nil)
		}
		s.Parents[i] = LV(lv - back)
	}
	if err := r.End(); err != nil {
		return Span{}, damaged("a span", err)
	}
	return s, nil
}

// graphError is ErrGraph with what was found and, where there is one, the error beneath.
type graphError struct {
	what  string
	cause error
}

func (e *graphError) Error() string {
	s := ErrGraph.Error() + ": " + e.what
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *graphError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrGraph}
	}
	return []error{ErrGraph, e.cause}
}

func damaged(what string, cause error) error { return &graphError{what: what, cause: cause} }
