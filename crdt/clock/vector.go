package clock

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// Entry names a version by its dot and says which of two, should the author be forked.
type Entry struct {
	Author identity.Author
	Seq    uint64
	ID     Prefix
}

// Compare orders entries by author, seq and id.
func (e Entry) Compare(other Entry) int {
	if c := e.Author.Compare(other.Author); c != 0 {
		return c
	}
	if c := cmp.Compare(e.Seq, other.Seq); c != 0 {
		return c
	}
	return bytes.Compare(e.ID[:], other.ID[:])
}

// Entry returns the vector entry that names the version.
func (s Stamp) Entry() Entry { return Entry{Author: s.Author, Seq: s.Seq, ID: s.ID.Prefix()} }

// Vector is a vector clock: for each author the newest version that somebody has. It stands for these versions and
// everything that their author wrote before them. Entries ascend and are unique. An author has one entry; a forked one
// has an entry for the tip of each branch, and of such an author the vector knows the named versions only: which
// branch an older dot is on, the graph knows (package history). Make one with NewVector; the zero Vector is empty.
type Vector []Entry

// MaxEntries bounds a decoded vector.
const MaxEntries = 1 << 16

// Order is how two vectors relate.
type Order uint8

// The orders of two vectors.
const (
	Equal      Order = iota // both cover the same
	Before                  // the other covers all of this and more
	After                   // this covers all of the other and more
	Concurrent              // each covers something that the other does not
)

// String names the order.
func (o Order) String() string {
	switch o {
	case Equal:
		return "equal"
	case Before:
		return "before"
	case After:
		return "after"
	default:
		return "concurrent"
	}
}

// NewVector returns the vector of the entries, given in any order.
func NewVector(entries ...Entry) Vector {
	sorted := slices.Clone(entries)
	order.Sort(sorted, Entry.Compare)
	return slices.Compact(sorted)
}

// Covers reports whether the vector is known to cover the version that e names. For an author with one entry that is
// every dot up to it (at the same seq the ids decide); for a forked author, exactly the entries.
func (v Vector) Covers(e Entry) bool {
	of := v.of(e.Author)
	if len(of) == 1 && e.Seq < of[0].Seq {
		return true
	}
	return slices.Contains(of, e)
}

// Join returns the least vector that covers what either covers. Where each has one entry for an author, at different
// seqs, the greater stays; otherwise the author is forked and all entries stay. Neither v nor other is changed.
func (v Vector) Join(other Vector) Vector {
	out := make(Vector, 0, max(len(v), len(other)))
	for len(v) > 0 && len(other) > 0 {
		switch v[0].Author.Compare(other[0].Author) {
		case -1:
			out, v = append(out, v[0]), v[1:]
		case 1:
			out, other = append(out, other[0]), other[1:]
		default:
			a, b := v.head(), other.head()
			out = appendJoined(out, a, b)
			v, other = v[len(a):], other[len(b):]
		}
	}
	return append(append(out, v...), other...)
}

// appendJoined joins the entries of one author.
func appendJoined(out, a, b Vector) Vector {
	if len(a) == 1 && len(b) == 1 && a[0].Seq != b[0].Seq {
		if a[0].Seq < b[0].Seq {
			a = b
		}
		return append(out, a[0])
	}
	start := len(out)
	out = append(append(out, a...), b...)
	order.Sort(out[start:], Entry.Compare)
	return out[:start+len(slices.Compact(out[start:]))]
}

// Compare says how v and other relate, as far as vectors can tell (see Covers).
func (v Vector) Compare(other Vector) Order {
	less, greater := other.coversAll(v), v.coversAll(other)
	switch {
	case less && greater:
		return Equal
	case less:
		return Before
	case greater:
		return After
	default:
		return Concurrent
	}
}

func (v Vector) coversAll(other Vector) bool {
	for _, e := range other {
		if !v.Covers(e) {
			return false
		}
	}
	return true
}

// of returns the entries of one author.
func (v Vector) of(author identity.Author) Vector {
	i, _ := slices.BinarySearchFunc(v, author, func(e Entry, a identity.Author) int { return e.Author.Compare(a) })
	rest := v[i:]
	if len(rest) == 0 || rest[0].Author != author {
		return nil
	}
	return rest.head()
}

// head returns the entries of the first author.
func (v Vector) head() Vector {
	n := 1
	for n < len(v) && v[n].Author == v[0].Author {
		n++
	}
	return v[:n]
}

// Append appends the canonical form: an array of entries, each an array of author, seq and id prefix.
func (v Vector) Append(b []byte) []byte {
	b = canon.AppendArray(b, len(v))
	for i := range v {
		b = v[i].Append(b)
	}
	return b
}

// Append appends the canonical form: an array of author, seq and id prefix.
func (e *Entry) Append(b []byte) []byte {
	b = canon.AppendArray(b, 3)
	b = canon.AppendBytes(b, e.Author[:])
	b = canon.AppendUint(b, e.Seq)
	return canon.AppendBytes(b, e.ID[:])
}

// entryBytes is the least that an encoded entry takes.
const entryBytes = 1 + 2 + 32 + 1 + 2 + 16

// ReadVector reads what Append wrote. Errors wrap canon.ErrMalformed: entries out of order, more than MaxEntries.
func ReadVector(r *canon.Reader) (Vector, error) {
	n, err := r.Array()
	if err != nil {
		return nil, err
	}
	if n > MaxEntries || n > r.Len()/entryBytes {
		return nil, &malformed{what: "a vector of " + strconv.Itoa(n) + " entries in " + strconv.Itoa(r.Len()) + " bytes"}
	}
	v := make(Vector, n)
	for i := range v {
		if v[i], err = ReadEntry(r); err != nil {
			return nil, err
		}
		if i > 0 && v[i-1].Compare(v[i]) >= 0 {
			return nil, &malformed{what: "vector entries that are not unique and ascending"}
		}
	}
	return v, nil
}

// ReadEntry reads what Entry.Append wrote. Errors wrap canon.ErrMalformed.
func ReadEntry(r *canon.Reader) (Entry, error) {
	if err := readCount(r, 3); err != nil {
		return Entry{}, err
	}
	author, _ := r.Bytes32()
	seq, _ := r.Uint()
	id, err := r.Bytes()
	if err == nil && len(id) != len(Prefix{}) {
		err = &malformed{what: "an id prefix is 16 bytes"}
	}
	if err != nil {
		return Entry{}, err
	}
	return Entry{Author: author, Seq: seq, ID: Prefix(id)}, nil
}
