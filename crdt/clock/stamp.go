package clock

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"strconv"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// ID is the name of a version that proves it: SHA-256 of its canonical header.
type ID [32]byte

// Prefix is the first half of an ID: enough to tell versions apart that share a dot, not enough to prove one.
type Prefix [16]byte

// String returns the id as 64 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Prefix returns the first 16 bytes.
func (id ID) Prefix() Prefix { return Prefix(id[:len(Prefix{})]) }

// Compare orders ids by their bytes: -1, 0 or +1.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// IsZero reports whether id names no version.
func (id ID) IsZero() bool { return id == ID{} }

// Stamp is a version's name and its place in the total order.
type Stamp struct {
	Time   Time
	Author identity.Author
	// Seq is the version's last dot.
	Seq uint64
	ID  ID
}

// Compare orders stamps by time, author and id: -1, 0 or +1. A version is greater than all that it covers.
func (s Stamp) Compare(other Stamp) int {
	if c := cmp.Compare(s.Time, other.Time); c != 0 {
		return c
	}
	if c := s.Author.Compare(other.Author); c != 0 {
		return c
	}
	return s.ID.Compare(other.ID)
}

// Less reports whether s is before other in the total order.
func (s Stamp) Less(other Stamp) bool { return s.Compare(other) < 0 }

// IsZero reports whether s stamps no version.
func (s Stamp) IsZero() bool { return s.Time == 0 && s.ID.IsZero() }

// Name returns the name for people: AUTHOR@SEQ, the author in its short form.
func (s Stamp) Name() string { return string(s.AppendName(nil)) }

// AppendName appends the name for people.
func (s Stamp) AppendName(b []byte) []byte {
	return strconv.AppendUint(append(s.Author.AppendShort(b), '@'), s.Seq, 10)
}

// Append appends the canonical form: an array of time, author, seq and id.
func (s Stamp) Append(b []byte) []byte {
	b = canon.AppendArray(b, 4)
	b = canon.AppendUint(b, uint64(s.Time))
	b = canon.AppendBytes(b, s.Author[:])
	b = canon.AppendUint(b, s.Seq)
	return canon.AppendBytes(b, s.ID[:])
}

// ReadStamp reads what Append wrote. Errors wrap canon.ErrMalformed.
func ReadStamp(r *canon.Reader) (Stamp, error) {
	if err := readCount(r, 4); err != nil {
		return Stamp{}, err
	}
	time, _ := r.Uint()
	author, _ := r.Bytes32()
	seq, _ := r.Uint()
	id, err := r.Bytes32() // sticky: the first error of the four
	if err != nil {
		return Stamp{}, err
	}
	return Stamp{Time: Time(time), Author: author, Seq: seq, ID: id}, nil
}

type malformed struct{ what string }

func (e *malformed) Error() string { return "clock: " + e.what + ": " + canon.ErrMalformed.Error() }

func (e *malformed) Unwrap() error { return canon.ErrMalformed }

func readCount(r *canon.Reader, want int) error {
	n, err := r.Array()
	if err == nil && n != want {
		err = &malformed{what: "an array of " + strconv.Itoa(want) + " items is due"}
	}
	return err
}
