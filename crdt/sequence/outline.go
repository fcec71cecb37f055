package sequence

import "slices"

const (
	// leafParts is how many parts a leaf of an outline has at most.
	leafParts = 64
	// slabLeaves is how many leaves are made at once. They stay where they are: what grows is the list of them.
	slabLeaves = 16
)

// outline is a text while a history is replayed into nothing: which elements are visible, in their order, and not what they
// are. The log has that, and most of it is gone in the end. What is left is looked up once, when the rope is made.
type outline struct {
	tree   tree
	leaves []*outlineLeaf // by the tree's numbers
	slab   []outlineLeaf  // those to come
	size   uint32
	at     outlineCursor
}

// outlineLeaf is a stretch of the parts. Only the first and only leaf of an empty outline is empty.
type outlineLeaf struct {
	n, size uint32
	parts   [leafParts]part
}

// part is visible elements that were inserted one after the other, by events of one run of the log.
type part struct{ lv, n, run uint32 }

// outlineCursor remembers where the last edit was: the next one is mostly there.
type outlineCursor struct {
	leaf  int32
	start uint32 // of all before the leaf
	way   path
	ok    bool
	// The first part that was not wholly before the edit, and where it starts in the leaf.
	part, partAt uint32
	// What the leaf has grown by since the tree was told, which wraps for less.
	grown uint32
}

func newOutline() *outline {
	o := new(outline)
	o.newLeaf()
	o.tree.reset(weight{})
	return o
}

func (o *outline) length() uint32 { return o.size }

// replay does the events of a log from lv on, each of which has seen all before it; run has the first.
func (o *outline) replay(log *Log, run int, lv uint32) {
	for ; lv < log.next; run++ {
		r, end := &log.runs[run], log.runEnd(run)
		if r.kind == insert {
			o.insertPart(part{lv, end - lv, uint32(run)}, r.pos+lv-r.lv)
		} else {
			o.remove(r.pos, end-lv)
		}
		lv = end
	}
}

func (o *outline) insert(p *piece, pos uint32) { o.insertPart(part{p.lv, p.n, p.run}, pos) }

func (o *outline) insertPart(p part, pos uint32) {
	l, off := o.place(pos)
	i, in := o.find(l, off)
	switch {
	case in > 0 && in == l.parts[i].n && l.parts[i].run == p.run && l.parts[i].lv+in == p.lv:
		l.parts[i].n += p.n
		o.resize(l, p.n)
		return
	case l.n < leafParts-1: // a part may be split in two
	case off == l.size:
		l = o.appendLeaf()
		i, in = 0, 0
	default:
		o.halveLeaf()
		l, off = o.place(pos)
		i, in = o.find(l, off)
	}
	l.put(i, in, p)
	o.resize(l, p.n)
}

func (o *outline) remove(pos, n uint32) {
	for n > 0 {
		l := o.seek(pos)
		if l.n == leafParts {
			o.halveLeaf()
			l = o.seek(pos)
		}
		off := pos - o.at.start
		m := min(n, l.size-off)
		i, in := o.find(l, off)
		l.cut(i, in, m)
		o.resize(l, -m)
		if l.n == 0 && o.tree.leafCount > 1 {
			o.book()
			o.tree.remove(o.at.leaf)
			o.at.ok = false
		}
		n -= m
	}
}

// seek moves the cursor to the leaf that holds an element.
func (o *outline) seek(pos uint32) *outlineLeaf {
	if o.at.ok {
		if l := o.leaves[o.at.leaf]; pos-o.at.start < l.size {
			return l
		}
	}
	o.book()
	leaf, start := o.tree.descend(pos, &o.at.way)
	o.at.leaf, o.at.start, o.at.ok, o.at.part, o.at.partAt = leaf, start.a, true, 0, 0
	return o.leaves[leaf]
}

// place is the leaf for what is inserted at pos, that of the element before it, and the offset in it.
func (o *outline) place(pos uint32) (l *outlineLeaf, off uint32) {
	if pos == 0 {
		return o.seek(0), 0
	}
	l = o.seek(pos - 1)
	return l, pos - o.at.start
}

// find moves the cursor to the part of a leaf that reaches to off or beyond, and is its place in the leaf and the offset in
// it.
func (o *outline) find(l *outlineLeaf, off uint32) (i, in uint32) {
	i, in = o.at.part, off-o.at.partAt
	if off < o.at.partAt || i >= l.n {
		i, in = 0, off
	}
	for i < l.n && in > l.parts[i].n {
		in -= l.parts[i].n
		i++
	}
	o.at.part, o.at.partAt = i, off-in
	return i, in
}

