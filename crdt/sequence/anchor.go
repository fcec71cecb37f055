package sequence

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
func (t *Text) Anchor(pos int, side Side) (Anchor, error) {
	if err := checkRange(pos, 0, t.rope.size.runes()); err != nil {
		return Anchor{}, err
	}
	switch {
	case side == Before && pos < t.Len():
		return Anchor{t.log.dot(t.rope.eventAt(uint32(pos))), side}, nil
	case side == After && pos > 0:
		return Anchor{t.log.dot(t.rope.eventAt(uint32(pos - 1))), side}, nil
	default:
		return Anchor{Side: side}, nil
	}
}

// Position is where an anchor is now. If its element was removed, that is where it would stand; to find that out takes as
// long as applying what was written since it was inserted. Editors keep cursors with Edit.Shift, and anchors where text is
// not open. The error wraps ErrEvent if there is no such element here, or ErrHistory.
func (t *Text) Position(a Anchor) (int, error) {
	if a.Dot.Seq == 0 {
		if a.Side == Before {
			return t.Len(), nil
		}
		return 0, nil
	}
	lv, ok := t.log.find(&a.Dot)
	if !ok {
		return 0, fault(ErrEvent, "no such element has come here yet")
	}
	if pos, visible := t.rope.find(lv); visible {
		return int(pos) + int(a.Side), nil
	}
	if lv < t.log.from {
		return 0, errForksBefore(t.log.from)
	}
	if k := t.log.runs[t.log.runOf(lv)].kind; k != insert {
		return 0, fault(ErrEvent, "the dot removed something: it is no element")
	}
	return t.locate(lv)
}

// locate is where a removed element would stand: a tracker that begins before it was inserted has it still.
func (t *Text) locate(lv uint32) (int, error) {
	base, cut := t.log.critical(t.log.parentsOf(lv))
	if cut < 0 {
		return 0, errForksBefore(t.log.from)
	}
	w := walker{log: t.log}
	w.start(base, t.rope.size.runes())
	for w.end < t.log.next {
		if err := w.replay(t.log.next); err != nil {
			return 0, err
		}
	}
	return int(w.tracker.shownBefore(lv)), nil
}

// Shift is where a cursor at pos is after the edit. What is inserted right there comes after it if after is true.
func (e Edit) Shift(pos int, after bool) int {
	n := 0
	for range e.Text {
		n++
	}
	switch {
	case pos < e.Pos, pos == e.Pos && after:
		return pos
	case pos <= e.Pos+e.Removed:
		if after {
			return e.Pos
		}
		return e.Pos + n
	default:
		return pos + n - e.Removed
	}
}
