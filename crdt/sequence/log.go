package sequence

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// kind is what the events of a run do.
type kind uint8

const (
	insert     kind = iota
	remove          // one element after the other at one position: forwards, as the key Delete does
	removeBack      // each the one before the last: backwards, as the key Backspace does
	move            // of one element of a list, the target is its content
	replace         // of one element of a list
)

// run is what consecutive events did, as their author saw it. It ends where the next run starts. All of its events are in
// one entry of the graph: each has the one before as its only parent.
type run struct {
	lv      uint32
	pos     uint32 // of the leftmost element
	content uint32 // where its content starts
	kind    kind
}

// Log is the events of one document: the graph that they form, who made them, what each did. It only grows.
type Log struct {
	graph
	dots
	runs    []run
	content content
	history History
}

// content is what was inserted. Runs refer to it by a mark: for text an offset in bytes, for lists the number of the
// element.
type content struct {
	bytes []byte
	// ends are where the elements of a list end in bytes; list says that this is one.
	ends []uint32
	list bool
}

func (c *content) mark() uint32 {
	if c.list {
		return uint32(len(c.ends))
	}
	return uint32(len(c.bytes))
}

// elements are n elements of a list, from number i on.
func (c *content) elements(i, n uint32) [][]byte {
	elements := make([][]byte, n)
	start := uint32(0)
	if i > 0 {
		start = c.ends[i-1]
	}
	for k := range elements {
		end := c.ends[i+uint32(k)]
		elements[k], start = c.bytes[start:end:end], end
	}
	return elements
}

// addText adds text, and is where it stands now.
func addText[T string | []byte](c *content, text T) []byte {
	start := len(c.bytes)
	c.bytes = append(c.bytes, text...)
	return c.bytes[start:]
}

// room makes room for n bytes more.
func (c *content) room(n int) {
	if n > cap(c.bytes)-len(c.bytes) {
		c.bytes = grown(c.bytes, n)
	}
}

// grown has room for n more and for as many as there are, up to a million. Append lets what is long grow by a quarter: all
// together that takes five times the memory of what is there in the end.
func grown[T any](s []T, n int) []T { return slices.Grow(s, max(n, min(len(s), 1<<20))) }

func (c *content) addElement(b []byte) {
	c.bytes = append(c.bytes, b...)
	c.ends = append(c.ends, uint32(len(c.bytes)))
}

// copy adds what is between two marks of another content. What is in one never changes, so an empty one begins as a part of
// the other, and is copied when something is added to it.
func (c *content) copy(of *content, from, to uint32) {
	switch {
	case c.list:
		for _, element := range of.elements(from, to-from) {
			c.addElement(element)
		}
	case len(c.bytes) == 0:
		c.bytes = of.bytes[from:to:to]
	default:
		c.bytes = append(c.bytes, of.bytes[from:to]...)
	}
}

// newLog is a log of no events that starts after the first from, which are somewhere else; heads are the last of them.
func newLog(from uint32, heads []uint32, list bool) *Log {
	return &Log{graph: newGraph(from, heads), content: content{list: list}}
}

// piece is a part of a run: n events from lv on.
type piece struct {
	kind  kind
	lv, n uint32
	pos   uint32
	// text is what a text inserts, as UTF-8; elements are what a list inserts, or puts there instead.
	text     []byte
	elements [][]byte
	// to is where a moved element goes, counted without it.
	to uint32
	// run is the number of the run that it was written down in.
	run uint32
}

// last is the last run, if events that begin at lv may go on in it: no entry of the graph begins with them.
func (l *Log) last(lv uint32) *run {
	if len(l.runs) == 0 || l.entries[len(l.entries)-1].lv == lv {
		return nil
	}
	return &l.runs[len(l.runs)-1]
}

// write writes a piece down. Its events have just been added to the graph; text that it inserts, to the content.
func (l *Log) write(p *piece) {
	mark := l.content.mark()
	last := l.last(p.lv)
	k := p.kind
	switch k {
	case insert:
		mark -= uint32(len(p.text))
		for _, e := range p.elements {
			l.content.addElement(e)
		}
		if last != nil && last.kind == insert && last.pos+p.lv-last.lv == p.pos {
			return
		}
	case remove, removeBack:
		if last.absorb(p) {
			return
		}
		if p.n == 1 {
			k = remove
		}
	case replace:
		l.content.addElement(p.elements[0])
	case move:
		l.content.addElement(targetOf(p.to))
	}
	if len(l.runs) == cap(l.runs) {
		l.runs = grown(l.runs, 1)
	}
	l.runs = append(l.runs, run{lv: p.lv, pos: p.pos, content: mark, kind: k})
}

