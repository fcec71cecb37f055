package sequence

import "slices"

// DecodeLog reads a log, or the first part of one, that Append appended. The error wraps ErrEncoding. A log says what was
// written, and not that it makes sense: positions are checked when it is replayed.
func DecodeLog(b []byte) (*Log, error) {
	r := reader{b: b}
	r.uint(wireFormat)
	kind := r.uint(listKind)
	if r.err != nil {
		return nil, r.err
	}
	l := newLog(0, nil, kind == listKind)
	if err := l.Extend(b); err != nil {
		return nil, err
	}
	return l, nil
}

// Extend reads the next part of a log. The error wraps ErrEncoding, and the log is not to be used after it.
func (l *Log) Extend(b []byte) error {
	r := reader{b: b}
	r.uint(wireFormat)
	if r.uint(listKind) != kindOf(l.content.list) {
		r.fail("another kind of document")
	}
	if r.uint(MaxEvents) != uint64(l.next) {
		r.fail("a part that does not follow the one before")
	}
	n := r.uint(uint64(MaxEvents - l.next))
	d := logDecoder{log: l, start: l.next, end: l.next + uint32(n)}
	writers, makings := r.column(), r.column()
	entries, parents := r.column(), r.column()
	d.runs, d.positions = r.column(), r.column()
	d.sizes = &reader{}
	if l.content.list {
		d.sizes = r.column()
	}
	if r.err != nil {
		return r.err
	}
	d.content = &reader{b: r.b}
	d.readEntries(entries, parents)
	d.readMakings(writers, makings)
	if d.start < d.end && d.err == nil {
		d.cursors, d.making = make([]uint32, len(l.writers)), l.makingOf(d.start)
	}
	for lv := d.start; lv < d.end && d.err == nil; {
		lv = d.readRun(lv)
	}
	for _, c := range []*reader{entries, parents, writers, makings, d.runs, d.positions, d.sizes, d.content} {
		if c.err != nil {
			return c.err
		}
		if len(c.b) > 0 {
			d.fail("a column that goes on")
		}
	}
	return d.err
}

// logDecoder reads the events from start … end−1.
type logDecoder struct {
	log                             *Log
	start, end                      uint32
	runs, positions, sizes, content *reader
	cursors                         []uint32 // of each writer
	making                          int      // at work
	err                             error
}

func (d *logDecoder) fail(what string) {
	if d.err == nil {
		d.err = fault(ErrEncoding, what)
	}
}

func (d *logDecoder) readEntries(r, parents *reader) {
	l := d.log
	starts := []uint32{d.start} // of the entries, and of the one after the last
	var of []uint32
	for l.next < d.end {
		n := r.uint(uint64(d.end - l.next))
		of = of[:0]
		for range parents.uint(uint64(len(parents.b))) {
			of = append(of, d.readParent(parents, starts))
		}
		if r.err != nil || parents.err != nil || d.err != nil {
			d.fail("an entry")
			return
		}
		for i, p := range of {
			if i > 0 && of[i-1] >= p {
				d.fail("parents that do not ascend")
				return
			}
		}
		chained := l.next > d.start && len(of) == 1 && of[0] == l.next-1
		if n == 0 || chained || len(l.reduce(slices.Clone(of))) < len(of) {
			d.fail("an entry that is part of another, or has a parent before another parent")
			return
		}
		l.graph.add(uint32(n), of)
		starts = append(starts, l.next)
	}
}

// readParent reads a parent of the entry that comes next; starts are those of the entries before it, and its own.
func (d *logDecoder) readParent(r *reader, starts []uint32) uint32 {
	v := r.uint(2*uint64(len(starts)) - 1)
	i := len(starts) - 1 - int(v/2) // the parent is in the entry before this start
	start := uint32(0)
	if i > 0 {
		start = starts[i-1]
	}
	back := uint64(1)
	if v%2 == 1 {
		n := r.uint(MaxEvents)
		if n == 0 {
			d.fail("a last event that is told as another")
		}
		back += n
	}
	if r.err != nil || back > uint64(starts[i]-start) {
		d.fail("a parent that is not there")
		return 0
	}
	return starts[i] - uint32(back)
}

