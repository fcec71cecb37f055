package history

import "errors"

// ErrInvalid is wrapped by every error that is a verdict on a version. The verdict is the same on all replicas and in
// any order of arrival, so who is given such a version drops it, with what descends from it, and never asks for it
// again. The error is an *InvalidError.
var ErrInvalid = errors.New("history: invalid version")

// Fault is the rule that an invalid version breaks. doc/format.md states the rules.
type Fault uint8

// The faults.
const (
	// FaultEncoding: bytes that are not canonical, or not of the shape that the format states.
	FaultEncoding Fault = iota + 1
	// FaultLimit: beyond a limit of the format; the error wraps ErrTooLarge too.
	FaultLimit
	// FaultKey: a key that no key may be.
	FaultKey
	// FaultOp: a body that its op code cannot have, or a width that it cannot have.
	FaultOp
	// FaultMeta: metadata of a wrong type.
	FaultMeta
	// FaultSeq: a sequence number that does not continue the author's previous version.
	FaultSeq
	// FaultParents: parents out of order, twice, or Prev among the others; or a first version whose Prev is not
	// Genesis.
	FaultParents
	// FaultTime: a hybrid time not above that of every parent, or beyond what clocks may show.
	FaultTime
	// FaultAncestor: it descends from an invalid version.
	FaultAncestor
)

var faultNames = [...]string{
	"unknown", "encoding", "limit", "key", "op", "meta", "seq", "parents", "time", "ancestor",
}

// String is the fault in one word.
func (f Fault) String() string {
	if int(f) >= len(faultNames) {
		return faultNames[0]
	}
	return faultNames[f]
}

// InvalidError is a verdict.
type InvalidError struct {
	Fault Fault
	// What says what is wrong, for people.
	What string
	// Cause is the error beneath, or nil.
	Cause error
}

// Error says which rule is broken, and how.
func (e *InvalidError) Error() string {
	s := ErrInvalid.Error() + " (" + e.Fault.String() + "): " + e.What
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap makes errors.Is find ErrInvalid and the cause.
func (e *InvalidError) Unwrap() []error {
	if e.Cause == nil {
		return []error{ErrInvalid}
	}
	return []error{ErrInvalid, e.Cause}
}

func invalid(f Fault, what string, cause error) error {
	return &InvalidError{Fault: f, What: what, Cause: cause}
}

func overLimit(err error) error { return invalid(FaultLimit, "beyond a limit of the format", err) }