// writeFrom writes down what the events from … to−1 of another log do, which are in one entry there, in the runs from first to
// end−1, and were added here last. It returns the number of the run that has the first of them.
func (l *Log) writeFrom(of *Log, first, end int, from, to uint32) (run int) {
	lv := l.next - (to - from)
	run = len(l.runs)
	if l.last(lv) != nil || of.runs[first].lv < from || end-first == 1 {
		l.writePart(of, first, from, to, lv) // it may go on in the last run
		run = len(l.runs) - 1
		first++
	}
	cut := first < end && of.runEnd(end-1) > to
	if cut {
		end--
	}
	if first < end {
		l.writeWhole(of, first, end, from, lv)
	}
	if cut {
		l.writePart(of, end, from, to, lv)
	}
	return run
}

// writeWhole writes down runs of another log as they are. The number of the event from there is lv here.
func (l *Log) writeWhole(of *Log, first, end int, from, lv uint32) {
	start, stop, mark := of.runs[first].content, of.content.mark(), l.content.mark()
	if end < len(of.runs) {
		stop = of.runs[end].content
	}
	l.content.copy(&of.content, start, stop)
	k := len(l.runs)
	l.runs = append(l.runs, of.runs[first:end]...)
	for i := range l.runs[k:] {
		r := &l.runs[k+i]
		r.lv, r.content = r.lv-from+lv, r.content-start+mark
	}
}

// writePart writes down the part of a run of another log whose events are within from … to−1 there. The number of from is lv
// here.
func (l *Log) writePart(of *Log, run int, from, to, lv uint32) {
	var p piece
	of.piece(&p, run, from, to)
	p.lv += lv - from
	if p.kind == insert && !l.content.list {
		p.text = addText(&l.content, p.text)
	}
	l.write(&p)
}

// typeOn writes down text that somebody who has seen all puts in where the last run ends, which becomes longer: nothing else
// begins. It is the first of the events, and their text as it stands in the log; nil if it did nothing.
func (l *Log) typeOn(pos int, s string) (lv uint32, text []byte) {
	lv = l.next
	r := &l.runs[len(l.runs)-1]
	if r.kind != insert || pos != int(r.pos+lv-r.lv) {
		return 0, nil
	}
	n, err := checkText(s)
	if err != nil || n > MaxEvents-lv || uint64(len(l.content.bytes))+uint64(len(s)) > MaxContent {
		return 0, nil
	}
	l.goOn(n)
	l.lastSeq += uint64(n)
	l.content.room(len(s))
	return lv, addText(&l.content, s)
}

// deleteOn does the same for removals, which go on in the last run if that one absorbs them.
func (l *Log) deleteOn(p *piece) bool {
	if p.n > MaxEvents-p.lv || !l.runs[len(l.runs)-1].absorb(p) {
		return false
	}
	l.goOn(p.n)
	l.lastSeq += uint64(p.n)
	return true
}

// targetOf is the target of a move as content.
func targetOf(to uint32) []byte { return binary.AppendUvarint(nil, uint64(to)) }

// absorb makes the removals of a piece part of a run, nil for none, if they go on where it stopped.
func (r *run) absorb(p *piece) bool {
	if r == nil || r.kind != remove && r.kind != removeBack {
		return false
	}
	single := p.lv-r.lv == 1
	if (r.kind == remove || single) && (p.kind == remove || p.n == 1) && r.pos == p.pos {
		r.kind = remove
		return true
	}
	if (r.kind == removeBack || single) && (p.kind == removeBack || p.n == 1) && r.pos == p.pos+p.n {
		r.kind, r.pos = removeBack, p.pos
		return true
	}
	return false
}

