package history

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/order"
)

// A Cut is a point in the past: a set of versions that holds the parents of each of its versions. The zero Cut is empty.
type Cut struct {
	clock  Clock
	time   clock.Time
	byTime bool
}

// CutAt is the cut of what a clock covers.
func CutAt(c Clock) Cut { return Cut{clock: c} }

// CutAtTime is the cut of all versions whose time is t or before. It is causally closed because a version's time is above
// those of its parents.
func CutAtTime(t clock.Time) Cut { return Cut{time: t, byTime: true} }

// Contains reports whether the cut holds a version, given by its line, its last dot and its time.
func (c Cut) Contains(line Line, seq uint64, t clock.Time) bool {
	if c.byTime {
		return t <= c.time
	}
	return c.clock.Covers(line, seq)
}

// Clock is the clock of the cut; ok is false for a cut at a time, which has none by itself.
func (c Cut) Clock() (at Clock, ok bool) { return c.clock, !c.byTime }

// Time is the time of the cut; ok is false for a cut at a clock.
func (c Cut) Time() (t clock.Time, ok bool) { return c.time, c.byTime }

// Missing is what a clock does not cover, as ranges of dots that ascend and do not touch: in this order parents come
// before children. The clock may be any set of marks that were made with this graph's lines; marks beyond what is here
// are no trouble.
func (g *Graph) Missing(have Clock) []Range {
	var out []Range
	for i := range g.lines {
		l := &g.lines[i]
		from := max(have.Seq(Line(i)), l.info.ForkSeq) + 1
		if from > l.tip {
			continue
		}
		ord := g.ordOf(l, from)
		for ; ord < len(l.spans); ord++ {
			s := &g.spans[l.spans[ord]]
			last := l.tip
			if ord+1 < len(l.spans) {
				last = g.spans[l.spans[ord+1]].seq - 1
			}
			start := max(from, s.seq)
			out = append(out, Range{From: s.lv + LV(start-s.seq), To: s.lv + LV(last-s.seq)})
		}
	}
	order.Sort(out, func(a, b Range) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	joined := out[:0]
	for _, r := range out {
		if n := len(joined); n > 0 && joined[n-1].To+1 == r.From {
			joined[n-1].To = r.To
			continue
		}
		joined = append(joined, r)
	}
	return joined
}
