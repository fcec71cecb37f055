package pack

import "github.com/kdelta/kdelta/crdt/clock"

// A time is written after that of the version before it in the pack (the first: after the least time of the header), of
// whatever chain: versions mostly come in the order in which they were made. It is the difference of the milliseconds, and the
// counter only where it is not the expected one: 0, or one more where an author writes twice in a millisecond.
//
//	2 × zigzag(ms − last ms) + c [, counter if c is 1]
const counterBits = 16

// expected is the counter that an author's clock shows, so many milliseconds after the version before, which may be the
// author's own.
func expected(last clock.Time, later int64, own bool) uint64 {
	if later == 0 && own {
		return uint64(uint16(last) + 1)
	}
	return 0
}

func appendTime(b []byte, last, t clock.Time, own bool) []byte {
	later := int64(t>>counterBits) - int64(last>>counterBits)
	head, counter := zigzag(later)<<1, uint64(uint16(t))
	if counter == expected(last, later, own) {
		return appendNumber(b, head)
	}
	return appendNumber(appendNumber(b, head|1), counter)
}

// time reads the time that comes after last.
func (s *source) time(c *span, last clock.Time, own bool) clock.Time {
	head := s.number(c)
	later := unzigzag(head >> 1)
	counter := expected(last, later, own)
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
