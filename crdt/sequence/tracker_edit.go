package sequence

// insert puts the n elements of events from id on into the prepare version at a position, and into the effect version; it
// returns where that is there.
//
// Where they go among elements that the author did not see is decided by origins, so that all replicas decide alike.
func (t *tracker) insert(id, n, pos uint32) (shownAt uint32) {
	it := item{id: id, n: n, left: none, state: present}
	var p place // of what stands right of the new item
	if pos == 0 {
		p = place{t.tree.first(), 0}
		t.leaf, t.start, t.ok = p.leaf, weight{}, true
	} else {
		before, off, start := t.visible(pos - 1)
		off++
		l := t.item(before)
		it.left = l.id + off - 1
		shownAt = start
		if !l.gone {
			shownAt += off
		}
		if off < l.n {
			it.right = l.id + off
			t.settle(t.put(t.cut(before, off), it))
			return shownAt
		}
		if t.extend(before, &it) {
			return shownAt
		}
		p, _ = t.next(before) // there is one: the base has an element more than anybody can see
	}
	it.right = t.right(p)
	p, shownAt = t.integrate(p, &it, shownAt)
	t.settle(t.put(p, it))
	return shownAt
}

// settle books an item that was put in.
func (t *tracker) settle(p place) {
	it := t.item(p)
	t.setLeaf(it, p.leaf)
	t.grow(p.leaf, it.weight())
}

// extend adds to the item before a new one, if that is as if both had been inserted at once.
func (t *tracker) extend(before place, it *item) bool {
	l := t.item(before)
	if l.id+l.n != it.id || l.state != present || l.gone {
		return false
	}
	after, _ := t.next(before)
	if r := t.item(after); r.state == absent || l.right != r.id {
		return false
	}
	l.n += it.n
	t.setLeaf(it, before.leaf)
	t.grow(before.leaf, it.weight())
	return true
}

// right is the first element from a place on that the author can have seen, removed or not.
func (t *tracker) right(p place) uint32 {
	for t.item(p).state == absent {
		p, _ = t.next(p)
	}
	return t.item(p).id
}

// integrate finds the place of a new item from p on, among elements that its author did not see: the order of FugueMax, by
// comparing origins as YjsMod does. Those elements are between the new item's origins.
func (t *tracker) integrate(p place, it *item, shownAt uint32) (place, uint32) {
	at, atShown := p, shownAt
	scanning := false // passing elements that go right of the new one, unless what they belong to goes left
	for {
		o := t.item(p)
		if o.state != absent {
			break
		}
		switch c := t.compare(o.left, it.left); {
		case c < 0:
			return at, atShown
		case c == 0 && o.right == it.right:
			if t.tie(it.id, o.id) < 0 {
				return at, atShown
			}
			scanning = false
		case c == 0:
			scanning = t.compare(o.right, it.right) < 0
		}
		shownAt += o.shown()
		p, _ = t.next(p)
		if !scanning {
			at, atShown = p, shownAt
		}
	}
	return at, atShown
}

// remove removes the n elements from a position of the prepare version on, by events from lv on; if back, the last one
// first. What that does to the document is in erased.
func (t *tracker) remove(lv, n, pos uint32, back bool) {
	t.erased = t.erased[:0]
	for uint32(len(t.targets)) < lv-t.base+n {
		t.targets = append(t.targets, none)
	}
	targets := t.targets[lv-t.base:][:n]
	for done := uint32(0); done < n; {
		p, off, start := t.visible(pos)
		it := t.item(p)
		id, gone := it.id+off, it.gone
		if !gone {
			start += off
		}
		m := t.unfated(id, min(it.n-off, n-done))
		if m == 0 {
			t.removeFated(t.fates[id])
			m = 1
		} else {
			t.alter(p, off, m, 1, true)
			if !gone {
				t.erased = append(t.erased, span{start, m})
			}
		}
		for k := range m {
			if back {
				targets[n-1-done-k] = id + k
			} else {
				targets[done+k] = id + k
			}
		}
		done += m
	}
}

// alter changes the state of n elements of an item, from an offset on, and hides them from the effect version if gone.
func (t *tracker) alter(p place, off, n uint32, by int, gone bool) {
	p = t.isolate(p, off, n)
	it := t.item(p)
	was := it.weight()
	it.state = uint32(int(it.state) + by)
	it.gone = it.gone || gone
	t.grow(p.leaf, it.weight().minus(was))
	t.join(p)
}

// shift changes the state of n elements from id on in the prepare version: up when an event is done that inserts or
// removes them, down when it is undone.
func (t *tracker) shift(id, n uint32, up, removal bool) {
	by := -1
	if up {
		by = 1
	}
	t.ok = false
	for n > 0 {
		m := t.unfated(id, n)
		if m == 0 {
			t.shiftFated(t.fates[id], id, up, removal)
			m = 1
		} else {
			p := t.find(id)
			it := t.item(p)
			off := id - it.id
			m = min(it.n-off, m)
			t.alter(p, off, m, by, false)
		}
		id, n = id+m, n-m
	}
}

// shiftTargets shifts what the removals from … to−1 removed.
func (t *tracker) shiftTargets(from, to uint32, up bool) {
	targets := t.targets[from-t.base : to-t.base]
	for len(targets) > 0 {
		k := 1
		for k < len(targets) && targets[k] == targets[k-1]+1 {
			k++
		}
		first := targets[0]
		if k == 1 {
			for k < len(targets) && targets[k] == targets[k-1]-1 {
				k++
			}
			first = targets[k-1]
		}
		t.shift(first, uint32(k), up, true)
		targets = targets[k:]
	}
}

// shownBefore is how many elements that are visible in the effect version stand before an element.
func (t *tracker) shownBefore(id uint32) uint32 {
	p := t.find(id)
	l := &t.leaves[p.leaf]
	at := t.tree.before(p.leaf).shown()
	for i := range p.i {
		at += l.items[i].shown()
	}
	if it := &l.items[p.i]; !it.gone {
		at += id - it.id
	}
	return at
}
