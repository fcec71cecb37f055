package sequence

// fanout is how many children a node has at most.
const fanout = 32

// weight is what a leaf or a subtree holds, in two measures that its user names.
type weight struct{ a, b uint32 }

func (w weight) plus(v weight) weight { return weight{w.a + v.a, w.b + v.b} }

// minus may wrap: a change of weight is a difference, and adding it wraps back.
func (w weight) minus(v weight) weight { return weight{w.a - v.a, w.b - v.b} }

// tree is a counted B+ tree: it finds the leaf at an offset and the offset of a leaf, in O(log n). It knows leaves by number
// only, from 0; what is in them its user keeps in a slice of his own. Nodes refer to each other by number as well: there
// is no pointer that a garbage collector has to follow.
type tree struct {
	nodes     []node
	links     []link
	root      int32
	freeNode  []int32
	freeLeaf  []int32
	leafCount int
}

// node has children that are all leaves or all nodes, in their order, and the weight of each.
type node struct {
	up    int32 // −1 for the root
	n     int32
	leafy bool
	child [fanout]int32
	w     [fanout]weight
}

// link is the place of a leaf: its node and its neighbours, −1 for none.
type link struct{ up, prev, next int32 }

// reset makes it a tree of one leaf, number 0, keeping the memory it has.
func (t *tree) reset(w weight) {
	t.nodes, t.links = t.nodes[:0], t.links[:0]
	t.freeNode, t.freeLeaf = t.freeNode[:0], t.freeLeaf[:0]
	t.root, t.leafCount = t.newNode(true), 1
	t.links = append(t.links, link{up: t.root, prev: -1, next: -1})
	r := &t.nodes[t.root]
	r.n, r.child[0], r.w[0] = 1, 0, w
}

// find is the leaf that holds an offset in the first measure, the last one beyond the end, and the weight of all leaves
// before it.
func (t *tree) find(offset uint32) (leaf int32, before weight) {
	var way path
	return t.descend(offset, &way)
}

// findB is find in the second measure.
func (t *tree) findB(offset uint32) (leaf int32, before weight) {
	x := t.root
	for {
		nd := &t.nodes[x]
		i := int32(0)
		for ; i < nd.n-1 && offset-before.b >= nd.w[i].b; i++ {
			before = before.plus(nd.w[i])
		}
		if nd.leafy {
			return nd.child[i], before
		}
		x = nd.child[i]
	}
}

// path is the way from the root to a leaf: of each node, the child taken. It is right until a leaf is put in or taken out.
type path struct {
	depth int
	steps [maxDepth]step
}

type step struct{ node, slot int32 }

// maxDepth is enough for more leaves than there are numbers: nodes are at least half full when they are made.
const maxDepth = 16

// descend is find, noting the way.
func (t *tree) descend(offset uint32, way *path) (leaf int32, before weight) {
	x := t.root
	for way.depth = 0; ; way.depth++ {
		nd := &t.nodes[x]
		i := int32(0)
		for ; i < nd.n-1 && offset-before.a >= nd.w[i].a; i++ {
			before = before.plus(nd.w[i])
		}
		way.steps[way.depth] = step{x, i}
		if nd.leafy {
			way.depth++
			return nd.child[i], before
		}
		x = nd.child[i]
	}
}

// trace notes the way to a leaf.
func (t *tree) trace(leaf int32, way *path) {
	way.depth = 0
	child := leaf
	for up := t.links[leaf].up; up >= 0; up = t.nodes[up].up {
		way.steps[way.depth] = step{up, t.nodes[up].slot(child)}
		way.depth++
		child = up
	}
}

// growAt adds to the weight of the leaf at the end of a path.
func (t *tree) growAt(way *path, by weight) {
	for _, s := range way.steps[:way.depth] {
		w := &t.nodes[s.node].w[s.slot]
		*w = w.plus(by)
	}
}

// first is the leftmost leaf.
func (t *tree) first() int32 {
	x := t.root
	for !t.nodes[x].leafy {
		x = t.nodes[x].child[0]
	}
	return t.nodes[x].child[0]
}

// next is the leaf after a leaf, −1 after the last.
func (t *tree) next(leaf int32) int32 { return t.links[leaf].next }

// total is the weight of everything.
func (t *tree) total() (sum weight) {
	r := &t.nodes[t.root]
	for i := range r.n {
		sum = sum.plus(r.w[i])
	}
	return sum
}

// slot is the place of a child in its node.
func (nd *node) slot(child int32) int32 {
	i := int32(0)
	for nd.child[i] != child {
		i++
	}
	return i
}

// grow adds to the weight of a leaf.
func (t *tree) grow(leaf int32, by weight) {
	child := leaf
	for up := t.links[leaf].up; up >= 0; {
		nd := &t.nodes[up]
		i := nd.slot(child)
		nd.w[i] = nd.w[i].plus(by)
		child, up = up, nd.up
	}
}

