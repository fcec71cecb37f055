package sequence

import "iter"

// leafElements is how many elements a leaf of a list has at most.
const leafElements = 64

// listItems is the visible elements of a list.
type listItems struct {
	tree   tree // the first measure counts elements
	leaves [][]element
	bytes  int // of their contents
}

// element is one of a list: lv inserted it, by is the last event that moved or replaced it, else lv.
type element struct {
	lv, by  uint32
	content []byte
}

func newListItems() listItems {
	l := listItems{leaves: make([][]element, 1)}
	l.tree.reset(weight{})
	return l
}

func (l *listItems) length() uint32 { return l.tree.total().a }

// all are the elements in their order.
func (l *listItems) all() iter.Seq[*element] {
	return func(yield func(*element) bool) {
		for leaf := l.tree.first(); leaf >= 0; leaf = l.tree.next(leaf) {
			for i := range l.leaves[leaf] {
				if !yield(&l.leaves[leaf][i]) {
					return
				}
			}
		}
	}
}

// at is the element at a position.
func (l *listItems) at(pos uint32) *element {
	leaf, start := l.tree.find(pos)
	return &l.leaves[leaf][pos-start.a]
}

// insert puts an element before the one at a position.
func (l *listItems) insert(pos uint32, e element) {
	leaf, off := l.tree.first(), uint32(0)
	if pos > 0 {
		var start weight
		leaf, start = l.tree.find(pos - 1)
		off = pos - start.a
	}
	if len(l.leaves[leaf]) == leafElements {
		const half = leafElements / 2
		right := l.tree.split(leaf, weight{a: leafElements - half})
		if int(right) == len(l.leaves) {
			l.leaves = append(l.leaves, nil)
		}
		l.leaves[right] = append(l.leaves[right][:0], l.leaves[leaf][half:]...)
		clear(l.leaves[leaf][half:])
		l.leaves[leaf] = l.leaves[leaf][:half]
		if off > half {
			leaf, off = right, off-half
		}
	}
	s := append(l.leaves[leaf], element{})
	copy(s[off+1:], s[off:])
	s[off] = e
	l.leaves[leaf] = s
	l.tree.grow(leaf, weight{a: 1})
	l.bytes += len(e.content)
}

// remove takes out the element at a position.
func (l *listItems) remove(pos uint32) element {
	leaf, start := l.tree.find(pos)
	s := l.leaves[leaf]
	off := pos - start.a
	e := s[off]
	copy(s[off:], s[off+1:])
	s[len(s)-1] = element{}
	l.leaves[leaf] = s[:len(s)-1]
	l.tree.grow(leaf, weight{}.minus(weight{a: 1}))
	l.bytes -= len(e.content)
	if len(s) == 1 && l.tree.leafCount > 1 {
		l.tree.remove(leaf)
	}
	return e
}
