package sequence

// The measures of a tracker: elements visible in the prepare version, where an author's positions count, and in the effect
// version, where the document's do.
func (w weight) seen() uint32  { return w.a }
func (w weight) shown() uint32 { return w.b }

const (
	// leafItems is how many items a leaf has at most.
	leafItems = 32
	// old is added to the place of an element in the base version to name it: nobody looks up which event it was.
	old = uint32(1) << 31
	// none is the origin of what stands at the very start.
	none = ^uint32(0)
)

// States of an item in the prepare version; above present, each concurrent removal counts.
const (
	absent  = 0 // not inserted yet
	present = 1
)

// item is a run of elements that were inserted one after the other and have fared alike since.
type item struct {
	id, n uint32
	// Origins of the first element: what stood left and right of it, removed or not, where it was inserted. Of each
	// other element, the left one is the element before it and the right one is the same.
	left, right uint32
	state       uint32
	gone        bool // not visible in the effect version
}

func (it *item) seen() uint32 {
	if it.state == present {
		return it.n
	}
	return 0
}

func (it *item) shown() uint32 {
	if it.gone {
		return 0
	}
	return it.n
}

func (it *item) weight() weight { return weight{it.seen(), it.shown()} }

// trackLeaf is a stretch of items.
type trackLeaf struct {
	n     int
	items [leafItems]item
}

// tracker is all elements of a document that exist in some version after its base, removed ones too, in their order. It
// knows two versions of it: the prepare version, which moves to where an author wrote (shift), and the effect version, which
// only grows.
type tracker struct {
	tree   tree
	leaves []trackLeaf
	// Which leaf has an element: by event, from base on, and by place in the base version.
	fresh, aged pages
	base        uint32
	// targets are the elements that removals removed, by event from base on.
	targets []uint32
	// tie orders two events whose elements are in the same place.
	tie func(a, b uint32) int
	// The leaf last looked at, if ok, and the weight of all before it.
	leaf  int32
	start weight
	ok    bool
	// erased is what the last removal does to the document, one after the other: a position and a length each. changed is what
	// the last move or replacement does.
	erased  []span
	changed change
	// fates are those of elements that were moved or replaced, by each of their places; later says whether one event is
	// after another one in the total order.
	fates map[uint32]*fate
	later func(a, b uint32) bool
}

// reset makes it the tracker of the version of all events before base, of the given length.
func (t *tracker) reset(base, length uint32) {
	t.tree.reset(weight{length, length})
	if t.leaves == nil {
		t.leaves = make([]trackLeaf, 1)
	}
	t.leaves = t.leaves[:1]
	t.leaves[0].n = 1
	t.leaves[0].items[0] = item{id: old, n: length, left: none, right: none, state: present}
	t.fresh.reset()
	t.aged.reset()
	t.aged.set(0, length, 0)
	t.base, t.targets, t.ok = base, t.targets[:0], false
	clear(t.fates)
}

func (t *tracker) leafOf(id uint32) int32 {
	if id >= old {
		return t.aged.get(id - old)
	}
	return t.fresh.get(id - t.base)
}

func (t *tracker) setLeaf(it *item, leaf int32) {
	if it.id >= old {
		t.aged.set(it.id-old, it.id-old+it.n, leaf)
	} else {
		t.fresh.set(it.id-t.base, it.id-t.base+it.n, leaf)
	}
}

// seek goes to the leaf that has the element which is visible at a position of the prepare version.
func (t *tracker) seek(pos uint32) {
	if t.ok && pos >= t.start.seen() {
		l, at := &t.leaves[t.leaf], t.start.seen()
		for i := range l.n {
			if at += l.items[i].seen(); pos < at {
				return
			}
		}
	}
	t.leaf, t.start = t.tree.find(pos)
	t.ok = true
}

// grow books a change of a leaf's weight.
func (t *tracker) grow(leaf int32, by weight) {
	if by == (weight{}) {
		return
	}
	t.tree.grow(leaf, by)
	if leaf != t.leaf {
		t.ok = false
	}
}

// place is where an item stands: its leaf and its index in there. It stays right until an item is put in or taken out.
type place struct {
	leaf int32
	i    int
}

func (t *tracker) item(p place) *item { return &t.leaves[p.leaf].items[p.i] }

