package sequence

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// The measures of a rope: code points and UTF-16 code units.
func (w weight) runes() uint32 { return w.a }
func (w weight) units() uint32 { return w.b }

// Sizes of a leaf. A piece that is put in whole is half a leaf at most, so that there is room for it after one split.
const (
	leafBytes  = 1024
	leafSpans  = 128
	pieceBytes = leafBytes / 2
)

// rope is the visible text and, for each code point of it, the event that inserted it.
type rope struct {
	tree   tree
	leaves []textLeaf // by the tree's numbers
	size   weight
	bytes  int
	at     cursor
}

// textLeaf is a stretch of the text. Only the first and only leaf of an empty rope is empty.
type textLeaf struct {
	text  []byte
	spans []span // they cover the text, each as long as it can be
	size  weight
}

// span is a run of consecutive events.
type span struct{ lv, n uint32 }

func (s span) end() uint32 { return s.lv + s.n }

// cursor remembers where the last edit was: the next one is mostly there.
type cursor struct {
	leaf  int32
	start weight // of all before the leaf
	way   path
	ok    bool
	// The first span that was not wholly before the edit, and where it starts in the leaf.
	span   int
	spanAt uint32
}

func newRope() rope {
	r := rope{leaves: []textLeaf{{text: make([]byte, 0, leafBytes)}}}
	r.tree.reset(weight{})
	return r
}

// measure is the size of valid UTF-8.
func measure(s []byte) weight {
	if isASCII(s) {
		return weight{uint32(len(s)), uint32(len(s))}
	}
	var n, long uint32
	for _, b := range s {
		if b&0xC0 != 0x80 {
			n++
			if b >= 0xF0 {
				long++ // a code point beyond U+FFFF is a pair in UTF-16
			}
		}
	}
	return weight{n, n + long}
}

