package sequence

import (
	"encoding/binary"
	"slices"
)

// AppendSnapshot appends what OpenList reads.
func (l *List) AppendSnapshot(b []byte) []byte {
	b = l.log.appendState(b)
	var spans, sizes, touched, contents []byte
	held, last, untouched := span{}, uint32(0), uint64(0)
	flush := func() {
		if held.n > 0 {
			spans = appendSpan(spans, held, last)
			last = held.end()
		}
	}
	for e := range l.items.all() {
		if held.n > 0 && held.end() == e.lv {
			held.n++
		} else {
			flush()
			held = span{e.lv, 1}
		}
		sizes = binary.AppendUvarint(sizes, uint64(len(e.content)))
		contents = append(contents, e.content...)
		if untouched++; e.by != e.lv {
			touched = binary.AppendUvarint(binary.AppendUvarint(touched, untouched-1), uint64(e.by-e.lv))
			untouched = 0
		}
	}
	flush()
	b = appendColumn(appendColumn(appendColumn(b, spans), sizes), touched)
	return append(b, contents...)
}

// IsList reports whether a snapshot is one of a list.
func IsList(snapshot []byte) bool { return len(snapshot) > 1 && snapshot[1] == listKind }

// OpenList is the list of a snapshot, as OpenText is the text of one. The error wraps ErrEncoding.
func OpenList(snapshot []byte, history History) (*List, error) {
	r := reader{b: snapshot}
	log := r.state(listKind)
	spans, sizes, touched := r.column(), r.column(), r.column()
	if touched.err != nil {
		return nil, touched.err
	}
	l := &List{items: newListItems()}
	l.init(log, history, (*listView)(l))
	r.b = slices.Clone(r.b) // what was given stays the caller's
	last, pos, next := uint32(0), uint32(0), touched.gap()
	var known []span
	for len(spans.b) > 0 {
		s := spans.span(last, log.next)
		if s.n == 0 || last > 0 && s.lv == last {
			return nil, fault(ErrEncoding, "spans that are not those of the list")
		}
		known = append(known, s)
		last = s.end()
		for lv := s.lv; lv < s.end(); lv++ {
			content := r.bytes(sizes.uint(uint64(len(r.b))))
			if sizes.err != nil || r.err != nil {
				return nil, fault(ErrEncoding, "elements that end before their spans")
			}
			by := lv
			switch next {
			case 0:
				by += uint32(touched.uint(uint64(log.next-lv) - 1))
				if next = touched.gap(); by == lv || touched.err != nil {
					return nil, fault(ErrEncoding, "an element that was touched by no event after it")
				}
			case none:
			default:
				next--
			}
			l.items.insert(pos, element{lv: lv, by: by, content: content})
			pos++
		}
	}
	if len(sizes.b) > 0 || len(touched.b) > 0 || touched.err != nil || next < none || len(r.b) > 0 || !apart(known) {
		return nil, fault(ErrEncoding, "more than the elements of the list, or one twice")
	}
	return l, nil
}

// gap is how many elements come before the next one that was touched: none if there is no such one.
func (r *reader) gap() uint32 {
	if len(r.b) == 0 {
		return none
	}
	return uint32(r.uint(MaxEvents))
}
