package replica

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
)

// lineage is the graph of the space as a text or a list asks for it. A document outlives the snapshot that it was read from, so
// it is lent one whenever there is something to ask.
//
// A dot names its line by Branch: 0 for the first line of an author, else the number of the line, which no other
// one gets while the epoch lasts. Dots of the branch unwritten are those of edits that are in no version yet.
type lineage struct {
	s *snap
	g *history.Graph
	// seen is what was there when the unwritten edits were made, which was right after time.
	seen history.Clock
	time clock.Time
	// of is the dot that was asked about last, and past the clock of its version.
	of   sequence.Dot
	past history.Clock
	err  error
}

var _ sequence.History = (*lineage)(nil)

const unwritten = 1<<32 - 1

// branchOf is the branch of a line's dots.
func branchOf(line history.Line, row *store.Author) uint32 {
	if info := lineInfo(row); info.Branch() {
		return uint32(line)
	}
	return 0
}

// ask lends the lineage a snapshot while fn runs. fn must not wait for anything but the transaction.
func (l *lineage) ask(s *snap, fn func() error) error {
	return s.graph(func(g *history.Graph) error {
		l.s, l.g = s, g
		err := fn()
		if l.err != nil {
			err = l.err
		}
		*l = lineage{seen: l.seen, time: l.time}
		return err
	})
}

// see says that the author of the unwritten edits saw what a point holds.
func (l *lineage) see(s *snap, p point) error {
	return s.graph(func(g *history.Graph) error {
		l.seen = g.ClockOf(p.tops...)
		for _, lv := range p.tops {
			at, err := s.stampAt(lv)
			if err != nil {
				return err
			}
			l.time = max(l.time, at.Time)
		}
		return nil
	})
}

// find is where a dot stands in the graph.
func (l *lineage) find(d sequence.Dot) (lv history.LV, ok bool) {
	if l.g == nil {
		return 0, false
	}
	line := history.Line(d.Branch)
	if d.Branch == 0 {
		lines := l.g.Lines(d.Author)
		if len(lines) == 0 {
			return 0, false
		}
		line = lines[0]
	}
	if int(line) >= l.g.NumLines() {
		return 0, false
	}
	return l.g.Find(line, d.Seq)
}

// Covers implements sequence.History.
func (l *lineage) Covers(b, a sequence.Dot) bool {
	if b.Branch == unwritten && a.Branch == unwritten {
		return a.Seq <= b.Seq
	}
	lv, ok := l.find(a)
	if !ok {
		return false
	}
	line, seq := l.g.At(lv)
	if b.Branch == unwritten {
		return l.seen.Covers(line, seq)
	}
	if b != l.of {
		l.of, l.past = b, history.Clock{}
		if at, ok := l.find(b); ok {
			l.past = l.g.Clock(at)
		}
	}
	return l.past.Covers(line, seq)
}

// Stamp implements sequence.History.
func (l *lineage) Stamp(d sequence.Dot) clock.Stamp {
	if d.Branch == unwritten {
		return clock.Stamp{Time: l.time + 1, Author: d.Author, Seq: d.Seq}
	}
	lv, ok := l.find(d)
	if !ok {
		return clock.Stamp{Author: d.Author, Seq: d.Seq}
	}
	at, err := l.s.stampAt(lv)
	if err != nil && l.err == nil {
		l.err = err
	}
	return at
}
