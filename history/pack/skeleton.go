package pack

import (
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
)

// Versions stand in runs: consecutive versions of one chain, of which at most the first has parents beside the one before it.
//
//	run     4 × chain + min(parents, 3) [, parents if 3 or more], each parent, number of versions
//	parent  4 × x + kind; ascending
//
// A parent that is not the newest version of its chain so far, or stands before all of them, is found by its PIN: the column
// of pins lists the versions whose ids must be kept for this, by the distance from the one before in the list (the first: from
// the start of the pack). A reader thus keeps an id for each chain and each pin, not one for each version.
const (
	refTip      = iota // x is a chain: its newest version so far
	refPin             // x is how many pins back, 0 for the newest
	refExternal        // x is an external of the header
	refBefore          // x is a chain: the version before its first
	refKinds

	manyParents = 3
	parentBits  = 2
)

// skeleton reads which chain each version is on, when it was made, and its parents.
type skeleton struct {
	source
	runs, pins, times span
	chains            []Chain
	started           []bool // of each chain
	count             uint64 // versions of the pack
	index             uint64 // versions read
	left              uint64 // versions left in the run
	pin               uint64 // index of the next pinned version
	pinned            uint64 // pins read
	externals         int

	// What next read; before that, no chain, and the least time.
	chain   uint64
	time    clock.Time
	parents []uint64 // as encoded, checked
	isPin   bool
}

func (s *skeleton) open(src source, cols *[columns]span, h *Header) {
	started := slices.Grow(s.started[:0], len(h.Chains))[:len(h.Chains)]
	clear(started)
	*s = skeleton{
		source: src, runs: cols[colRuns], pins: cols[colPins], times: cols[colTimes],
		chains: h.Chains, started: started, count: uint64(h.Count), externals: len(h.Externals),
		chain: uint64(len(h.Chains)), time: h.First, parents: s.parents[:0],
	}
	if uint64(s.times.end-s.times.at) < s.count { // each takes a byte
		s.fail(faultEnds)
	}
	s.nextPin(0)
}

// nextPin finds the pin at from or behind it.
func (s *skeleton) nextPin(from uint64) {
	s.pin = s.count // none
	if s.pins.done() {
		return
	}
	if s.pin = from + s.bounded(&s.pins, s.count); s.pin >= s.count {
		s.fail(faultRange)
	}
}

// next reads the next version.
func (s *skeleton) next() {
	s.parents = s.parents[:0]
	before := s.chain
	if s.left == 0 {
		s.run()
	}
	if s.fault != "" {
		return
	}
	s.left--
	s.time = s.source.time(&s.times, s.time, s.chain == before)
	s.started[s.chain] = true
	s.isPin = s.index == s.pin
	s.index++
	if s.isPin {
		s.pinned++
		s.nextPin(s.index)
	}
}

// run reads the start of a run.
func (s *skeleton) run() {
	head := s.number(&s.runs)
	s.chain = head >> parentBits
	n := head & manyParents
	if n == manyParents {
		n = s.number(&s.runs)
	}
	if s.chain >= uint64(len(s.started)) || n > history.MaxDeps || head&manyParents == manyParents && n < manyParents {
		s.fail(faultRange)
		return
	}
	for i := range n {
		ref := s.number(&s.runs)
		if i > 0 && ref <= s.parents[i-1] || !s.exists(ref) {
			s.fail(faultRange)
			return
		}
		s.parents = append(s.parents, ref)
	}
	s.left = s.bounded(&s.runs, s.count-s.index)
	if s.left == 0 {
		s.fail(faultRange)
	}
}

// exists reports whether there is what a parent refers to.
func (s *skeleton) exists(ref uint64) bool {
	x := ref >> parentBits
	switch ref & (refKinds - 1) {
	case refTip:
		return x < uint64(len(s.started)) && s.started[x]
	case refPin:
		return x < s.pinned
	case refExternal:
		return x < uint64(s.externals)
	default:
		return x < uint64(len(s.chains)) && s.chains[x].Before.Seq > 0 // what is before a first version is none
	}
}

// end fails unless all was read.
func (s *skeleton) end() {
	if s.fault == "" && (s.left != 0 || !s.runs.done() || !s.pins.done() || !s.times.done()) {
		s.fail(faultLeft)
	}
}