// isASCII reports whether there is a byte for each code point.
func isASCII(s []byte) bool {
	for ; len(s) >= 8; s = s[8:] {
		if binary.LittleEndian.Uint64(s)&0x8080808080808080 != 0 {
			return false
		}
	}
	for _, b := range s {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// seek moves the cursor to the leaf that holds a code point.
func (r *rope) seek(pos uint32) *textLeaf {
	if r.at.ok {
		if l := &r.leaves[r.at.leaf]; pos-r.at.start.runes() < l.size.runes() {
			return l
		}
	}
	r.at.leaf, r.at.start = r.tree.descend(pos, &r.at.way)
	r.at.ok, r.at.span, r.at.spanAt = true, 0, 0
	return &r.leaves[r.at.leaf]
}

// insert puts valid UTF-8, which consecutive events from lv on inserted, before the code point at pos.
func (r *rope) insert(pos uint32, s []byte, lv uint32) {
	for len(s) > pieceBytes {
		cut := pieceBytes
		for s[cut]&0xC0 == 0x80 {
			cut--
		}
		size := measure(s[:cut])
		r.insertPiece(pos, s[:cut], size, lv)
		s, pos, lv = s[cut:], pos+size.runes(), lv+size.runes()
	}
	if len(s) > 0 {
		r.insertPiece(pos, s, measure(s), lv)
	}
}

func (r *rope) insertPiece(pos uint32, s []byte, size weight, lv uint32) {
	l, off := r.place(pos)
	for len(l.text)+len(s) > leafBytes || len(l.spans) >= leafSpans {
		if off == l.size.runes() {
			// Whoever types on at the end of a leaf fills the next one, and leaves full ones behind.
			l, off = r.appendLeaf(), 0
			break
		}
		r.halveLeaf()
		l, off = r.place(pos)
	}
	at := l.offset(off)
	old := len(l.text)
	l.text = l.text[:old+len(s)]
	copy(l.text[at+len(s):], l.text[at:old])
	copy(l.text[at:], s)
	r.addSpan(l, off, span{lv, size.runes()})
	r.resize(l, size, len(s))
}

// push puts valid UTF-8, which consecutive events from lv on inserted, at the end of a rope that is being made. When all is
// pushed, weigh it.
func (r *rope) push(s []byte, lv uint32) {
	l := &r.leaves[r.at.leaf]
	for len(s) > 0 {
		n := len(s)
		if room := leafBytes - len(l.text); n > room {
			for n = room; s[n]&0xC0 == 0x80; n-- {
			}
		}
		if n == 0 || len(l.spans) == leafSpans {
			full := r.at.leaf
			r.at.leaf = r.addLeaf(weight{})
			l = &r.leaves[r.at.leaf]
			// The full one gets what it needs, and the next one is made in its memory.
			spans := &r.leaves[full].spans
			l.spans, *spans = (*spans)[:0], slices.Clone(*spans)
			continue
		}
		size := measure(s[:n])
		l.text = append(l.text, s[:n]...)
		if k := len(l.spans) - 1; k >= 0 && l.spans[k].end() == lv {
			l.spans[k].n += size.runes()
		} else {
			l.spans = append(l.spans, span{lv, size.runes()})
		}
		l.size, r.size = l.size.plus(size), r.size.plus(size)
		r.bytes += n
		s, lv = s[n:], lv+size.runes()
	}
}

// weigh tells the tree what its leaves hold.
func (r *rope) weigh() {
	for leaf := r.tree.first(); leaf >= 0; leaf = r.tree.next(leaf) {
		r.tree.grow(leaf, r.leaves[leaf].size)
	}
}

// place is the leaf for what is inserted at pos, that of the code point before it, and the offset in it.
func (r *rope) place(pos uint32) (l *textLeaf, off uint32) {
	if pos == 0 {
		return r.seek(0), 0
	}
	l = r.seek(pos - 1)
	return l, pos - r.at.start.runes()
}

// resize books a change of the leaf under the cursor.
func (r *rope) resize(l *textLeaf, by weight, bytes int) {
	l.size, r.size = l.size.plus(by), r.size.plus(by)
	r.bytes += bytes
	r.tree.growAt(&r.at.way, by)
}

// appendLeaf puts an empty leaf after the one under the cursor, and the cursor on it.
func (r *rope) appendLeaf() *textLeaf {
	r.at.start = r.at.start.plus(r.leaves[r.at.leaf].size)
	r.at.leaf = r.addLeaf(weight{})
	r.tree.trace(r.at.leaf, &r.at.way)
	r.at.span, r.at.spanAt = 0, 0
	return &r.leaves[r.at.leaf]
}

// addLeaf puts an empty leaf after the one under the cursor. It is to get a part of that one's weight.
func (r *rope) addLeaf(part weight) int32 {
	leaf := r.tree.split(r.at.leaf, part)
	if int(leaf) == len(r.leaves) {
		r.leaves = append(r.leaves, textLeaf{})
	}
	l := &r.leaves[leaf]
	if l.text == nil {
		l.text = make([]byte, 0, leafBytes)
	}
	l.size = part
	return leaf
}

// clear makes a leaf that was taken out ready to be another one.
func (l *textLeaf) clear() { l.text, l.spans, l.size = l.text[:0], l.spans[:0], weight{} }

// halveLeaf splits the leaf under the cursor in two.
func (r *rope) halveLeaf() {
	l := &r.leaves[r.at.leaf]
	at := len(l.text) / 2
	for l.text[at]&0xC0 == 0x80 {
		at--
	}
	part := measure(l.text[at:])
	right := &r.leaves[r.addLeaf(part)]
	l = &r.leaves[r.at.leaf]
	right.text = append(right.text, l.text[at:]...)
	l.text, l.size = l.text[:at], l.size.minus(part)

	i, start := 0, uint32(0)
	for ; start+l.spans[i].n <= l.size.runes(); i++ {
		start += l.spans[i].n
	}
	right.spans = append(right.spans, l.spans[i:]...)
	if in := l.size.runes() - start; in > 0 {
		right.spans[0] = span{l.spans[i].lv + in, l.spans[i].n - in}
		l.spans[i].n = in
		i++
	}
	l.spans = l.spans[:i]
	r.at.ok = false
}

// offset is where the code point number off starts in a leaf's text.
func (l *textLeaf) offset(off uint32) int {
	if int(l.size.runes()) == len(l.text) {
		return int(off)
	}
	return byteOffset(l.text, off)
}

// byteOffset is where the code point number n starts in valid UTF-8; the end, if there are only n.
func byteOffset(s []byte, n uint32) int {
	for i, b := range s {
		if b&0xC0 != 0x80 {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(s)
}

// spanAt moves the cursor to the span of a leaf that reaches to off or beyond, and is its place in the leaf and the
// offset in it.
func (r *rope) spanAt(l *textLeaf, off uint32) (i int, in uint32) {
	if off < r.at.spanAt || r.at.span >= len(l.spans) {
		r.at.span, r.at.spanAt = 0, 0
	}
	i, in = r.at.span, off-r.at.spanAt
	for i < len(l.spans) && in > l.spans[i].n {
		in -= l.spans[i].n
		i++
	}
	r.at.span, r.at.spanAt = i, off-in
	return i, in
}

func (r *rope) addSpan(l *textLeaf, off uint32, s span) {
	i, in := r.spanAt(l, off)
	switch {
	case i == len(l.spans):
		l.spans = append(l.spans, s)
	case in == 0:
		l.spans = insertSpans(l.spans, i, s)
	case in < l.spans[i].n:
		rest := span{l.spans[i].lv + in, l.spans[i].n - in}
		l.spans[i].n = in
		l.spans = insertSpans(l.spans, i+1, s, rest)
	case l.spans[i].end() == s.lv:
		l.spans[i].n += s.n
	default:
		l.spans = insertSpans(l.spans, i+1, s)
	}
}

func insertSpans(spans []span, i int, add ...span) []span {
	n := len(spans)
	spans = append(spans, add...)
	copy(spans[i+len(add):], spans[i:n])
	copy(spans[i:], add)
	return spans
}

// remove takes out n code points from pos on.
func (r *rope) remove(pos, n uint32) {
	for n > 0 {
		l := r.seek(pos)
		off := pos - r.at.start.runes()
		m := min(n, l.size.runes()-off)
		from := l.offset(off)
		to, gone := from+int(m), weight{m, m}
		if int(l.size.runes()) != len(l.text) {
			to = from + byteOffset(l.text[from:], m)
			gone = measure(l.text[from:to])
		}
		l.text = append(l.text[:from], l.text[to:]...)
		r.cutSpans(l, off, m)
		r.resize(l, weight{}.minus(gone), from-to)
		r.tidy(l)
		n -= m
	}
}

func (r *rope) cutSpans(l *textLeaf, off, n uint32) {
	i, in := r.spanAt(l, off)
	if s := l.spans[i]; in > 0 {
		if in+n < s.n {
			l.spans[i].n = in
			l.spans = insertSpans(l.spans, i+1, span{s.lv + in + n, s.n - in - n})
			return
		}
		l.spans[i].n = in
		n -= s.n - in
		i++
	}
	k := i
	for n > 0 && l.spans[k].n <= n {
		n -= l.spans[k].n
		k++
	}
	if n > 0 {
		l.spans[k].lv += n
		l.spans[k].n -= n
	}
	if k > i { // mostly it is the end of a span that goes
		l.spans = append(l.spans[:i], l.spans[k:]...)
	}
	if i > 0 && i < len(l.spans) && l.spans[i-1].end() == l.spans[i].lv {
		l.spans[i-1].n += l.spans[i].n
		l.spans = append(l.spans[:i], l.spans[i+1:]...)
		r.at.span, r.at.spanAt = 0, 0
	}
}

// tidy takes out the leaf under the cursor once it is empty, and joins it with the next one where both are small.
func (r *rope) tidy(l *textLeaf) {
	if len(l.text) > leafBytes/4 || r.tree.leafCount == 1 {
		return
	}
	leaf := r.at.leaf
	if len(l.text) == 0 {
		r.tree.remove(leaf)
		l.clear()
		r.at.ok = false
		return
	}
	next := r.tree.next(leaf)
	if next < 0 || len(l.text)+len(r.leaves[next].text) > leafBytes/2 {
		return
	}
	right := r.leaves[next]
	if len(l.spans)+len(right.spans) >= leafSpans {
		return
	}
	r.tree.grow(next, weight{}.minus(right.size))
	r.tree.remove(next)
	r.tree.grow(leaf, right.size)
	r.leaves[next].clear()
	l.text = append(l.text, right.text...)
	if k := len(l.spans) - 1; l.spans[k].end() == right.spans[0].lv {
		l.spans[k].n += right.spans[0].n
		right.spans = right.spans[1:]
	}
	l.spans = append(l.spans, right.spans...)
	l.size = l.size.plus(right.size)
	r.at.ok = false
}