// resize notes a change of the leaf under the cursor.
func (o *outline) resize(l *outlineLeaf, by uint32) {
	l.size, o.size = l.size+by, o.size+by
	o.at.grown += by
}

// book tells the tree what the leaf under the cursor has grown by, before the cursor leaves it or leaves are put in or taken out.
func (o *outline) book() {
	if o.at.grown != 0 {
		o.tree.growAt(&o.at.way, weight{a: o.at.grown})
		o.at.grown = 0
	}
}

// appendLeaf puts an empty leaf after the one under the cursor, and the cursor on it.
func (o *outline) appendLeaf() *outlineLeaf {
	o.at.start += o.leaves[o.at.leaf].size
	o.at.leaf = o.addLeaf(0)
	o.tree.trace(o.at.leaf, &o.at.way)
	o.at.part, o.at.partAt = 0, 0
	return o.leaves[o.at.leaf]
}

// addLeaf puts an empty leaf after the one under the cursor. It is to get a part of that one's elements.
func (o *outline) addLeaf(size uint32) int32 {
	o.book()
	leaf := o.tree.split(o.at.leaf, weight{a: size})
	if int(leaf) == len(o.leaves) {
		o.newLeaf()
	}
	o.leaves[leaf].n, o.leaves[leaf].size = 0, size
	return leaf
}

func (o *outline) newLeaf() {
	if len(o.slab) == 0 {
		o.slab = make([]outlineLeaf, slabLeaves)
	}
	o.leaves = append(o.leaves, &o.slab[0])
	o.slab = o.slab[1:]
}

// halveLeaf splits the leaf under the cursor in two.
func (o *outline) halveLeaf() {
	l := o.leaves[o.at.leaf]
	half, size := l.n/2, uint32(0)
	for _, p := range l.parts[half:l.n] {
		size += p.n
	}
	right := o.leaves[o.addLeaf(size)]
	right.n = uint32(copy(right.parts[:], l.parts[half:l.n]))
	l.n, l.size = half, l.size-size
	o.at.ok = false
}

// put puts a part at an offset in part i.
func (l *outlineLeaf) put(i, in uint32, p part) {
	if in > 0 {
		first := &l.parts[i]
		i++
		if in < first.n {
			copy(l.parts[i+1:], l.parts[i:l.n])
			l.parts[i] = part{first.lv + in, first.n - in, first.run}
			first.n = in
			l.n++
		}
	}
	copy(l.parts[i+1:], l.parts[i:l.n])
	l.parts[i] = p
	l.n++
}

// cut takes out n elements from an offset in part i on.
func (l *outlineLeaf) cut(i, in, n uint32) {
	if in > 0 {
		p := &l.parts[i]
		i++
		rest := p.n - in
		p.n = in
		if n < rest {
			copy(l.parts[i+1:], l.parts[i:l.n])
			l.parts[i] = part{p.lv + in + n, rest - n, p.run}
			l.n++
			return
		}
		n -= rest
	}
	k := i
	for n > 0 && l.parts[k].n <= n {
		n -= l.parts[k].n
		k++
	}
	if n > 0 {
		l.parts[k].lv += n
		l.parts[k].n -= n
	}
	if k > i { // mostly it is the end of a part that goes
		copy(l.parts[i:], l.parts[k:l.n])
		l.n -= k - i
	}
}

// fill puts into an empty rope what an outline of a log shows.
func (r *rope) fill(o *outline, log *Log) {
	// What has not been shown yet of the runs, if any is not ASCII: each shows its elements in the order in which it inserted them.
	var rest []run
	for leaf := o.tree.first(); leaf >= 0; leaf = o.tree.next(leaf) {
		l := o.leaves[leaf]
		for _, p := range l.parts[:l.n] {
			run := &log.runs[p.run]
			text := log.textFrom(int(p.run), run.content)
			from, n := p.lv-run.lv, p.n
			if uint32(len(text)) != log.runEnd(int(p.run))-run.lv {
				if rest == nil {
					rest = slices.Clone(log.runs)
				}
				run = &rest[p.run]
				text = log.textFrom(int(p.run), run.content)
				from = uint32(byteOffset(text, p.lv-run.lv))
				n = uint32(byteOffset(text[from:], n))
				run.lv, run.content = p.lv+p.n, run.content+from+n
			}
			r.push(text[from:from+n], p.lv)
		}
	}
	r.weigh()
}
