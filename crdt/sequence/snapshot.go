package sequence

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/kdelta/kdelta/internal/order"
)

// The bytes of a snapshot are what a document shows and who wrote it, without its past:
//
//	format, kind, number of events, number of heads, heads       each as the distance back from the number of events
//	writers    author (32 bytes), branch
//	makings    length, writer, dots left out before it
//	spans      of what is visible: first event as the distance from the end of the span before, zigzag; length
//	sizes      of each element of a list
//	touched    of each of these that was moved or replaced: how many stand between it and the one before, and the last event
//	           that did so, as the distance from the one that inserted it
//	content    to the end

// AppendSnapshot appends what OpenText reads.
func (t *Text) AppendSnapshot(b []byte) []byte {
	b = t.log.appendState(b)
	var spans []byte
	last := uint32(0)
	for s := range t.rope.spans() {
		spans = appendSpan(spans, s, last)
		last = s.end()
	}
	b = appendColumn(b, spans)
	return t.rope.append(b, 0, t.rope.size.runes())
}

// OpenText is the text of a snapshot. Whoever has seen all of it can write to it; what goes back behind it needs Load. The
// error wraps ErrEncoding.
func OpenText(snapshot []byte, history History) (*Text, error) {
	r := reader{b: snapshot}
	log := r.state(textKind)
	spans := r.column()
	if spans.err != nil {
		return nil, spans.err
	}
	t := &Text{rope: newRope()}
	t.init(log, history, (*textView)(t))
	last := uint32(0)
	var known []span
	for text := r.b; len(text) > 0 || len(spans.b) > 0; {
		s := spans.span(last, log.next)
		size, err := runesIn(text, s.n)
		if s.n == 0 || err != nil || last > 0 && s.lv == last {
			return nil, fault(ErrEncoding, "spans that are not those of the text")
		}
		known = append(known, s)
		last = s.end()
		t.rope.push(text[:size], s.lv)
		text = text[size:]
	}
	t.rope.weigh()
	if !apart(known) {
		return nil, fault(ErrEncoding, "one event twice")
	}
	return t, nil
}

// Load gives a document that was opened from a snapshot the log of what came before it. The error wraps ErrEvent if it
// is of another document.
func (c *core) Load(past *Log) error {
	if c.log.from == 0 {
		return nil
	}
	if err := c.log.follow(past); err != nil {
		return err
	}
	// The past is the caller's: it is left as it is.
	// What was logged here comes after it.
	whole := &Log{graph: past.clone(), dots: c.log.dots, runs: slices.Clone(past.runs), content: past.content.clone()}
	tail := c.log
	for i := range tail.entries {
		lv := tail.entries[i].lv
		whole.graph.add(tail.entryEnd(i)-lv, tail.entryParents(i))
	}
	mark := whole.content.mark()
	for _, r := range tail.runs {
		r.content += mark
		whole.runs = append(whole.runs, r)
	}
	whole.content.join(&tail.content)
	c.setLog(whole)
	return nil
}

// follow is nil if a log without its past goes on where the past ends.
func (l *Log) follow(past *Log) error {
	ok := past.from == 0 && past.next == l.from && past.content.list == l.content.list &&
		slices.Equal(past.heads, l.headsAt(l.from)) &&
		len(past.made) <= len(l.made) && slices.Equal(past.made, l.made[:len(past.made)]) &&
		len(past.writers) <= len(l.writers)
	for i := range past.writers {
		ok = ok && past.writers[i].line == l.writers[i].line
	}
	if k := len(past.made); ok && k > 0 {
		ok = l.end(k-1, l.next) >= past.next
	}
	if !ok {
		return fault(ErrEvent, "the log of another document, or of another time: give it the log up to its snapshot")
	}
	return nil
}

func (g *graph) clone() graph {
	return graph{
		from: g.from, next: g.next, entries: slices.Clone(g.entries), parents: slices.Clone(g.parents),
		heads: slices.Clone(g.heads), cuts: slices.Clone(g.cuts),
	}
}

func (c *content) clone() content {
	return content{bytes: slices.Clone(c.bytes), ends: slices.Clone(c.ends), list: c.list}
}

// join adds the content of another log of the same kind.
func (c *content) join(tail *content) {
	start := uint32(len(c.bytes))
	c.bytes = append(c.bytes, tail.bytes...)
	for _, end := range tail.ends {
		c.ends = append(c.ends, start+end)
	}
}

