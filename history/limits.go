package history

import (
	"errors"
	"strconv"
)

// Limits of the format. They are part of validity: a version beyond one of them is invalid on every replica, so they
// never change within a format.
const (
	// MaxVersion is the size of one version in bytes: its header, its payload and its detached contents by the
	// lengths that the payload declares, whether they are here or erased.
	MaxVersion = 1 << 20
	// MaxErasing is the size in bytes of the payload of a version with an erase op: it travels beside what it erased, as the
	// proof; see Erasure.
	MaxErasing = 64 << 10
	// MaxParents is the number of parents: Prev and 63 others. An author with more heads to cover first writes versions without ops, each of which joins some.
	MaxParents = 64
	// MaxDeps is the number of parents beside Prev.
	MaxDeps = MaxParents - 1
	// MaxOps is the number of op records in one version.
	MaxOps = 1 << 16
	// MaxWidth is the number of dots that one version owns.
	MaxWidth = 1 << 20
	// MaxSeq is the greatest last dot of a version, and MaxTime the greatest hybrid time that a record can hold;
	// both stay within what SQL databases call an integer.
	MaxSeq = 1<<63 - 1
)

// FormatByte is the first item of each header and run. 0 is unstable: it may change until the first release.
const FormatByte = 0

// ErrTooLarge is wrapped when something is beyond a limit of the format; the text has the size and the limit. What
// is too large for one version must be split into several, or stored outside and referred to.
var ErrTooLarge = errors.New("history: too large")

// tooLarge says what is how large, and what the limit is.
type tooLarge struct {
	what        string
	size, limit uint64
}

func (e *tooLarge) Error() string {
	return ErrTooLarge.Error() + ": " + e.what + ": " + strconv.FormatUint(e.size, 10) + ", the limit is " +
		strconv.FormatUint(e.limit, 10)
}

func (e *tooLarge) Unwrap() error { return ErrTooLarge }

func checkLimit(what string, size, limit uint64) error {
	if size > limit {
		return &tooLarge{what: what, size: size, limit: limit}
	}
	return nil
}
