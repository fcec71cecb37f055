package sequence

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/kdelta/kdelta/internal/order"
)

// view is the state that events make: what a text shows, or a list.
type view interface {
	length() uint32
	// insert puts the content of a piece before the element at pos.
	insert(p *piece, pos uint32)
	remove(pos, n uint32)
}

// elements is a view of elements that can be told apart: a list.
type elements interface {
	// move takes the element at from out and puts it before the one that is then at to.
	move(from, to uint32)
	replace(pos uint32, content []byte)
}

// core applies events: it writes them down in the log and does them to the view, directly where they have seen
// everything, through the tracker where they have not.
type core struct {
	log     *Log
	walker  walker
	history History
	view    view
	// elements is the view, if it is one of a list.
	elements elements
	piece    piece // the one at work; here it costs no allocation
}

func (c *core) init(log *Log, history History, v view) {
	c.log, c.history, c.view = log, history, v
	c.elements, _ = v.(elements)
	c.walker.log = log
	log.history = history
}

// parentsOf are the heads of what the version that owns a dot has seen of this document.
func (c *core) parentsOf(dot *Dot) ([]uint32, error) {
	if c.history == nil && len(c.log.heads) > 0 {
		return nil, fault(ErrHistory, "give the document a History to ask")
	}
	has := func(lv uint32) bool { return c.log.madeBefore(dot, lv) || c.history.Covers(*dot, c.log.dot(lv)) }
	all := true
	for _, h := range c.log.heads {
		all = all && has(h)
	}
	if all {
		return c.log.heads, nil
	}
	return c.log.seen(has)
}

// prepare is the length of the document that an event with the given parents is about.
func (c *core) prepare(parents []uint32) (length uint32, linear bool, err error) {
	length = c.view.length()
	if slices.Equal(parents, c.log.heads) {
		return length, true, nil
	}
	if err := c.walker.ready(parents, length); err != nil {
		return 0, false, err
	}
	c.walker.moveTo(parents)
	return c.walker.visible(length), false, nil
}

// apply applies a part of the events that were added to the log last; prepare has said whether they are linear, and how far
// their positions may reach.
func (c *core) apply(p *piece, linear bool) {
	c.log.write(p)
	if linear {
		c.walker.rest()
		switch p.kind {
		case insert:
			c.view.insert(p, p.pos)
		case move:
			c.elements.move(p.pos, p.to)
		case replace:
			c.elements.replace(p.pos, p.elements[0])
		default:
			c.view.remove(p.pos, p.n)
		}
		return
	}
	at := c.walker.do(p)
	changed := c.walker.tracker.changed
	switch p.kind {
	case insert:
		c.view.insert(p, at)
	case move:
		if changed.done {
			c.elements.move(changed.from, changed.to)
		}
	case replace:
		if changed.done {
			c.elements.replace(changed.from, p.elements[0])
		}
	default:
		for _, s := range c.walker.tracker.erased {
			c.view.remove(s.lv, s.n)
		}
	}
}

// tie orders two events that insert in one place: by author, by seq, and where the author is forked, by id.
func (l *Log) tie(a, b uint32) int {
	if c := l.compare(a, b); c != 0 || l.history == nil {
		return c
	}
	x, y := l.history.Stamp(l.dot(a)).ID, l.history.Stamp(l.dot(b)).ID
	return bytes.Compare(x[:], y[:])
}

// later reports whether event a is after event b in the total order of versions.
func (l *Log) later(a, b uint32) bool {
	x, y := l.dot(a), l.dot(b)
	if l.history != nil {
		if c := l.history.Stamp(x).Compare(l.history.Stamp(y)); c != 0 {
			return c > 0
		}
	}
	return l.compare(a, b) > 0
}

func errForksBefore(from uint32) error {
	return fault(ErrHistory, "an event was made before the "+strconv.FormatUint(uint64(from), 10)+" that are not loaded")
}

// merge applies the events of another log that are not here.
func (c *core) merge(from *Log) error {
	if from.from > 0 {
		return errForksBefore(from.from)
	}
	if c.log.next == 0 {
		c.log.runs = slices.Grow(c.log.runs, len(from.runs))
		c.log.content.bytes = slices.Grow(c.log.content.bytes, len(from.content.bytes))
	}
	m := merger{core: c, from: from}
	for lv := uint32(0); lv < from.next; {
		next, err := m.stretch(lv, from.next)
		if err != nil {
			return err
		}
		lv = next
	}
	return nil
}

// merger carries events from one log to another.
type merger struct {
	*core
	from *Log
	// known are events of from, ascending, and the events that they are here.
	known []same
}

// same says that n events from there on in one log are those from here on in another.
type same struct{ there, here, n uint32 }

func (m *merger) note(there, here, n uint32) {
	if k := len(m.known) - 1; k >= 0 {
		if s := &m.known[k]; s.here+s.n == here && s.there+s.n == there {
			s.n += n
			return
		}
	}
	m.known = append(m.known, same{there, here, n})
}

// here is the event here that is an event there.
func (m *merger) here(there uint32) uint32 {
	low, high := 0, len(m.known)
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); m.known[mid].there <= there {
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
	next = min(end, m.from.entryEnd(e), m.from.dots.end(making, m.from.next))
	dot := m.from.dot(lv)
	if here, known := m.log.find(&dot); known {
		last := m.log.end(m.log.makingOf(here), m.log.next)
		n := min(next-lv, last-here)
		m.note(lv, here, n)
		return lv + n, nil
	}
	var parents []uint32
	for _, p := range m.from.parentsOf(lv) {
		parents = append(parents, m.here(p))
	}
	order.Sort(parents, cmp.Compare)
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
	m.note(lv, m.log.next, next-lv)
	here := m.log.add(&dot, w, next-lv, parents)
	for i := m.from.runOf(lv); lv < next; i++ {
		m.piece = m.from.piece(i, lv, next)
		m.piece.lv = here
		m.piece.text = addText(&m.log.content, m.piece.text)
		m.apply(&m.piece, linear)
		lv, here = lv+m.piece.n, here+m.piece.n
	}
	return next, nil
}
