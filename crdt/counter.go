package crdt

import (
	"math/bits"
	"strconv"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// counter is the adds that nothing but adds covers.
type counter struct {
	sum  int128
	adds uint64      // how many, one at least
	at   clock.Stamp // the greatest of them
}

// addUp adds to the counter of the state.
func (s *State) addUp(n int64, at *clock.Stamp) {
	if s.counter == nil {
		s.counter = new(counter)
	}
	s.counter.add(n, at)
}

func (c *counter) add(n int64, at *clock.Stamp) {
	c.sum = c.sum.plus(n)
	c.adds++
	if c.at.Less(*at) {
		c.at = *at
	}
}

// clone is a counter that shares no memory with c; nil where c is.
func (c *counter) clone() *counter {
	if c == nil {
		return nil
	}
	clone := *c
	return &clone
}

// value is an integer, or a decimal string beyond what a value holds exactly.
func (c *counter) value() Value {
	if c.sum.isExact() {
		return canon.AppendInt(nil, int64(c.sum.lo))
	}
	return canon.AppendString(nil, c.sum.String())
}

// recount returns what is left of the counter when a version that covers past takes out what it saw, from all ops that were
// applied before it.
func recount(past Past, look Lookup) (*counter, error) {
	if look == nil {
		return nil, fault(ErrLookup, "a write that is concurrent with adds needs a Lookup")
	}
	type add struct {
		n  int64
		at clock.Stamp
	}
	var adds []add
	for e, err := range look.Events() {
		if err != nil {
			return nil, faultOf(ErrLookup, "the adds of a counter", err)
		}
		switch e.Op.Code {
		case CodeAdd:
			if e.Op.Body == nil {
				continue
			}
			n, err := e.Op.Amount()
			if err != nil {
				return nil, err
			}
			if !past.Covers(e.Stamp) {
				adds = append(adds, add{n: n, at: e.Stamp})
			}
		default:
			if e.Op.Code.kind() == 0 {
				continue
			}
			gone := seen{at: e.Stamp, past: e.Past}
			kept := adds[:0]
			for i := range adds {
				if !gone.covers(&adds[i].at) {
					kept = append(kept, adds[i])
				}
			}
			adds = kept
		}
	}
	var left *counter
	if len(adds) > 0 {
		left = new(counter)
	}
	for i := range adds {
		left.add(adds[i].n, &adds[i].at)
	}
	return left, nil
}

// int128 is a two's complement integer. A sum of 2^64 amounts within ±2^53 needs 118 bits, so it never overflows.
type int128 struct {
	hi int64
	lo uint64
}

func (a int128) plus(n int64) int128 {
	lo, carry := bits.Add64(a.lo, uint64(n), 0)
	return int128{hi: a.hi + n>>63 + int64(carry), lo: lo}
}

// isExact reports whether a is within ±(2^53−1).
func (a int128) isExact() bool {
	n := int64(a.lo)
	return a.hi == n>>63 && -maxOperand <= n && n <= maxOperand
}

// magnitude is the absolute value.
func (a int128) magnitude() (hi, lo uint64) {
	if a.hi >= 0 {
		return uint64(a.hi), a.lo
	}
	lo, borrow := bits.Sub64(0, a.lo, 0)
	hi, _ = bits.Sub64(0, uint64(a.hi), borrow)
	return hi, lo
}

// String is decimal.
func (a int128) String() string {
	const chunk = 10_000_000_000_000_000_000 // 10^19
	hi, lo := a.magnitude()
	text := ""
	for hi > 0 {
		var rest uint64
		upper := hi / chunk
		lo, rest = bits.Div64(hi%chunk, lo, chunk)
		hi = upper
		digits := strconv.FormatUint(rest, 10)
		text = "0000000000000000000"[len(digits):] + digits + text
	}
	text = strconv.FormatUint(lo, 10) + text
	if a.hi < 0 {
		text = "-" + text
	}
	return text
}
