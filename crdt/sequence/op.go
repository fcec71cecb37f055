package sequence

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// Limits of one document. Events are numbered in 31 bits, content is addressed in 32.
const (
	// MaxEvents is the number of elements that were ever inserted, removed, moved or replaced.
	MaxEvents = 1<<30 - 1
	// MaxContent is the number of bytes that were ever inserted.
	MaxContent = math.MaxUint32
)

// Dot names an event on every replica: it is the author's seq-th dot. Branch tells apart the lines of an author whose
// database was copied (history.Line); it is 0 for everybody else and means nothing on another replica.
type Dot struct {
	Author identity.Author
	Branch uint32
	Seq    uint64
}

// History is what a document asks of the versions of its space. The graph of package history can answer.
type History interface {
	// Covers reports whether the version that owns b has the version that owns a in its past, or is the same. Where many
	// write at once it is asked many times with one b: an answer from the clock of the last b is fast.
	Covers(b, a Dot) bool
	// Stamp is the place in the total order of the version that owns a dot.
	Stamp(Dot) clock.Stamp
}

// Splice takes out Removed code points from Pos on and puts Text there instead; Pos counts code points of the text that
// its author saw. It is Width events: first one for each code point removed, from left to right, then one for each
// inserted.
type Splice struct {
	Pos, Removed int
	Text         string
}

// Width is the number of dots that the splice owns. A splice that does nothing owns none, and is no op.
func (s *Splice) Width() int { return s.Removed + utf8.RuneCountInString(s.Text) }

// Op is a splice of somebody: Dot is the first of its dots.
type Op struct {
	Dot Dot
	Splice
}

// Edit is what an event did to the text that this replica shows: the same as a Splice, but against the text as it is
// here. Edits come one after the other: each one's Pos is in the text that the edit before it left.
type Edit Splice

// checkText is nil for valid UTF-8; n is its number of code points.
func checkText(s string) (n uint32, err error) {
	if len(s) == 1 && s[0] < utf8.RuneSelf || isASCII([]byte(s)) { // which is no copy, as it only reads
		return uint32(len(s)), nil
	}
	if !utf8.ValidString(s) {
		return 0, fault(ErrText, "replace what is not before it is inserted")
	}
	return uint32(utf8.RuneCountInString(s)), nil
}

// checkRange is nil if n elements from pos on are among length. It sees negative numbers, and sums that overflow.
func checkRange(pos, n int, length uint32) error {
	if pos < 0 || n < 0 || pos > int(length) || n > int(length)-pos {
		return fault(ErrPosition, strconv.Itoa(n)+" elements at "+strconv.Itoa(pos)+" of "+strconv.Itoa(int(length)))
	}
	return nil
}