// runOf is the index of the run that has an event.
func (l *Log) runOf(lv uint32) int {
	low, high := 0, len(l.runs) // runs[low].lv ≤ lv < runs[high].lv
	for high-low > 1 {
		if mid := int(uint(low+high) >> 1); l.runs[mid].lv <= lv {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// runEnd is the event after the last one of a run.
func (l *Log) runEnd(i int) uint32 {
	if i+1 < len(l.runs) {
		return l.runs[i+1].lv
	}
	return l.next
}

// extent makes a piece the part of a run whose events are within from … to−1, without its content; some are.
func (l *Log) extent(p *piece, i int, from, to uint32) {
	r := &l.runs[i]
	end := l.runEnd(i)
	from, to = max(from, r.lv), min(to, end)
	p.kind, p.lv, p.n, p.pos, p.run = r.kind, from, to-from, r.pos, uint32(i)
	switch r.kind {
	case insert:
		p.pos += from - r.lv
	case removeBack:
		if p.pos += end - to; p.n == 1 {
			p.kind = remove // of one, both say the same, and this is how it is written
		}
	case move:
		p.to = l.target(r)
	}
}

// target is where a run that moves an element puts it, counted without it.
func (l *Log) target(r *run) uint32 {
	to, _ := binary.Uvarint(l.content.elements(r.content, 1)[0])
	return uint32(to)
}

// piece is extent with its content.
func (l *Log) piece(p *piece, i int, from, to uint32) {
	l.extent(p, i, from, to)
	r := &l.runs[i]
	skip := p.lv - r.lv
	switch {
	case r.kind == insert && !l.content.list:
		p.text = l.textOf(i, skip, p.n, l.runEnd(i)-r.lv)
	case r.kind == insert || r.kind == replace:
		p.elements = l.content.elements(r.content+skip, p.n)
	}
}

// textOf is n code points of what a run of a text inserted, whole of them in all, after the first skip.
func (l *Log) textOf(i int, skip, n, whole uint32) []byte {
	text := l.textFrom(i, l.runs[i].content)
	switch whole {
	case n:
		return text
	case uint32(len(text)): // ASCII
		return text[skip : skip+n]
	}
	text = text[byteOffset(text, skip):]
	return text[:byteOffset(text, n)]
}

// textFrom is what a run of a text inserted, from a byte of the content on.
func (l *Log) textFrom(i int, content uint32) []byte {
	if i+1 < len(l.runs) {
		return l.content.bytes[content:l.runs[i+1].content]
	}
	return l.content.bytes[content:]
}

// removals is the number of events from an event on that remove.
func (l *Log) removals(from uint32) (n uint32) {
	if from == l.next {
		return 0
	}
	for i := l.runOf(from); i < len(l.runs); i++ {
		if k := l.runs[i].kind; k == remove || k == removeBack {
			n += l.runEnd(i) - max(from, l.runs[i].lv)
		}
	}
	return n
}

// find is the event that a dot names.
func (l *Log) find(dot *Dot) (lv uint32, ok bool) { return l.dots.find(dot, l.next) }

// admit is the writer of a dot, −1 for a new one, if the dot may come next with n events and that much content.
func (l *Log) admit(dot *Dot, n uint64, bytes int) (w int, err error) {
	w = l.writerOf(dot)
	switch {
	case dot.Seq == 0:
		return w, fault(ErrEvent, "dots start at 1")
	case w >= 0 && dot.Seq <= l.tip(w, l.next):
		return w, fault(ErrEvent, "dot "+strconv.FormatUint(dot.Seq, 10)+" comes after "+strconv.FormatUint(l.tip(w, l.next), 10))
	case n > uint64(MaxEvents-l.next) || uint64(len(l.content.bytes))+uint64(bytes) > MaxContent:
		return w, fault(ErrLimit, "there is no room for more events: copy the document to a new one")
	}
	return w, nil
}

// add adds n events in a row by one writer, the first of which is a dot and has the given parents. What they do is to be
// written next.
func (l *Log) add(dot *Dot, w int, n uint32, parents []uint32) (lv uint32) {
	lv = l.graph.add(n, parents)
	l.dots.add(dot, w, lv, n)
	return lv
}

// check is nil if the events from … to−1, each the only parent of the next, may be done to a document of the given length. The
// first is in a run of that number; end is the one after that of the last.
func (l *Log) check(first int, from, to, length uint32) (end int, err error) {
	for end = first; from < to; end++ {
		r, stop := &l.runs[end], l.runEnd(end)
		n, pos, ok := min(stop, to)-from, r.pos, false
		switch r.kind {
		case insert:
			pos += from - r.lv
			ok = pos <= length
			length += n
		case remove, removeBack:
			if r.kind == removeBack {
				pos += stop - from - n
			}
			ok = pos <= length && n <= length-pos
			length -= n
		case move:
			ok = pos < length && l.target(r) < length
		case replace:
			ok = pos < length
		}
		if !ok {
			return 0, fault(ErrPosition, strconv.FormatUint(uint64(n), 10)+" elements at "+strconv.FormatUint(uint64(pos), 10))
		}
		from += n
	}
	return end, nil
}