func (d *logDecoder) readMakings(writers, r *reader) {
	l := d.log
	for lv := d.start; lv < d.end && d.err == nil; {
		end := l.entryEnd(l.entryOf(lv))
		if n := r.uint(uint64(d.end - lv)); n > 0 {
			if lv+uint32(n) == end {
				d.fail("a length that is needless")
			}
			end = lv + uint32(n)
		}
		of := r.uint(2*uint64(len(l.writers)) + 1)
		w := int(of / 2)
		var dot Dot
		tip := uint64(0)
		if w < len(l.writers) {
			dot.Author, dot.Branch = l.writers[w].author, l.writers[w].branch
			tip = l.tip(w, lv)
		} else {
			copy(dot.Author[:], writers.bytes(uint64(len(dot.Author))))
			dot.Branch = uint32(writers.uint(1<<32 - 1))
			if l.writerOf(&dot) >= 0 {
				d.fail("a writer twice")
			}
			w = -1
		}
		left := uint64(0)
		if of%2 == 1 {
			if left = r.uint(1<<63 - 1 - tip); left == 0 {
				d.fail("no dots left out")
			}
		}
		if dot.Seq = tip + left + 1; dot.Seq > 1<<63-MaxEvents || r.err != nil || writers.err != nil {
			d.fail("a making")
			return
		}
		before := len(l.made)
		l.dots.add(&dot, w, lv, end-lv)
		if lv > d.start && len(l.made) == before {
			d.fail("a making that is part of another")
		}
		lv = end
	}
}

func (d *logDecoder) readRun(lv uint32) uint32 {
	l := d.log
	v := d.runs.uint(8*MaxEvents + 7)
	p := piece{kind: kind(v % 8), lv: lv, n: uint32(v / 8)}
	for l.end(d.making, l.next) <= lv {
		d.making++
	}
	cursor := &d.cursors[l.made[d.making].writer]
	at := int64(*cursor) + unzigzag(d.positions.uint(1<<33))
	end := l.entryEnd(l.entryOf(lv))
	if d.runs.err != nil || d.positions.err != nil || p.n == 0 || p.n > end-lv || at < 0 || at > MaxEvents {
		d.fail("a run")
		return d.end
	}
	p.pos = uint32(at)
	mark := l.content.mark()
	switch p.kind {
	case insert:
		d.readContent(&p)
	case remove:
	case removeBack:
		if p.n == 1 || p.n > p.pos {
			d.fail("a removal backwards")
			return d.end
		}
		p.pos -= p.n
	case move, replace:
		if !l.content.list || p.n != 1 {
			d.fail("a move or a replacement")
			return d.end
		}
		d.readSingle(&p)
	default:
		d.fail("a run of a kind that is not known")
	}
	if (p.kind == remove || p.kind == removeBack) && p.n > mark {
		d.fail("more removed than was ever inserted") // by bytes or by elements: a replay takes memory for each
	}
	l.runs = append(l.runs, run{lv: lv, pos: p.pos, content: mark, kind: p.kind})
	_, *cursor = p.cursor()
	return lv + p.n
}

// readContent adds what a piece inserts to the log.
func (d *logDecoder) readContent(p *piece) {
	if d.log.content.list {
		for range p.n {
			if d.err != nil {
				return
			}
			d.readElement()
		}
		return
	}
	size, err := runesIn(d.content.b, p.n)
	if err != nil {
		d.fail("text that is not UTF-8, or ends too early")
	}
	d.log.content.bytes = append(d.log.content.bytes, d.content.bytes(uint64(size))...)
}

func (d *logDecoder) readElement() {
	e := d.content.bytes(d.sizes.uint(uint64(len(d.content.b))))
	if d.sizes.err != nil || d.content.err != nil {
		d.fail("an element")
		return
	}
	d.log.content.addElement(e)
}

// readSingle reads what a move or a replacement adds.
func (d *logDecoder) readSingle(p *piece) {
	if p.kind == replace {
		d.readElement()
		return
	}
	p.to = uint32(d.positions.uint(MaxEvents))
	d.log.content.addElement(targetOf(p.to))
}