// before is the weight of all leaves before a leaf.
func (t *tree) before(leaf int32) (sum weight) {
	child := leaf
	for up := t.links[leaf].up; up >= 0; {
		nd := &t.nodes[up]
		for i := int32(0); nd.child[i] != child; i++ {
			sum = sum.plus(nd.w[i])
		}
		child, up = up, nd.up
	}
	return sum
}

// precedes reports whether leaf a stands before another leaf b.
func (t *tree) precedes(a, b int32) bool {
	upA, upB := t.links[a].up, t.links[b].up
	for upA != upB { // all leaves are equally deep
		a, b = upA, upB
		upA, upB = t.nodes[a].up, t.nodes[b].up
	}
	nd := &t.nodes[upA]
	return nd.slot(a) < nd.slot(b)
}

// split takes a part of a leaf's weight into a new leaf right after it.
func (t *tree) split(leaf int32, part weight) (right int32) {
	if k := len(t.freeLeaf); k > 0 {
		right, t.freeLeaf = t.freeLeaf[k-1], t.freeLeaf[:k-1]
	} else {
		right = int32(len(t.links))
		t.links = append(t.links, link{})
	}
	t.leafCount++
	next := t.links[leaf].next
	t.links[right] = link{prev: leaf, next: next}
	t.links[leaf].next = right
	if next >= 0 {
		t.links[next].prev = right
	}
	t.insert(t.links[leaf].up, leaf, right, part)
	return right
}

// insert puts a child into a node right after another one, and takes its weight from that one.
func (t *tree) insert(up, left, right int32, part weight) {
	if t.nodes[up].n == fanout {
		up = t.halve(up, left)
	}
	nd := &t.nodes[up]
	i := nd.slot(left)
	copy(nd.child[i+2:nd.n+1], nd.child[i+1:nd.n])
	copy(nd.w[i+2:nd.n+1], nd.w[i+1:nd.n])
	nd.child[i+1], nd.w[i+1] = right, part
	nd.w[i] = nd.w[i].minus(part)
	nd.n++
	t.setUp(nd.leafy, right, up)
}

// halve moves the second half of a full node's children to a new node after it, and returns the one of the two that
// has the given child.
func (t *tree) halve(x, child int32) int32 {
	leafy := t.nodes[x].leafy
	y := t.newNode(leafy)
	a, b := &t.nodes[x], &t.nodes[y]
	const half = fanout / 2
	copy(b.child[:], a.child[half:])
	copy(b.w[:], a.w[half:])
	a.n, b.n = half, fanout-half
	var left, right weight
	holder := x
	for i := range int32(half) {
		left, right = left.plus(a.w[i]), right.plus(b.w[i])
		t.setUp(leafy, b.child[i], y)
		if b.child[i] == child {
			holder = y
		}
	}
	if x == t.root {
		t.root = t.newNode(false)
		r := &t.nodes[t.root]
		r.n, r.child[0], r.w[0] = 1, x, left.plus(right)
		t.nodes[x].up = t.root
	}
	t.insert(t.nodes[x].up, x, y, right)
	return holder
}

func (t *tree) newNode(leafy bool) int32 {
	if k := len(t.freeNode); k > 0 {
		x := t.freeNode[k-1]
		t.freeNode = t.freeNode[:k-1]
		t.nodes[x] = node{up: -1, leafy: leafy}
		return x
	}
	t.nodes = append(t.nodes, node{up: -1, leafy: leafy})
	return int32(len(t.nodes) - 1)
}

func (t *tree) setUp(leafy bool, child, up int32) {
	if leafy {
		t.links[child].up = up
	} else {
		t.nodes[child].up = up
	}
}

// remove takes out a leaf without weight that is not the only one; its number is given to a later leaf.
func (t *tree) remove(leaf int32) {
	l := t.links[leaf]
	if l.prev >= 0 {
		t.links[l.prev].next = l.next
	}
	if l.next >= 0 {
		t.links[l.next].prev = l.prev
	}
	t.freeLeaf = append(t.freeLeaf, leaf)
	t.leafCount--
	child, up := leaf, l.up
	for {
		nd := &t.nodes[up]
		i := nd.slot(child)
		copy(nd.child[i:nd.n], nd.child[i+1:nd.n])
		copy(nd.w[i:nd.n], nd.w[i+1:nd.n])
		nd.n--
		if nd.n > 0 {
			break
		}
		t.freeNode = append(t.freeNode, up)
		child, up = up, nd.up
	}
	for r := &t.nodes[t.root]; r.n == 1 && !r.leafy; r = &t.nodes[t.root] {
		t.freeNode = append(t.freeNode, t.root)
		t.root = r.child[0]
		t.nodes[t.root].up = -1
	}
}
