package crdt

import (
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
)

// State is everything that the ops on one key come to: a pure function of the set of ops and their causality. The zero
// State is that of a key nothing was written to. A State is not safe for concurrent use and must not be copied; see
// Clone.
type State struct {
	// roots are the values put, fields the members patched, tombs the deletes that nothing covers: the document.
	roots  []entry       // ascending by stamp; their paths are ""
	fields []field       // ascending by path
	tombs  []clock.Stamp // ascending

	counter *counter  // nil without adds
	set     []element // ascending by canon.Compare

	// text and list are the edits of them that nothing covers, ascending: they are there if there are any. What they say is
	// no part of the state.
	text, list []clock.Stamp

	branched bool // some op did not cover all that were applied before it
	unknown  bool // some op was of an unknown code

	// held is what ops there were of; a kind may leave no other trace once it is taken out.
	held kinds

	room [2]entry // for the roots of nearly all states: a value, and one beside it
	then *then    // nil for a state that changes
}

// field is the entries of one path, never none.
type field struct {
	path    string
	entries []entry // ascending by stamp, none covers another
}

// entry is what one version says of a path. Killers and aside are never changed in place, so that clones share them.
type entry struct {
	at    clock.Stamp
	value Value // nil: removed
	// killers are the earliest deletes, and ops of other kinds, that cover the entry, ascending: it is dead if there are any.
	killers []clock.Stamp
	// aside are the versions of those roots, and entries at paths above, that at does not cover, ascending.
	aside []clock.Stamp
}

func (e *entry) live() bool { return len(e.killers) == 0 }

// covers reports whether e's version covers that of a root, or of an entry above e's path.
func (e *entry) covers(at *clock.Stamp) bool { return !containsStamp(e.aside, at) }

// SimpleState returns the state of a key that was put once, or of which each put covered the one before.
func SimpleState(at clock.Stamp, value Value) *State {
	s := &State{}
	s.setSimple(at, value)
	return s
}

// BeSimple makes s the state that SimpleState(at, value) returns, in the memory that it has.
func (s *State) BeSimple(at clock.Stamp, value Value) {
	*s = State{}
	s.setSimple(at, value)
}

func (s *State) setSimple(at clock.Stamp, value Value) {
	s.roots = append(s.room[:0], entry{at: at, value: value})
	s.held |= documents
}

// Simple reports whether SimpleState(at, value) is the state: one live value, and no concurrency ever.
func (s *State) Simple() (at clock.Stamp, value Value, ok bool) {
	if !s.IsSimple() {
		return clock.Stamp{}, nil, false
	}
	return s.roots[0].at, s.roots[0].value, true
}

// IsSimple reports what Simple does, for a caller that needs neither the version nor the value.
func (s *State) IsSimple() bool {
	return len(s.roots) == 1 && s.roots[0].live() && !s.branched && !s.unknown && s.held.lasting() == documents &&
		len(s.fields)+len(s.tombs) == 0
}

// SetSimple gives a simple state another value of the same version.
func (s *State) SetSimple(value Value) { s.roots[0].value = value }

// Linear reports whether every op on the key covered all ops that were applied before it: they form a chain.
func (s *State) Linear() bool { return !s.branched }

// Unknown reports whether an op of an unknown code was applied. What the state shows is then not the whole; a local
// write could destroy what it cannot see and must be refused.
func (s *State) Unknown() bool { return s.unknown }

// CanAdd reports whether the counter, as it stands, stays within ±(2^53−1) when n is added.
func (s *State) CanAdd(n int64) bool {
	var sum int128
	if s.counter != nil {
		sum = s.counter.sum
	}
	return sum.plus(n).isExact()
}

// Clone returns a state that shares no memory that either may change. Values are shared.
func (s *State) Clone() *State {
	c := &State{
		fields:   slices.Clone(s.fields),
		tombs:    slices.Clone(s.tombs),
		counter:  s.counter.clone(),
		set:      slices.Clone(s.set),
		text:     s.text,
		list:     s.list,
		branched: s.branched,
		unknown:  s.unknown,
		held:     s.held,
	}
	c.roots = append(c.room[:0], s.roots...)
	for i := range c.fields {
		c.fields[i].entries = slices.Clone(c.fields[i].entries)
	}
	return c
}

// containsStamp searches ascending stamps.
func containsStamp(stamps []clock.Stamp, x *clock.Stamp) bool {
	if len(stamps) == 0 {
		return false
	}
	_, found := slices.BinarySearchFunc(stamps, *x, clock.Stamp.Compare)
	return found
}

// withStamp returns ascending stamps with x among them, in new memory.
func withStamp(stamps []clock.Stamp, x clock.Stamp) []clock.Stamp {
	i, found := slices.BinarySearchFunc(stamps, x, clock.Stamp.Compare)
	if found {
		return stamps
	}
	out := make([]clock.Stamp, 0, len(stamps)+1)
	return append(append(append(out, stamps[:i]...), x), stamps[i:]...)
}

// keepStamps returns the stamps that keep approves: the same slice if all, nil if none, else new memory.
func keepStamps(stamps []clock.Stamp, keep func(*clock.Stamp) bool) []clock.Stamp {
	for i := range stamps {
		if keep(&stamps[i]) {
			continue
		}
		out := slices.Clone(stamps[:i])
		for j := i + 1; j < len(stamps); j++ {
			if keep(&stamps[j]) {
				out = append(out, stamps[j])
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return stamps
}
