package sequence

import (
	"cmp"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/internal/order"
)

// Version is a point in the history of a document: dots, with all that they have seen. The newest ones suffice.
type Version []Dot

// Run is elements that one author inserted one after the other: N of them, Dot is the first.
type Run struct {
	Dot Dot
	N   int
}

// Version is the newest version.
func (c *core) Version() Version { return c.log.version(c.log.heads) }

// Blame is who wrote the text, from its start on.
func (t *Text) Blame() iter.Seq[Run] { return t.log.blame(t.rope.spans()) }

// At is the text at a version, a document of its own. The error wraps ErrEvent if a dot is not known here, or ErrHistory.
func (t *Text) At(v Version) (*Text, error) {
	old := NewText(t.history)
	if err := old.replay(func() error { return old.rewind(&t.core, v) }); err != nil {
		return nil, err
	}
	return old, nil
}

// Seen is the version of those events that has reports: if it has one, it has what that had seen. The error wraps
// ErrHistory.
func (c *core) Seen(has func(Dot) bool) (Version, error) {
	heads, err := c.log.seen(func(lv uint32) bool { return has(c.log.dot(lv)) })
	if err != nil {
		return nil, err
	}
	return c.log.version(heads), nil
}

// Diff takes the text at version a to the text at version b. It costs what At of both costs. The error is as of At.
func (t *Text) Diff(a, b Version) (Delta, error) {
	from, err := t.At(a)
	if err != nil {
		return nil, err
	}
	to, err := t.At(b)
	if err != nil {
		return nil, err
	}
	return Between(from, to, 0), nil
}

// Between takes the text of one document to that of another one of the same text: one of another replica, or of other versions. What
// both have they know by its dot, so the delta does not lead there if a dot means something else in each. The newest own events of
// from are its own, whatever their dots.
func Between(from, to *Text, own int) Delta {
	d := differ{from: to.log.known(from.log, from.rope.spans(), uint32(own)), to: slices.Collect(to.rope.spans())}
	return d.delta(to)
}

// At is the list at a version, as Text.At.
func (l *List) At(v Version) (*List, error) {
	old := NewList(l.history)
	if err := old.rewind(&l.core, v); err != nil {
		return nil, err
	}
	return old, nil
}

// Blame is who touched each element of the list last: inserted, moved or replaced it.
func (l *List) Blame() iter.Seq[Run] {
	return l.log.blame(func(yield func(span) bool) {
		for e := range l.items.all() {
			if !yield(span{e.by, 1}) {
				return
			}
		}
	})
}

func (l *Log) version(heads []uint32) Version {
	v := make(Version, len(heads))
	for i, h := range heads {
		v[i] = l.dot(h)
	}
	return v
}

// blame names the events of spans; what are consecutive dots of one writer is one run.
func (l *Log) blame(spans iter.Seq[span]) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		var held Run
		for s := range spans {
			for s.n > 0 {
				n := min(s.n, l.end(l.makingOf(s.lv), l.next)-s.lv)
				next := Run{Dot: l.dot(s.lv), N: int(n)}
				s.lv, s.n = s.lv+n, s.n-n
				if after := held.Dot; held.N > 0 {
					if after.Seq += uint64(held.N); after == next.Dot {
						held.N += next.N
						continue
					}
					if !yield(held) {
						return
					}
				}
				held = next
			}
		}
		if held.N > 0 {
			yield(held)
		}
	}
}

// rewind applies to an empty document the events of another one that a version has.
func (c *core) rewind(whole *core, v Version) error {
	var heads []uint32
	for i := range v {
		lv, ok := whole.log.find(&v[i])
		if !ok {
			return fault(ErrEvent, "a version with a dot that is not known here")
		}
		heads = append(heads, lv)
	}
	if whole.log.from > 0 {
		return errForksBefore(whole.log.from)
	}
	order.Sort(heads, cmp.Compare)
	var w frontierWalk
	whole.log.diff(&w, nil, whole.log.reduce(slices.Compact(heads)), 0)
	return c.carryAll(whole.log, newSet(w.onlyRight).run)
}

// known are spans of a document in the numbers of another one. Events that are not there, and the newest own ones, are numbered from
// far on.
func (l *Log) known(of *Log, spans iter.Seq[span], own uint32) (out []span) {
	strange := uint32(far)
	for s := range spans {
		for s.n > 0 {
			n := min(s.n, of.end(of.makingOf(s.lv), of.next)-s.lv)
			dot := of.dot(s.lv)
			lv, ok := l.find(&dot)
			if ok && s.lv < of.next-own {
				n = min(n, l.end(l.makingOf(lv), l.next)-lv, of.next-own-s.lv)
			} else {
				n, lv = 1, strange // the next one may be there
				strange++
			}
			out = append(out, span{lv, n})
			s.lv, s.n = s.lv+n, s.n-n
		}
	}
	return out
}

// differ walks through two texts of one document at once. What both have stands in the same order in both, so each element
// that only one has can be told by looking whether the other one has it at all.
type differ struct{ from, to []span }

// delta takes the text of from to that of to, which is given.
func (d *differ) delta(to *Text) (delta Delta) {
	inFrom, inTo := newSet(d.from), newSet(d.to)
	from, rest, pos := slices.Clone(d.from), slices.Clone(d.to), 0
	for len(from) > 0 || len(rest) > 0 {
		switch {
		case len(from) > 0 && inTo.run(from[0]) == 0:
			n := inTo.gap(from[0])
			delta = delta.add(Part{Delete: int(n)})
			from = skip(from, n)
		case len(rest) > 0 && inFrom.run(rest[0]) == 0:
			n := inFrom.gap(rest[0])
			delta = delta.add(Part{Insert: string(to.rope.append(nil, uint32(pos), uint32(pos)+n))})
			rest, pos = skip(rest, n), pos+int(n)
		default: // both have the same element here
			n := min(inTo.run(from[0]), inFrom.run(rest[0]))
			delta = delta.add(Part{Retain: int(n)})
			from, rest, pos = skip(from, n), skip(rest, n), pos+int(n)
		}
	}
	return delta.trim()
}

// skip takes n elements off the first span.
func skip(spans []span, n uint32) []span {
	if n == spans[0].n {
		return spans[1:]
	}
	spans[0].lv, spans[0].n = spans[0].lv+n, spans[0].n-n
	return spans
}

// set is the events of spans.
type set []span // ascending

func newSet(spans []span) set {
	s := slices.Clone(spans)
	order.Sort(s, func(a, b span) int { return cmp.Compare(a.lv, b.lv) })
	return s
}

// find is the index of the first span that ends after an event.
func (s set) find(lv uint32) int {
	i, _ := slices.BinarySearchFunc(s, lv, func(a span, lv uint32) int {
		if a.end() <= lv {
			return -1
		}
		return 1
	})
	return i
}

// run is how many events of a span, from its first on, are in the set.
func (s set) run(of span) uint32 {
	i := s.find(of.lv)
	if i == len(s) || s[i].lv > of.lv {
		return 0
	}
	return min(of.n, s[i].end()-of.lv)
}

// gap is how many events of a span, from its first on, are not in the set.
func (s set) gap(of span) uint32 {
	i := s.find(of.lv)
	if i == len(s) {
		return of.n
	}
	return min(of.n, s[i].lv-of.lv)
}
