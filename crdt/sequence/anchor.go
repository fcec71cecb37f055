package sequence

import "unicode/utf8"

// Side is the side of an element to which an anchor holds.
type Side uint8

// The sides of an anchor.
const (
	// Before stays right before its element: what is inserted there comes before the anchor.
	Before Side = iota
	// After stays right after its element: what is inserted there comes after the anchor.
	After
)

// Anchor is a position that survives what others write: it holds to an element, removed or not. The zero Anchor with Side
// After is the start of the document, with Side Before its end. An anchor is valid on every replica, but for Dot.Branch.
type Anchor struct {
	Dot  Dot
	Side Side
}

// Anchor is the position pos, held to the element after it (Before) or to the one before it (After). The error wraps
// ErrPosition.
func (c *core) Anchor(pos int, side Side) (Anchor, error) {
	length := c.view.length()
	if err := checkRange(pos, 0, length); err != nil {
		return Anchor{}, err
	}
	switch {
	case side == Before && pos < int(length):
		return Anchor{c.log.dot(c.places.eventAt(uint32(pos))), side}, nil
	case side == After && pos > 0:
		return Anchor{c.log.dot(c.places.eventAt(uint32(pos - 1))), side}, nil
	default:
		return Anchor{Side: side}, nil
	}
}

// Position is where an anchor is now. If its element was removed, that is where it would stand; to find that out takes as
// long as applying what was written since it was inserted. Editors keep cursors with Edit.Shift, and anchors where text is
// not open. The error wraps ErrEvent if there is no such element here, or ErrHistory.
func (c *core) Position(a Anchor) (int, error) {
	if a.Dot.Seq == 0 {
		if a.Side == Before {
			return int(c.view.length()), nil
		}
		return 0, nil
	}
	lv, ok := c.log.find(&a.Dot)
	if !ok {
		return 0, fault(ErrEvent, "no such element has come here yet")
	}
	if pos, visible := c.places.find(lv); visible {
		return int(pos) + int(a.Side), nil
	}
	if lv < c.log.from {
		return 0, errForksBefore(c.log.from)
	}
	if k := c.log.runs[c.log.runOf(lv)].kind; k != insert {
		return 0, fault(ErrEvent, "the dot inserted nothing: it is no element")
	}
	return c.locate(lv)
}

// locate is where a removed element would stand: a tracker that begins before it was inserted has it still.
func (c *core) locate(lv uint32) (int, error) {
	base, cut := c.log.critical(c.log.parentsOf(lv))
	if cut < 0 {
		return 0, errForksBefore(c.log.from)
	}
	w := walker{log: c.log}
	w.start(base, c.view.length())
	for w.end < c.log.next {
		if err := w.replay(c.log.next); err != nil {
			return 0, err
		}
	}
	if f := w.tracker.fates[lv]; f != nil {
		lv = f.places[f.shown].id // where it was last
	}
	return int(w.tracker.shownBefore(lv)), nil
}

// Shift is where a cursor at pos is after the edit. What is inserted right there comes after it if after is true.
func (e Edit) Shift(pos int, after bool) int {
	return shift(pos, e.Pos, e.Removed, utf8.RuneCountInString(e.Text), after)
}

// Shift is where a cursor at pos is after the edit, as Edit.Shift.
func (e *ListEdit) Shift(pos int, after bool) int {
	switch e.Kind {
	case ListMove:
		return shift(shift(pos, e.Pos, 1, 0, after), e.To, 0, 1, after)
	case ListReplace:
		return pos
	default:
		return shift(pos, e.Pos, e.Removed, len(e.Elements), after)
	}
}

// shift is where a cursor at pos is when elements from at on are removed and others inserted there.
func shift(pos, at, removed, inserted int, after bool) int {
	switch {
	case pos < at, pos == at && after:
		return pos
	case pos <= at+removed:
		if after {
			return at
		}
		return at + inserted
	default:
		return pos + inserted - removed
	}
}
