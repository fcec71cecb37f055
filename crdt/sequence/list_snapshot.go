package sequence

import (
	"encoding/binary"
	"slices"
)

// AppendSnapshot appends what OpenList reads.
func (l *List) AppendSnapshot(b []byte) []byte {
	b = l.log.appendState(b)
	var spans, sizes, contents []byte
	held, last := span{}, uint32(0)
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
	}
	flush()
	b = appendColumn(appendColumn(b, spans), sizes)
	return append(b, contents...)
}

// OpenList is the list of a snapshot, as OpenText is the text of one. The error wraps ErrEncoding.
func OpenList(snapshot []byte, history History) (*List, error) {
	r := reader{b: snapshot}
	log := r.state(listKind)
	spans, sizes := r.column(), r.column()
	if sizes.err != nil {
		return nil, sizes.err
	}
	l := &List{items: newListItems()}
	l.init(log, history, (*listView)(l))
	r.b = slices.Clone(r.b) // what was given stays the caller's
	last, pos := uint32(0), uint32(0)
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
			l.items.insert(pos, element{lv: lv, content: content})
			pos++
		}
	}
	if len(sizes.b) > 0 || len(r.b) > 0 || !apart(known) {
		return nil, fault(ErrEncoding, "more than the elements of the list, or one twice")
	}
	return l, nil
}

// Load gives a list that was opened from a snapshot the log of what came before it, as Text.Load.
func (l *List) Load(past *Log) error { return l.load(past) }