// visible is the place of the item whose element is visible at a position of the prepare version, the offset in it, and
// where the item starts in the effect version.
func (t *tracker) visible(pos uint32) (p place, off, start uint32) {
	t.seek(pos)
	l, at, start := &t.leaves[t.leaf], t.start.seen(), t.start.shown()
	i := 0
	for ; pos-at >= l.items[i].seen(); i++ {
		at += l.items[i].seen()
		start += l.items[i].shown()
	}
	return place{t.leaf, i}, pos - at, start
}

// find is the place of the item that has an element.
func (t *tracker) find(id uint32) place {
	leaf := t.leafOf(id)
	l := &t.leaves[leaf]
	i := 0
	for id-l.items[i].id >= l.items[i].n {
		i++
	}
	return place{leaf, i}
}

// next is the place after a place; ok is false at the end.
func (t *tracker) next(p place) (after place, ok bool) {
	p.i++
	for p.i >= t.leaves[p.leaf].n {
		if p.leaf, p.i = t.tree.next(p.leaf), 0; p.leaf < 0 {
			return p, false
		}
	}
	return p, true
}

// compare orders two elements by where they stand; nothing is left of none.
func (t *tracker) compare(a, b uint32) int {
	if a == b {
		return 0
	}
	if a == none {
		return -1
	}
	if b == none {
		return 1
	}
	p, q := t.find(a), t.find(b)
	if p == q && a < b || p.leaf == q.leaf && p.i < q.i || p.leaf != q.leaf && t.tree.precedes(p.leaf, q.leaf) {
		return -1
	}
	return 1
}

// room makes room for one more item in the leaf of a place, and is where that place is then.
func (t *tracker) room(p place) place {
	l := &t.leaves[p.leaf]
	if l.n < leafItems {
		return p
	}
	half := l.n / 2
	var part weight
	for i := half; i < l.n; i++ {
		part = part.plus(l.items[i].weight())
	}
	leaf := t.tree.split(p.leaf, part)
	for int(leaf) >= len(t.leaves) {
		t.leaves = append(t.leaves, trackLeaf{})
	}
	l, r := &t.leaves[p.leaf], &t.leaves[leaf]
	r.n = copy(r.items[:], l.items[half:l.n])
	l.n = half
	for i := range r.n {
		t.setLeaf(&r.items[i], leaf)
	}
	t.ok = false
	if p.i >= half {
		return place{leaf, p.i - half}
	}
	return p
}

// put puts an item at a place, before what is there.
func (t *tracker) put(p place, it item) place {
	p = t.room(p)
	l := &t.leaves[p.leaf]
	copy(l.items[p.i+1:l.n+1], l.items[p.i:l.n])
	l.items[p.i] = it
	l.n++
	return p
}

// cut splits an item in two at an offset, and is the place of the second part. The first is right before it.
func (t *tracker) cut(p place, off uint32) place {
	p = t.room(p)
	first := t.item(p)
	rest := *first
	rest.id, rest.n, rest.left = first.id+off, first.n-off, first.id+off-1
	first.n = off
	return t.put(place{p.leaf, p.i + 1}, rest)
}

// isolate makes n elements of an item, from an offset on, an item of their own.
func (t *tracker) isolate(p place, off, n uint32) place {
	if off > 0 {
		p = t.cut(p, off)
	}
	if n < t.item(p).n {
		p = t.cut(p, n)
		p.i--
	}
	return p
}

// joins reports whether two neighbours have come to fare alike.
func joins(a, b *item) bool {
	return a.id+a.n == b.id && b.left == b.id-1 && a.right == b.right && a.state == b.state && a.gone == b.gone
}

// join makes an item one with its neighbours in the leaf, where they fare alike.
func (t *tracker) join(p place) {
	l := &t.leaves[p.leaf]
	if p.i+1 < l.n && joins(&l.items[p.i], &l.items[p.i+1]) {
		l.items[p.i].n += l.items[p.i+1].n
		l.drop(p.i + 1)
	}
	if p.i > 0 && joins(&l.items[p.i-1], &l.items[p.i]) {
		l.items[p.i-1].n += l.items[p.i].n
		l.drop(p.i)
	}
}

func (l *trackLeaf) drop(i int) {
	copy(l.items[i:l.n-1], l.items[i+1:l.n])
	l.n--
}
