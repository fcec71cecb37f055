package crdt

import (
	"github.com/kdelta/kdelta/crdt/clock"
)

// Strategy shows concurrent values as one. It is a pure function: the same siblings give the same bytes, on every replica
// and at any time; it reads no clock, no randomness and nothing of its own that changes. It decides what is shown,
// never what is stored. Package crdttest proves one.
type Strategy interface {
	// Name is the name with its version, as "lww/1". A change of behaviour is a new version.
	Name() string
	// Resolve returns what to show. An error, a panic, and bytes that are no Value make the key show what LWW shows; so
	// does a nil Value, unless one of the siblings is a deletion: then it shows the key as deleted.
	Resolve(c Siblings) (Value, error)
}

// BaseReader is an optional ability of a Strategy: NeedsBase reports whether Resolve reads Siblings.Base. It is not
// computed for the others.
type BaseReader interface {
	NeedsBase() bool
}

// Siblings is what a strategy chooses from.
type Siblings struct {
	// Base is the value at the point where the siblings parted; nil if there was none, or if the strategy is no
	// BaseReader.
	Base Value
	// Values are at least two, no two of them equal, ascending: the last one is what LWW shows.
	Values []Sibling
}

// Sibling is one of several concurrent values.
type Sibling struct {
	Stamp clock.Stamp
	// Value is nil if Deleted.
	Value Value
	// Deleted marks a concurrent delete.
	Deleted bool
}

// live returns the values, without deletions.
func (c *Siblings) live() []Sibling {
	out := make([]Sibling, 0, len(c.Values))
	for _, s := range c.Values {
		if !s.Deleted {
			out = append(out, s)
		}
	}
	return out
}
