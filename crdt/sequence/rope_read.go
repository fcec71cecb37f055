package sequence

import (
	"io"
	"iter"
	"strconv"
)

// chunks are the stretches of the text, in their order.
func (r *rope) chunks() iter.Seq[*textLeaf] {
	return func(yield func(*textLeaf) bool) {
		for leaf := r.tree.first(); leaf >= 0; leaf = r.tree.next(leaf) {
			if !yield(&r.leaves[leaf]) {
				return
			}
		}
	}
}

// spans are the spans of the whole text, each as long as it can be.
func (r *rope) spans() iter.Seq[span] {
	return func(yield func(span) bool) {
		var held span
		for l := range r.chunks() {
			for _, s := range l.spans {
				if held.n > 0 && held.end() == s.lv {
					held.n += s.n
					continue
				}
				if held.n > 0 && !yield(held) {
					return
				}
				held = s
			}
		}
		if held.n > 0 {
			yield(held)
		}
	}
}

// append appends the code points from … to−1 as UTF-8.
func (r *rope) append(b []byte, from, to uint32) []byte {
	if from == to {
		return b
	}
	leaf, start := r.tree.find(from)
	for at := start.runes(); leaf >= 0 && at < to; leaf = r.tree.next(leaf) {
		l := &r.leaves[leaf]
		end := at + l.size.runes()
		i, k := 0, len(l.text)
		if from > at {
			i = l.offset(from - at)
		}
		if to < end {
			k = l.offset(to - at)
		}
		b = append(b, l.text[i:k]...)
		at = end
	}
	return b
}

// utf16 is the offset of a code point in UTF-16 code units.
func (r *rope) utf16(pos uint32) uint32 {
	if pos >= r.size.runes() {
		return r.size.units()
	}
	leaf, start := r.tree.find(pos)
	l := &r.leaves[leaf]
	off := pos - start.runes()
	if l.size.runes() == l.size.units() {
		return start.units() + off
	}
	return start.units() + measure(l.text[:l.offset(off)]).units()
}

// fromUTF16 is the code point that starts at an offset in UTF-16 code units.
func (r *rope) fromUTF16(offset uint32) (uint32, error) {
	if offset >= r.size.units() {
		return r.size.runes(), nil
	}
	leaf, start := r.tree.findB(offset)
	l := &r.leaves[leaf]
	in := offset - start.units()
	if l.size.runes() == l.size.units() {
		return start.runes() + in, nil
	}
	pos := start.runes()
	for _, b := range l.text {
		if b&0xC0 == 0x80 {
			continue
		}
		if in == 0 {
			break
		}
		wide := uint32(1)
		if b >= 0xF0 {
			wide = 2
		}
		if in < wide {
			return 0, fault(ErrSurrogate, "UTF-16 offset "+strconv.FormatUint(uint64(offset), 10))
		}
		in -= wide
		pos++
	}
	return pos, nil
}

// find is the offset of the code point that an event inserted, if it is visible. It looks at every span.
func (r *rope) find(lv uint32) (pos uint32, visible bool) {
	for l := range r.chunks() {
		for _, s := range l.spans {
			if lv-s.lv < s.n {
				return pos + lv - s.lv, true
			}
			pos += s.n
		}
	}
	return 0, false
}

// at is the event that inserted the code point at pos.
func (r *rope) eventAt(pos uint32) uint32 {
	leaf, start := r.tree.find(pos)
	off := pos - start.runes()
	for _, s := range r.leaves[leaf].spans {
		if off < s.n {
			return s.lv + off
		}
		off -= s.n
	}
	panic("sequence: spans end before the text")
}

// ropeReader reads a rope that does not change meanwhile.
type ropeReader struct {
	rope *rope
	leaf int32
	off  int
}

func (r *ropeReader) Read(p []byte) (n int, err error) {
	for r.leaf >= 0 && n < len(p) {
		text := r.rope.leaves[r.leaf].text[r.off:]
		k := copy(p[n:], text)
		n += k
		r.off += k
		if k == len(text) {
			r.leaf, r.off = r.rope.tree.next(r.leaf), 0
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
