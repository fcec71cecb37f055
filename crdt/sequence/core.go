package sequence

import (
	"bytes"
	"slices"
	"strconv"
)

// view is the state that events make: what a text shows, or a list.
type view interface {
	length() uint32
	// insert puts the content of a piece before the element at pos.
	insert(p *piece, pos uint32)
	remove(pos, n uint32)
}

// places tells by the events that inserted them where the elements of a view are.
type places interface {
	// eventAt is the event that inserted the element at pos; find is where that one's element is, if it is there.
	eventAt(pos uint32) uint32
	find(lv uint32) (pos uint32, ok bool)
}

// document is a view that knows where its elements are.
type document interface {
	view
	places
}

// elements is a view of elements that can be told apart: a list.
type elements interface {
	// touched is the event that did something to the element at pos last.
	touched(pos uint32) uint32
	// move takes the element at from out and puts it before the one that is then at to. by has touched it last then.
	move(from, to, by uint32)
	replace(pos uint32, content []byte, by uint32)
}

// core applies events: it writes them down in the log and does them to the view, directly where they have seen
// everything, through the tracker where they have not.
type core struct {
	log     *Log
	walker  walker
	history History
	view    view
	places  places
	// elements is the view, if it is one of a list.
	elements elements
	piece    piece // the one at work; here it costs no allocation
}

func (c *core) init(log *Log, history History, v document) {
	c.history, c.view, c.places = history, v, v
	c.elements, _ = v.(elements)
	c.setLog(log)
}

// setLog goes on with a log of the same events.
func (c *core) setLog(log *Log) {
	log.history = c.history
	c.log, c.walker = log, walker{log: log}
}

// parentsOf are the heads of what the version that owns a dot has seen of this document.
func (c *core) parentsOf(dot *Dot) ([]uint32, error) {
	if c.history == nil && len(c.log.heads) > 0 {
		return nil, fault(ErrHistory, "give the document a History to ask")
	}
	has := func(lv uint32) bool {
		d := c.log.dot(lv)
		own := d.Seq < dot.Seq && d.Branch == dot.Branch && d.Author == dot.Author
		return own || c.history.Covers(*dot, d)
	}
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

// apply writes down a part of the events that were added to the log last, and does it to the view; prepare has said whether they
// are linear, and how far their positions may reach.
func (c *core) apply(p *piece, linear bool) {
	c.log.write(p)
	p.run = uint32(len(c.log.runs)) - 1
	c.do(p, linear)
}

// doFrom does what was written down from an event on, which is in that run.
func (c *core) doFrom(run int, lv uint32, linear bool) {
	if o, ok := c.view.(*outline); ok && linear {
		c.walker.rest()
		o.replay(c.log, run, lv)
		return
	}
	for p := &c.piece; lv < c.log.next; run++ {
		c.log.piece(p, run, lv, c.log.next)
		c.do(p, linear)
		lv += p.n
	}
}

// do does to the view what was written down.
func (c *core) do(p *piece, linear bool) {
	if linear {
		c.walker.rest()
		switch p.kind {
		case insert:
			c.view.insert(p, p.pos)
		case move:
			c.elements.move(p.pos, p.to, p.lv)
		case replace:
			c.elements.replace(p.pos, p.elements[0], p.lv)
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
			c.elements.move(changed.from, changed.to, c.lastTo(changed.from, p.lv))
		}
	case replace:
		if changed.done {
			c.elements.replace(changed.from, p.elements[0], c.lastTo(changed.from, p.lv))
		}
	default:
		for _, s := range c.walker.tracker.erased {
			c.view.remove(s.lv, s.n)
		}
	}
}

// lastTo is the event that touched the element at a position last, once one more has: the greatest in the total order.
func (c *core) lastTo(pos, lv uint32) uint32 {
	if before := c.elements.touched(pos); c.log.later(before, lv) {
		return before
	}
	return lv
}

// Log is the events of the document. The caller must not change it.
func (c *core) Log() *Log { return c.log }

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
