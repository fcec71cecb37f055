package pack

import "github.com/kdelta/kdelta/crdt/clock"

// A time is written after another one, that of the version before it on its chain: the difference of the milliseconds, and
// the counter only where it is not the one that a clock would show next.
//
//	2 × zigzag(ms − last ms) + c [, counter if c is 1]
const counterBits = 16

// expected is the counter that a clock shows after last, at a moment so many milliseconds later.
func expected(last clock.Time, later int64) uint64 {
	if later == 0 {
		return uint64(uint16(last) + 1)
	}
	return 0
}

func appendTime(b []byte, last, t clock.Time) []byte {
	later := int64(t>>counterBits) - int64(last>>counterBits)
	head, counter := zigzag(later)<<1, uint64(uint16(t))
	if counter == expected(last, later) {
		return appendNumber(b, head)
	}
	return appendNumber(appendNumber(b, head|1), counter)
}

// time reads the time that comes after last.
func (s *source) time(c *span, last clock.Time) clock.Time {
	head := s.number(c)
	later := unzigzag(head >> 1)
	counter := expected(last, later)
	if head&1 == 1 {
		counter = s.bounded(c, 1<<counterBits-1)
	}
	ms := int64(last>>counterBits) + later
	if ms < 0 || ms > 1<<(63-counterBits)-1 {
		s.fail(faultRange)
		return 0
	}
	return clock.Time(ms)<<counterBits | clock.Time(counter)
}
