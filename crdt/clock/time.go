package clock

import (
	"errors"
	"strconv"
	"time"
)

// ErrTime is wrapped when a version's time breaks the rule of ValidAfter. The version is invalid on every replica: drop
// it and what depends on it.
var ErrTime = errors.New("invalid time")

// Time is a hybrid logical time: 48 bits of milliseconds since 1970 (UTC), then a counter of 16 bits. The zero Time is
// before all versions and belongs to none.
type Time uint64

const (
	counterBits = 16
	maxMillis   = 4_102_444_800_000 // 2100-01-01T00:00:00Z
)

// MaxTime is the start of the year 2100. Above it a version's time may only be one tick above its parents.
const MaxTime Time = maxMillis << counterBits

// Wall is a source of wall time. Implementations read a real or a simulated clock.
type Wall interface {
	// Now returns milliseconds since 1970 (UTC). It may jump in both directions and be wrong by any amount: versions
	// stay ordered all the same.
	Now() int64
}

// Next returns the time of a version written when the wall clock shows wall milliseconds since 1970 and the greatest
// time among its parents is after: the greater of the wall time and after + 1 tick. A wall time that is negative or
// beyond the year 2100 is ignored.
func Next(wall int64, after Time) Time {
	next := after + 1
	if wall < 0 || wall > maxMillis {
		return next
	}
	return max(Time(wall)<<counterBits, next)
}

// ValidAfter is nil if a version of time t may have parents of the given times: t is above zero and above every one of
// them, and beyond MaxTime it is exactly one tick above the greatest. Otherwise the error wraps ErrTime. The verdict
// depends on nothing else, so it is the same on every replica.
func ValidAfter(t Time, parents ...Time) error {
	var greatest Time
	for _, p := range parents {
		greatest = max(greatest, p)
	}
	if t <= greatest {
		return timeError(t, "is not above its parents' "+greatest.String())
	}
	if t > MaxTime && t != greatest+1 {
		return timeError(t, "is beyond the year 2100 and not one tick above its parents' "+greatest.String())
	}
	return nil
}

// Millis returns the milliseconds since 1970.
func (t Time) Millis() int64 { return int64(t >> counterBits) }

// Counter returns the number of ticks within the millisecond, 0 to 65535.
func (t Time) Counter() uint16 { return uint16(t) }

// String returns the time as RFC 3339 text in UTC with milliseconds, and "+counter" where that is not 0. It is for
// people.
func (t Time) String() string {
	text := time.UnixMilli(t.Millis()).UTC().Format("2006-01-02T15:04:05.000Z")
	if c := t.Counter(); c != 0 {
		text += "+" + strconv.Itoa(int(c))
	}
	return text
}

type timeFault struct{ text string }

func (e *timeFault) Error() string { return e.text }

func (e *timeFault) Unwrap() error { return ErrTime }

func timeError(t Time, what string) error {
	return &timeFault{text: "clock: " + ErrTime.Error() + ": " + t.String() + " " + what}
}
