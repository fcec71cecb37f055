package sequence

// fate is what became of an element of a list that was moved or replaced: of each other element, the one place that it
// has says all.
//
// A move gives an element one more place. In each version the element is in one of them: that of the greatest move in the
// total order, or where it was inserted, if it was not moved. All others count as removed.
type fate struct {
	places []berth
	// removals are the events of the prepare version that removed it.
	removals int
	// gone says that the effect version does not have it; shown is the place where it has it.
	gone  bool
	shown int
	// content is the greatest replacement in the effect version, none for none.
	content uint32
}

// berth is a place of an element: the first has the id that the element has, each other one is a move. on says that the
// prepare version has it.
type berth struct {
	id uint32
	on bool
}

// change is what the last move or replacement does to the document, if anything.
type change struct {
	done     bool
	from, to uint32
}

// fateOf is the fate of an element, which the prepare version shows in the place id.
func (t *tracker) fateOf(id uint32) *fate {
	if f := t.fates[id]; f != nil {
		return f
	}
	p := t.find(id)
	f := &fate{places: []berth{{id: id, on: true}}, gone: t.item(p).gone, content: none}
	if t.fates == nil {
		t.fates = make(map[uint32]*fate)
	}
	t.fates[id] = f
	return f
}

// move moves the element at a position of the prepare version to another one, counted without it, by an event.
func (t *tracker) move(lv, from, to uint32) {
	p, off, _ := t.visible(from)
	id := t.item(p).id + off
	f := t.fateOf(id)
	t.mark(id, present+1, t.item(t.find(id)).gone)
	t.insert(lv, 1, to)
	f.places = append(f.places, berth{id: lv, on: true})
	t.fates[lv] = f
	t.refresh(f)

	t.changed = change{}
	t.mark(lv, present, true)
	if f.gone || f.shown > 0 && !t.later(lv, f.places[f.shown].id) {
		return
	}
	before := f.places[f.shown].id
	t.changed = change{done: true, from: t.shownBefore(before)}
	t.conceal(before, true)
	t.conceal(lv, false)
	t.changed.to = t.shownBefore(lv)
	f.shown = len(f.places) - 1
}

// replace gives the element at a position of the prepare version the content of an event.
func (t *tracker) replace(lv, pos uint32) {
	p, off, _ := t.visible(pos)
	f := t.fateOf(t.item(p).id + off)
	t.changed = change{}
	if f.gone || f.content != none && !t.later(lv, f.content) {
		return
	}
	f.content = lv
	t.changed = change{done: true, from: t.shownBefore(f.places[f.shown].id)}
}

// removeFated removes an element that has a fate, and notes what that does to the document.
func (t *tracker) removeFated(f *fate) {
	f.removals++
	t.refresh(f)
	if f.gone {
		return
	}
	f.gone = true
	id := f.places[f.shown].id
	t.erased = append(t.erased, span{t.shownBefore(id), 1})
	t.conceal(id, true)
}

// shiftFated does or undoes in the prepare version an event that removes an element which has a fate, or that made one of
// its places.
func (t *tracker) shiftFated(f *fate, id uint32, up, removal bool) {
	switch {
	case removal && up:
		f.removals++
	case removal:
		f.removals--
	default:
		for i := range f.places {
			if f.places[i].id == id {
				f.places[i].on = up
			}
		}
	}
	t.refresh(f)
}

// refresh makes the states of an element's places what its fate says.
func (t *tracker) refresh(f *fate) {
	in := -1
	for i, p := range f.places {
		if p.on && (in < 1 || t.later(p.id, f.places[in].id)) {
			in = i
		}
	}
	for i, p := range f.places {
		state := uint32(absent)
		switch {
		case p.on && i == in && f.removals == 0:
			state = present
		case p.on:
			state = present + 1
		}
		if it := t.item(t.find(p.id)); it.state != state {
			t.mark(p.id, state, it.gone)
		}
	}
}

// conceal says whether the effect version lacks an element in one of its places.
func (t *tracker) conceal(id uint32, gone bool) { t.mark(id, t.item(t.find(id)).state, gone) }

// mark sets the state of one element in one place.
func (t *tracker) mark(id uint32, state uint32, gone bool) {
	p := t.find(id)
	p = t.isolate(p, id-t.item(p).id, 1)
	it := t.item(p)
	was := it.weight()
	it.state, it.gone = state, gone
	t.ok = false
	t.grow(p.leaf, it.weight().minus(was))
	t.join(p)
}

// unfated is how many of n elements from id on come before one that has a fate.
func (t *tracker) unfated(id, n uint32) uint32 {
	if len(t.fates) == 0 {
		return n
	}
	for k := range n {
		if t.fates[id+k] != nil {
			return k
		}
	}
	return n
}
