package sequence

import (
	"cmp"
	"slices"

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
	m := newMerger(c, from)
	for _, i := range from.branches() {
		for lv := from.entries[i].lv; lv < from.entryEnd(int(i)); {
			next, err := m.stretch(lv, from.entryEnd(int(i)))
			if err != nil {
				return err
			}
			lv = next
		}
	}
	return nil
}

// branches is the entries in an order in which parents come first and one branch goes on as far as it can before the next one
// begins: to go from one to another, events have to be undone and done again.
func (g *graph) branches() []int32 {
	first := make([]int32, len(g.entries)+1) // of each entry, where its children start in children
	missing := make([]int32, len(g.entries)) // parents that have not come yet
	of := make([]int32, len(g.parents))      // the entries of all parents
	for i, p := range g.parents {
		of[i] = int32(g.entryOf(p))
		first[of[i]+1]++
	}
	for i := range g.entries {
		first[i+1] += first[i]
		missing[i] = int32(len(g.entryParents(i)))
	}
	children := make([]int32, len(g.parents))
	filled := slices.Clone(first)
	for i := len(g.entries) - 1; i >= 0; i-- {
		from := g.entries[i].parents
		for _, e := range of[from : from+uint32(missing[i])] {
			children[filled[e]] = int32(i)
			filled[e]++
		}
	}
	var ready []int32
	for i := len(g.entries) - 1; i >= 0; i-- {
		if missing[i] == 0 {
			ready = append(ready, int32(i))
		}
	}
	out := make([]int32, 0, len(g.entries))
	for len(ready) > 0 {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		out = append(out, i)
		for _, child := range children[first[i]:first[i+1]] {
			if missing[child]--; missing[child] == 0 {
				ready = append(ready, child)
			}
		}
	}
	return out
}

// merger carries events from one log to another.
type merger struct {
	*core
	from *Log
	// known are events of from, entry by entry as they were carried, and the events that they are here.
	known  []same
	places []span // of each entry, where its events are in known
	// parents are those of the stretch at work.
	parents []uint32
}

// same says that n events from there on in one log are those from here on in another.
type same struct{ there, here, n uint32 }

func newMerger(c *core, from *Log) *merger {
	return &merger{core: c, from: from, places: make([]span, len(from.entries))}
}

// note notes where events are that were carried, or known before.
func (m *merger) note(entry int, s same) {
	p := &m.places[entry]
	if p.n == 0 {
		p.lv = uint32(len(m.known))
	}
	m.known = append(m.known, s)
	p.n++
}

// here is the event here that is an event there, in an entry.
func (m *merger) here(entry int, there uint32) uint32 {
	p := m.places[entry]
	low, high := p.lv, p.end()
	for high-low > 1 {
		if mid := (low + high) / 2; m.known[mid].there <= there {
			low = mid
		} else {
			high = mid
		}
	}
	return there - m.known[low].there + m.known[low].here
}

// stretch carries events from one on, up to end, that follow one another and are one author's, and returns the number
// after them.
func (m *merger) stretch(lv, end uint32) (next uint32, err error) {
	e, making := m.from.entryOf(lv), m.from.makingOf(lv)
	next = min(end, m.from.entryEnd(e), m.from.end(making, m.from.next))
	dot := m.from.dot(lv)
	if here, known := m.log.find(&dot); known {
		last := m.log.end(m.log.makingOf(here), m.log.next)
		n := min(next-lv, last-here)
		m.note(e, same{lv, here, n})
		return lv + n, nil
	}
	parents := m.parents[:0]
	if lv > m.from.entries[e].lv {
		parents = append(parents, m.here(e, lv-1))
	} else {
		for _, p := range m.from.entryParents(e) {
			parents = append(parents, m.here(m.from.entryOf(p), p))
		}
		order.Sort(parents, cmp.Compare)
	}
	m.parents = parents
	length, linear, err := m.prepare(parents)
	if err != nil {
		return 0, err
	}
	if err := m.from.check(lv, next, length); err != nil {
		return 0, err
	}
	// What this log lacks is at most all that the other one has.
	w, err := m.log.admit(&dot, uint64(next-lv), len(m.from.content.bytes))
	if err != nil {
		return 0, err
	}
	m.note(e, same{lv, m.log.next, next - lv})
	here := m.log.add(&dot, w, next-lv, parents)
	m.doFrom(m.log.writeFrom(m.from, lv, next), here, linear)
	return next, nil
}
