package sequence

import (
	"cmp"

	"github.com/kdelta/kdelta/internal/order"
)

// merge applies the events of another log that are not here.
func (c *core) merge(from *Log) error {
	if from.from > 0 {
		return errForksBefore(from.from)
	}
	if from.content.list != c.log.content.list {
		return fault(ErrEvent, "the log of a list does not go into a text, nor the other way round")
	}
	return c.carryAll(from, func(s span) uint32 { return s.n })
}

// carryAll applies events of another log that are not here: of each stretch of its plan the first n. With each event those before
// it have to be among them.
func (c *core) carryAll(from *Log, n func(stretch span) uint32) error {
	p := newPlan(from)
	m := &merger{core: c, from: from, plan: p, here: make([]uint32, len(p.stretches))}
	for todo := p.order(); len(todo) > 0; {
		m.stretch = todo[0]
		s := p.stretches[m.stretch]
		lv, end := s.lv, s.lv+n(s)
		for todo = todo[1:]; len(todo) > 0 && p.goesOn(todo[0], end); todo = todo[1:] {
			end += n(p.stretches[todo[0]])
		}
		for lv < end {
			next, err := m.carry(lv, end)
			if err != nil {
				return err
			}
			lv = next
		}
	}
	return nil
}

// merger carries events from one log to another.
type merger struct {
	*core
	from *Log
	plan *plan
	// here is the last event of each stretch that was carried as it is numbered here, stretch the one at work, and last the event
	// before the next one of it.
	here    []uint32
	stretch uint32
	last    uint32
	// parents are those of the events at work.
	parents []uint32
}

// carry carries events from one on, up to end, that follow one another and are one author's, and returns the number after
// them.
func (m *merger) carry(lv, end uint32) (next uint32, err error) {
	making := m.from.makingOf(lv)
	next = min(end, m.from.end(making, m.from.next))
	dot := m.from.dotIn(making, lv)
	if here, known := m.log.find(&dot); known {
		last := m.log.end(m.log.makingOf(here), m.log.next)
		next = min(next, lv+last-here)
		m.carried(lv, next, here)
		return next, nil
	}
	parents := m.parentsOf(lv)
	length, linear, err := m.prepare(parents)
	if err != nil {
		return 0, err
	}
	first := m.from.runOf(lv)
	stop, err := m.from.check(first, lv, next, length)
	if err != nil {
		return 0, err
	}
	// What this log lacks is at most all that the other one has.
	w, err := m.log.admit(&dot, uint64(next-lv), len(m.from.content.bytes))
	if err != nil {
		return 0, err
	}
	here := m.log.add(&dot, w, next-lv, parents)
	m.carried(lv, next, here)
	m.doFrom(m.log.writeFrom(m.from, first, stop, lv, next), here, linear)
	return next, nil
}

// parentsOf are the parents of the event to carry next as they are numbered here.
func (m *merger) parentsOf(lv uint32) []uint32 {
	m.parents = m.parents[:0]
	if lv > m.plan.stretches[m.stretch].lv {
		m.parents = append(m.parents, m.last)
		return m.parents
	}
	for _, p := range m.plan.parents.of(m.stretch) {
		m.parents = append(m.parents, m.here[p])
	}
	order.Sort(m.parents, cmp.Compare)
	return m.parents
}

// carried notes that the events from lv up to next are those from here on.
func (m *merger) carried(lv, next, here uint32) {
	for int(m.stretch) < len(m.plan.stretches) && m.plan.stretches[m.stretch].end() <= next {
		m.here[m.stretch] = here + m.plan.stretches[m.stretch].end() - 1 - lv
		m.stretch++
	}
	m.last = here + next - 1 - lv
}