// appendState appends what a log is without its past.
func (l *Log) appendState(b []byte) []byte {
	b = append(b, wireFormat)
	b = binary.AppendUvarint(b, kindOf(l.content.list))
	b = binary.AppendUvarint(b, uint64(l.next))
	b = binary.AppendUvarint(b, uint64(len(l.heads)))
	for _, h := range l.heads {
		b = binary.AppendUvarint(b, uint64(l.next-h))
	}
	var writers, makings []byte
	for i := range l.writers {
		writers = append(writers, l.writers[i].author[:]...)
		writers = binary.AppendUvarint(writers, uint64(l.writers[i].branch))
	}
	tips := make([]uint64, len(l.writers))
	for i, m := range l.made {
		n := uint64(l.end(i, l.next) - m.lv)
		makings = binary.AppendUvarint(makings, n)
		makings = binary.AppendUvarint(makings, uint64(m.writer))
		makings = binary.AppendUvarint(makings, m.seq-tips[m.writer]-1)
		tips[m.writer] = m.seq + n - 1
	}
	return appendColumn(appendColumn(b, writers), makings)
}

// state is a log without its past.
func (r *reader) state(kind uint64) *Log {
	r.uint(wireFormat)
	if r.uint(listKind) != kind {
		r.fail("another kind of document")
	}
	next := uint32(r.uint(MaxEvents))
	var heads []uint32
	for range r.uint(uint64(len(r.b))) {
		back := uint32(r.uint(uint64(next)))
		if k := len(heads); back == 0 || k > 0 && heads[k-1] >= next-back {
			r.fail("heads that do not ascend")
			break
		}
		heads = append(heads, next-back)
	}
	if k := len(heads); next > 0 && (k == 0 || heads[k-1] != next-1) {
		r.fail("a newest event that is no head")
	}
	l := newLog(next, heads, kind == listKind)
	writers, makings := r.column(), r.column()
	for len(writers.b) > 0 {
		w := writer{}
		copy(w.author[:], writers.bytes(uint64(len(w.author))))
		w.branch = uint32(writers.uint(1<<32 - 1))
		l.writers = append(l.writers, w)
	}
	if used := l.readState(makings, next); used < len(l.writers) || writers.err != nil || makings.err != nil {
		r.fail("writers and their dots")
	}
	return l
}

// readState reads who made the events up to next; it returns how many writers made some.
func (l *Log) readState(r *reader, next uint32) (used int) {
	tips := make([]uint64, len(l.writers))
	writers := l.writers
	l.writers = nil
	for lv := uint32(0); lv < next; {
		n := uint32(r.uint(uint64(next - lv)))
		w := r.uint(uint64(max(len(writers), 1) - 1))
		if r.err != nil || n == 0 || len(writers) == 0 || w > uint64(used) {
			r.fail("a making")
			break
		}
		skip := r.uint(1<<63 - MaxEvents - 1 - tips[w])
		dot := Dot{Author: writers[w].author, Branch: writers[w].branch, Seq: tips[w] + skip + 1}
		number := int(w)
		if number == used {
			number = -1
			used++
			if l.writerOf(&dot) >= 0 {
				r.fail("a writer twice")
			}
		}
		before := len(l.made)
		l.dots.add(&dot, number, lv, n)
		if len(l.made) == before {
			r.fail("a making that is part of another")
		}
		tips[w] = dot.Seq + uint64(n) - 1
		if tips[w] > 1<<63-MaxEvents-1 {
			r.fail("dots beyond all bounds")
			break
		}
		lv += n
	}
	if len(r.b) > 0 {
		r.fail("makings beyond the events")
	}
	l.writers = append(l.writers, writers[used:]...)
	return used
}

func appendSpan(b []byte, s span, last uint32) []byte {
	b = binary.AppendUvarint(b, zigzag(int64(s.lv)-int64(last)))
	return binary.AppendUvarint(b, uint64(s.n))
}

// span is a span of the events before next; last is the end of the one before it. It is empty after an error.
func (r *reader) span(last, next uint32) span {
	lv := int64(last) + unzigzag(r.uint(1<<33))
	n := r.uint(uint64(next))
	if r.err != nil || lv < 0 || n == 0 || lv+int64(n) > int64(next) {
		r.fail("a span")
		return span{}
	}
	return span{uint32(lv), uint32(n)}
}

// apart reports whether no two spans have an event in common.
func apart(spans []span) bool {
	sorted := make([]uint64, len(spans))
	for i, s := range spans {
		sorted[i] = uint64(s.lv)<<32 | uint64(s.n)
	}
	order.Sort(sorted, cmp.Compare[uint64])
	for i := 1; i < len(sorted); i++ {
		if before := sorted[i-1]; before>>32+before&(1<<32-1) > sorted[i]>>32 {
			return false
		}
	}
	return true
}
