package sequence

import "encoding/binary"

// The bytes of a log are a head and columns, so that what is alike stands together and compresses:
//
//	format, kind, from, number of events                                        kind 0 text, 1 list
//	writers    author (32 bytes), branch             those that make their first event
//	makings    length, writer, seq                   length 0: to the end of the graph's entry; twice the writer, plus 1 if
//	                                                 dots were left out, and then how many before it
//	entries    length                                of a stretch of events each the only parent of the next
//	parents    of each entry: their number, and of each twice how many entries lie between, plus 1 if it is not the last
//	           event of its entry, and then how many follow it there; all before this part is one entry
//	runs       8 · length + kind
//	positions  of each run, from where its writer left his cursor, zigzag; 0 at the start
//	sizes      of each element of a list
//	content    to the end
//
// All are numbers, 7 bits a byte, the lowest first, in the fewest bytes.

// Append appends the events from number from on, to be read after what was appended before: DecodeLog the first part,
// Extend with the others. Events says where the next part starts.
func (l *Log) Append(b []byte, from int) []byte {
	start := max(uint32(from), l.from)
	b = append(b, wireFormat)
	b = binary.AppendUvarint(b, kindOf(l.content.list))
	b = binary.AppendUvarint(b, uint64(start))
	b = binary.AppendUvarint(b, uint64(l.next-start))
	writers, makings := l.appendMakings(start)
	b = appendColumn(b, writers)
	b = appendColumn(b, makings)
	entries, parents := l.appendEntries(start)
	b = appendColumn(b, entries)
	b = appendColumn(b, parents)
	runs, positions, sizes, content := l.appendRuns(start)
	b = appendColumn(b, runs)
	b = appendColumn(b, positions)
	if l.content.list {
		b = appendColumn(b, sizes)
	}
	return append(b, content...)
}

// Events is the number of events that there were, and so the number of the next one.
func (l *Log) Events() int { return int(l.next) }

// appendMakings is the columns of makings, and of those writers who make their first event.
func (l *Log) appendMakings(start uint32) (writers, makings []byte) {
	if start == l.next {
		return nil, nil
	}
	for i := l.makingOf(start); i < len(l.made); i++ {
		m := &l.made[i]
		lv, seq := m.lv, m.seq
		w := &l.writers[m.writer]
		switch {
		case lv < start:
			seq += uint64(start - lv)
			lv = start
		case int(w.makings[0]) == i:
			writers = append(writers, w.author[:]...)
			writers = binary.AppendUvarint(writers, uint64(w.branch))
		}
		end := l.end(i, l.next)
		if end == l.entryEnd(l.entryOf(lv)) {
			makings = append(makings, 0)
		} else {
			makings = binary.AppendUvarint(makings, uint64(end-lv))
		}
		left := seq - l.tipBefore(m.writer, lv) - 1
		if left == 0 {
			makings = binary.AppendUvarint(makings, 2*uint64(m.writer))
			continue
		}
		makings = binary.AppendUvarint(makings, 2*uint64(m.writer)+1)
		makings = binary.AppendUvarint(makings, left)
	}
	return writers, makings
}

// tipBefore is the last dot that a writer made before an event, 0 for none.
func (l *Log) tipBefore(w, lv uint32) uint64 {
	makings := l.writers[w].makings
	for i := len(makings) - 1; i >= 0; i-- {
		if m := &l.made[makings[i]]; m.lv < lv {
			return m.seq + uint64(min(l.end(int(makings[i]), l.next), lv)-m.lv) - 1
		}
	}
	return 0
}

// appendEntries is the columns of entries and of their parents.
func (l *Log) appendEntries(start uint32) (entries, parents []byte) {
	if start == l.next {
		return nil, nil
	}
	first := l.entryOf(start)
	for i := first; i < len(l.entries); i++ {
		lv := max(start, l.entries[i].lv)
		entries = binary.AppendUvarint(entries, uint64(l.entryEnd(i)-lv))
		of := l.parentsOf(lv)
		parents = binary.AppendUvarint(parents, uint64(len(of)))
		for _, p := range of {
			between, end := uint64(i-first), start
			if p >= start {
				e := l.entryOf(p)
				between, end = uint64(i-e-1), l.entryEnd(e)
			}
			if p == end-1 {
				parents = binary.AppendUvarint(parents, 2*between)
				continue
			}
			parents = binary.AppendUvarint(parents, 2*between+1)
			parents = binary.AppendUvarint(parents, uint64(end-1-p))
		}
	}
	return entries, parents
}

// appendRuns is the columns of runs, of their positions and of their content.
func (l *Log) appendRuns(start uint32) (runs, positions, sizes, content []byte) {
	cursors := make([]uint32, len(l.writers))
	i, making := 0, 0
	if start < l.next {
		i, making = l.runOf(start), l.makingOf(start)
	}
	for lv := start; lv < l.next; i++ {
		var p piece
		l.piece(&p, i, lv, l.next)
		runs = binary.AppendUvarint(runs, 8*uint64(p.n)+uint64(p.kind))
		for l.end(making, l.next) <= lv {
			making++
		}
		cursor := &cursors[l.made[making].writer]
		at, after := p.cursor()
		positions = binary.AppendUvarint(positions, zigzag(int64(at)-int64(*cursor)))
		*cursor = after
		content = append(content, p.text...)
		for _, e := range p.elements {
			sizes = binary.AppendUvarint(sizes, uint64(len(e)))
			content = append(content, e...)
		}
		if p.kind == move {
			positions = binary.AppendUvarint(positions, uint64(p.to))
		}
		lv += p.n
	}
	return runs, positions, sizes, content
}

// cursor is where a cursor stands before and after the events of a piece.
func (p *piece) cursor() (before, after uint32) {
	switch p.kind {
	case insert:
		return p.pos, p.pos + p.n
	case removeBack:
		return p.pos + p.n, p.pos
	case move:
		return p.pos, p.to
	default:
		return p.pos, p.pos
	}
}
