package sequence

import (
	"cmp"
	"slices"

	"github.com/kdelta/kdelta/internal/order"
)

// Rebase transforms e and other edits, which came one after the other and which its author had not seen, against each other: moved
// is e to be done after the others, rest the others to be done after e, and either way the list is the same. What e puts in stands
// behind what others put in at that place. Of two that move or replace one element, e's stands; an element that one of them
// takes out is gone.
func (e *ListEdit) Rebase(others []ListEdit) (moved, rest []ListEdit) {
	own := intentOf(e)
	for i := range others {
		other := intentOf(&others[i])
		left := other.after(&own, true)
		rest = append(rest, left.edits()...)
		own = own.after(&other, false)
	}
	return own.edits(), rest
}

// intent is what an edit does, all at once, in positions of the list before it. What becomes of a splice when others come between
// may take out elements that do not stand side by side.
type intent struct {
	kind ListKind
	// of are the elements that are taken out, moved or replaced: ascending, apart from each other. A splice that puts something in
	// has one that touches the gap, an empty one at least.
	of []stretch
	// What is put in, or moved, goes before the element at gap, counted with what is taken out.
	gap      int
	elements [][]byte
}

// stretch is n elements from one on.
type stretch struct{ from, n int }

func (s stretch) end() int { return s.from + s.n }

func intentOf(e *ListEdit) intent {
	c := intent{kind: e.Kind, of: []stretch{{e.Pos, 1}}, gap: e.Pos, elements: e.Elements}
	switch {
	case e.Kind == ListSplice:
		c.of[0].n = e.Removed
	case e.Kind == ListMove && e.To > e.Pos:
		c.gap = e.To + 1
	case e.Kind == ListMove:
		c.gap = e.To
	}
	return c
}

// inserted is how many elements come to stand at the gap.
func (c *intent) inserted() int {
	switch c.kind {
	case ListMove:
		return len(c.of) // none, if the element is gone
	case ListReplace:
		return 0
	default:
		return len(c.elements)
	}
}

// fate is where the element at a position is after it is done, if it is not gone, and how many from it on fare alike.
func (c *intent) fate(pos int) (at int, gone bool, n int) {
	at, n = pos, far
	if c.kind == ListReplace {
		return at, false, n
	}
	for _, s := range c.of {
		switch {
		case pos >= s.end():
			at -= s.n
		case pos < s.from:
			n = min(n, s.from-pos)
		case c.kind == ListMove:
			return c.place(c.gap, true), false, 1
		default:
			gone, n = true, min(n, s.end()-pos)
		}
	}
	if pos < c.gap {
		return at, gone, min(n, c.gap-pos)
	}
	return at + c.inserted(), gone, n
}

// place is where the gap before an element is after it is done: before or behind what that puts in there.
func (c *intent) place(gap int, before bool) (at int) {
	at = gap
	if c.kind != ListReplace {
		for _, s := range c.of {
			at -= min(s.n, max(0, gap-s.from))
		}
	}
	if c.gap < gap || c.gap == gap && !before {
		at += c.inserted()
	}
	return at
}

// after is the intent as it is done after another one of the same list. Of the two it may be the earlier one all the same: then what
// it puts in stands before what the other one does, and gives way where both move or replace one element.
func (c *intent) after(other *intent, earlier bool) intent {
	out := intent{kind: c.kind, gap: other.place(c.gap, earlier), elements: c.elements}
	if earlier && c.kind == other.kind && c.kind != ListSplice && slices.Equal(c.of, other.of) {
		return out
	}
	for _, s := range c.of {
		for pos := s.from; pos < s.end(); {
			at, gone, n := other.fate(pos)
			n = min(n, s.end()-pos)
			if !gone {
				out.of = append(out.of, stretch{at, n})
			}
			pos += n
		}
	}
	if c.kind == ListSplice {
		if len(c.elements) > 0 {
			out.of = append(out.of, stretch{out.gap, 0})
		}
		out.of = joined(out.of)
	}
	return out
}

// joined are stretches in their order, those that touch as one.
func joined(all []stretch) (out []stretch) {
	order.Sort(all, func(a, b stretch) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.n, b.n)) })
	for _, s := range all {
		if k := len(out) - 1; k >= 0 && s.from <= out[k].end() { // within one there is an empty one at most
			out[k].n += s.n
		} else {
			out = append(out, s)
		}
	}
	return out
}

// edits is the intent as edits that come one after the other; none, if nothing is left of it.
func (c *intent) edits() (edits []ListEdit) {
	shift, elements := 0, c.elements
	for _, s := range c.of {
		e := ListEdit{Kind: c.kind, Pos: s.from + shift}
		switch c.kind {
		case ListMove:
			if e.To = c.place(c.gap, true); e.To == e.Pos {
				return nil
			}
		case ListReplace:
			e.Elements = elements
		default:
			e.Removed = s.n
			if s.from <= c.gap && c.gap <= s.end() {
				e.Elements = elements
			}
			shift += len(e.Elements) - s.n
		}
		edits = append(edits, e)
	}
	return edits
}
