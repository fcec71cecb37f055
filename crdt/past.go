package crdt

import (
	"iter"
	"math"

	"github.com/kdelta/kdelta/crdt/clock"
)

// Past is what a version covers: its causal past, without itself.
type Past interface {
	// Covers reports whether the version that s stamps is in the past.
	Covers(s clock.Stamp) bool
	// All reports whether the past holds every version that was applied to the key so far. It must be exact, and is
	// true where there are none: State.Linear is derived from it.
	All() bool
}

// SameRun is an optional ability of a Past. It saves a Lookup and changes no result.
type SameRun interface {
	// SameRun reports whether s stamps an earlier version by the author of this one, and this version and all between
	// them have no parent but the author's previous version: nothing was merged since s. When in doubt it is false.
	SameRun(s clock.Stamp) bool
}

// Chain is an optional ability of a Past. It saves a Lookup and changes no result.
type Chain interface {
	// Chain reports whether no two versions of the past are concurrent. When in doubt it is false.
	Chain() bool
}

// Latest is an optional ability of a Past. It saves questions and changes no result.
type Latest interface {
	// Latest returns a time: of what is later nothing is in the past.
	Latest() clock.Time
}

// SameAuthor is an optional ability of a Past. It saves questions and changes no result.
type SameAuthor interface {
	// SameAuthor reports whether all of the past is by the author of this version. When in doubt it is false.
	SameAuthor() bool
}

// Lookup reads the history of the key that a State is of. Apply asks it only where versions were concurrent.
type Lookup interface {
	// StateAt returns the state folded from exactly those ops on the key that the past covers. It must not be changed afterwards.
	StateAt(p Past) (*State, error)
	// Events yields every op that was applied to the key so far, oldest first; the ops of one version in their order.
	Events() iter.Seq2[Event, error]
}

// Event is one op with the version that it belongs to.
type Event struct {
	Stamp clock.Stamp
	Op    Op
	Past  Past
}

// seen answers for a version being applied: it covers its past, and its own earlier ops. Nothing later than latest is among them, and
// nothing by other authors where own is set.
type seen struct {
	at     clock.Stamp
	past   Past
	latest clock.Time
	own    bool
}

func newSeen(at clock.Stamp, past Past, ops int) seen {
	s := seen{at: at, past: past, latest: math.MaxUint64}
	if p, able := past.(Latest); able {
		if s.latest = p.Latest(); ops > 1 {
			s.latest = max(s.latest, at.Time)
		}
	}
	if p, able := past.(SameAuthor); able {
		s.own = p.SameAuthor()
	}
	return s
}

func (s *seen) covers(x *clock.Stamp) bool {
	return (!s.own || x.Author == s.at.Author) && (x.ID == s.at.ID || s.past.Covers(*x))
}

// uncovered returns stamps, which ascend, without those that are covered: the same slice if none is, nil if all are, else new memory.
func (s *seen) uncovered(stamps []clock.Stamp) []clock.Stamp {
	if len(stamps) == 0 || stamps[0].Time > s.latest {
		return stamps
	}
	return keepStamps(stamps, func(x *clock.Stamp) bool { return x.Time > s.latest || !s.covers(x) })
}

// drop returns entries, which ascend, without those that are covered, in the same memory.
func (s *seen) drop(entries []entry) []entry {
	kept, n := 0, 0
	for ; n < len(entries) && entries[n].at.Time <= s.latest; n++ {
		if s.covers(&entries[n].at) {
			continue
		}
		if kept < n {
			entries[kept] = entries[n]
		}
		kept++
	}
	left := append(entries[:kept], entries[n:]...)
	clear(entries[len(left):])
	return left
}

// everything is the past of a version that saw all there is.
type everything struct{}

func (everything) Covers(clock.Stamp) bool { return true }

func (everything) All() bool { return true }
