package sequence

import "unicode/utf8"

// Part is a step through a text: one of its fields says how many code points to keep, to take out, or what to put in.
type Part struct {
	Retain, Delete int
	Insert         string
}

// Delta takes one text to another, from its start on. What is beyond the last part stays. What is taken out at a place stands
// before what is put in there, and no two parts that could be one stand together.
type Delta []Part

// Compose is edits that come one after the other as one step. It takes O(n log n).
func Compose(edits []Edit) Delta {
	switch len(edits) {
	case 0:
		return nil
	case 1:
		e := edits[0]
		return Delta{}.add(Part{Retain: e.Pos}).add(Part{Delete: e.Removed}).add(Part{Insert: e.Text})
	default:
		half := len(edits) / 2
		return Compose(edits[:half]).then(Compose(edits[half:]))
	}
}

// then is d and another delta after it as one.
func (d Delta) then(next Delta) (out Delta) {
	a, b := parts{rest: d}, parts{rest: next}
	for !a.done() || !b.done() {
		switch {
		case b.head().Insert != "":
			out = out.add(b.take(b.length()))
		case a.head().Delete > 0:
			out = out.add(a.take(a.length()))
		default:
			n := min(a.length(), b.length())
			first, second := a.take(n), b.take(n)
			switch {
			case second.Delete == 0:
				out = out.add(first)
			case first.Insert == "":
				out = out.add(second)
			}
		}
	}
	return out.trim()
}

// After is d transformed against another delta of the same text, to be done after that: b and then a.After(b, true), and a and
// then b.After(a, false), give one text. What both put in at one place stands in this order: d's before the other's, if first
// is true, or behind it.
func (d Delta) After(other Delta, first bool) (out Delta) {
	a, b := parts{rest: d}, parts{rest: other}
	for !a.done() {
		switch {
		case a.head().Insert != "" && (first || b.head().Insert == ""):
			out = out.add(a.take(a.length()))
		case b.head().Insert != "":
			n := b.length()
			b.take(n)
			out = out.add(Part{Retain: n})
		default:
			n := min(a.length(), b.length())
			if part := a.take(n); b.take(n).Delete == 0 {
				out = out.add(part)
			}
		}
	}
	return out.trim()
}

// trim takes off what keeps the rest, which stays anyway.
func (d Delta) trim() Delta {
	if k := len(d) - 1; k >= 0 && d[k].Retain > 0 {
		return d[:k]
	}
	return d
}

// add adds a part that may do nothing.
func (d Delta) add(p Part) Delta {
	k := len(d) - 1
	switch {
	case p == Part{}:
		return d
	case k >= 0 && d[k].Retain > 0 && p.Retain > 0:
		d[k].Retain += p.Retain
	case k >= 0 && d[k].Delete > 0 && p.Delete > 0:
		d[k].Delete += p.Delete
	case k >= 0 && d[k].Insert != "" && p.Insert != "":
		d[k].Insert += p.Insert
	case k >= 0 && d[k].Insert != "" && p.Delete > 0:
		inserted := d[k]
		return append(d[:k].add(p), inserted)
	default:
		return append(d, p)
	}
	return d
}

// parts is what is left of a delta. Beyond its end it keeps everything.
type parts struct {
	rest Delta
	used int // code points of the first part
}

// far is more than any text has.
const far = MaxEvents + 1

func (p *parts) done() bool { return len(p.rest) == 0 }

func (p *parts) head() Part {
	if p.done() {
		return Part{Retain: far}
	}
	return p.rest[0]
}

// length is how many code points are left of the first part.
func (p *parts) length() int {
	h := p.head()
	if p.done() {
		return far
	}
	return h.Retain + h.Delete + utf8.RuneCountInString(h.Insert) - p.used
}

// take takes n code points off the first part.
func (p *parts) take(n int) Part {
	h := p.head()
	whole := n == p.length()
	switch {
	case h.Insert != "":
		from := byteOffset([]byte(h.Insert), uint32(p.used))
		h.Insert = h.Insert[from : from+byteOffset([]byte(h.Insert[from:]), uint32(n))]
	case h.Delete > 0:
		h.Delete = n
	default:
		h.Retain = n
	}
	switch {
	case p.done():
	case whole:
		p.rest, p.used = p.rest[1:], 0
	default:
		p.used += n
	}
	return h
}
