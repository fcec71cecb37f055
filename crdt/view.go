package crdt

import (
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/order"
)

// View is what a key shows.
type View struct {
	// Kind is KindNone if nothing is visible.
	Kind Kind
	// Value is the visible value, nil if nothing is. It may alias the state. It is nil too for a text or a list, of which a state
	// does not know what they say: see Kind.IsSequence.
	Value Value
	// At is the greatest version that the value is from; where nothing is visible, the delete that did it, if any.
	At clock.Stamp
	// Strategy is the name of the strategy that was really used: that of LWW where the one asked for failed, or cannot
	// show members that were patched.
	Strategy string
	// Fault is why the strategy asked for failed, nil if it did not. It is not part of what replicas agree on.
	Fault error
	// Revived is set if an edit that was concurrent with a delete shows the record again. A write to it must be a whole
	// put: a patch would leave the rest deleted.
	Revived bool
	// Conflicts are the concurrent writes that are not shown, by ascending path.
	Conflicts []Conflict
}

// Conflict is one place of a key where concurrent writes say different things.
type Conflict struct {
	// Path is the JSON pointer of the place inside the value, empty for the whole.
	Path string
	// Chosen is what is shown at Path, and the version that decided it: the newest one, where what is shown is made of several.
	Chosen Side
	// Others are the other sides, ascending: what is not shown, but for those that are Merged.
	Others []Side
	// Why says how it was decided, as "lww/1: later time".
	Why string
	// Sides are all versions in conflict, ascending.
	Sides []clock.Stamp
}

// Identity names the conflict.
func (c *Conflict) Identity() Identity { return identify(c.Path, c.Sides) }

// Side is what one version says at the place of a conflict.
type Side struct {
	Stamp clock.Stamp
	// Value is nil if Deleted, and for a text or a list.
	Value Value
	// Deleted marks that there is to be nothing.
	Deleted bool
	// Merged marks what is no version's own value, but was made of those of several, and each side that it was made of.
	Merged bool
	Kind   Kind
}

func side(at clock.Stamp, value Value, kind Kind) Side {
	return Side{Stamp: at, Value: value, Deleted: value == nil, Kind: kind}
}

// View returns what the state shows under a strategy. base returns the value at the point where the siblings parted, and
// whether there was one; it is asked only for a strategy that is a BaseReader, and may be nil. Reading changes nothing.
func (s *State) View(st Strategy, base func() (Value, bool)) View {
	var v Viewer
	return v.View(s, st, base)
}

// part is what a state shows of one kind.
type part struct {
	Side
	newest clock.Stamp // the greatest op behind it
}

// mixKinds chooses among the document, the counter, the set, the text and the list: the one with the greatest live op is
// visible.
func (s *State) mixKinds(view *View) View {
	var parts []part
	if view.Kind != KindNone {
		parts = append(parts, part{side(view.At, view.Value, view.Kind), s.newestLive()})
	}
	if s.counter != nil {
		parts = append(parts, part{side(s.counter.at, s.counter.value(), KindCounter), s.counter.at})
	}
	if len(s.set) > 0 {
		value, at := s.setValue()
		parts = append(parts, part{side(at, value, KindSet), at})
	}
	for _, q := range []struct {
		kind  Kind
		edits []clock.Stamp
	}{{KindText, s.text}, {KindList, s.list}} {
		if len(q.edits) == 0 {
			continue
		}
		newest := Side{Stamp: q.edits[len(q.edits)-1], Kind: q.kind}
		parts = append(parts, part{newest, newest.Stamp})
		if len(s.tombs) > 0 {
			view.addWhole(s.revivedBy(&newest))
		}
	}
	order.Sort(parts, func(a, b part) int { return a.newest.Compare(b.newest) })
	chosen := parts[len(parts)-1]
	view.Kind, view.Value, view.At = chosen.Kind, chosen.Value, chosen.Stamp
	if len(parts) == 1 {
		return *view
	}
	c := Conflict{Chosen: chosen.Side, Why: "kinds: later operation"}
	for _, p := range parts[:len(parts)-1] {
		c.Others = append(c.Others, p.Side)
		c.Sides = append(c.Sides, p.newest)
	}
	c.Sides = append(c.Sides, chosen.newest)
	view.addWhole(c)
	return *view
}

// addWhole adds a conflict of the key as a whole: after those of the document as a whole, before those of its members.
func (v *View) addWhole(c Conflict) {
	i := 0
	for i < len(v.Conflicts) && v.Conflicts[i].Path == "" {
		i++
	}
	v.Conflicts = slices.Insert(v.Conflicts, i, c)
}

// revivedBy is the conflict of a text or a list, of which newest is the latest edit, with deletes that did not see that.
func (s *State) revivedBy(newest *Side) Conflict {
	c := Conflict{Chosen: *newest, Why: string(newest.Kind) + ": edit revives deleted " + string(newest.Kind)}
	for _, at := range s.tombs {
		c.Others = append(c.Others, side(at, nil, newest.Kind))
	}
	c.Sides = stampsOf(c.Others, newest.Stamp)
	return c
}

// newestLive is the greatest live op of the document.
func (s *State) newestLive() clock.Stamp {
	var newest clock.Stamp
	look := func(e *entry) {
		if e.live() && newest.Less(e.at) {
			newest = e.at
		}
	}
	for i := range s.roots {
		look(&s.roots[i])
	}
	s.eachField(look)
	return newest
}

// stampsOf returns the stamps of the sides and more, ascending, each once.
func stampsOf(sides []Side, more ...clock.Stamp) []clock.Stamp {
	out := more
	for i := range sides {
		out = append(out, sides[i].Stamp)
	}
	order.Sort(out, clock.Stamp.Compare)
	return slices.Compact(out)
}

// why says which rule of the total order put chosen before lost.
func why(strategy string, chosen, lost *clock.Stamp) string {
	return strategy + precedence(chosen, lost)
}

func precedence(chosen, lost *clock.Stamp) string {
	switch {
	case chosen.Time > lost.Time:
		return ": later time"
	case chosen.Time == lost.Time && chosen.Author.Compare(lost.Author) > 0:
		return ": same time, greater author"
	case chosen.Time == lost.Time && chosen.Author == lost.Author:
		return ": same time, forked author, greater id"
	default:
		return ""
	}
}
