package sequence

import (
	"bytes"
	"slices"
)

// Diff is edits, one after the other, that take the list at version a to the list at version b. An element that both have
// stays the same one: it is moved or replaced. As few as can be are moved. It costs what At of both costs. The error is as
// of At.
func (l *List) Diff(a, b Version) ([]ListEdit, error) {
	from, err := l.At(a)
	if err != nil {
		return nil, err
	}
	to, err := l.At(b)
	if err != nil {
		return nil, err
	}
	return diffLists(l.elementsOf(from), l.elementsOf(to)), nil
}

// elementsOf are the elements of another version of the list, by the numbers that their events have here.
func (l *List) elementsOf(of *List) []element {
	all := make([]element, 0, of.Len())
	for dot, content := range of.All() {
		lv, _ := l.log.find(&dot)
		all = append(all, element{lv: lv, content: content})
	}
	return all
}

// slot is a place that the old list has, or the new one, or both: then the element there stays in it. Each side is the index of
// an element, −1 for none.
type slot struct{ old, new int }

// diffLists goes through the places of both lists from left to right; a Fenwick tree counts those that are taken.
func diffLists(from, to []element) []ListEdit {
	was := make([]int, len(to)) // of each element, where the old list has it, or −1
	stood := make(map[uint32]int, len(from))
	for i := range from {
		stood[from[i].lv] = i
	}
	leaves := make([]bool, len(from)) // for another place
	for i := range to {
		was[i] = -1
		if k, ok := stood[to[i].lv]; ok {
			was[i], leaves[k] = k, true
		}
	}
	slots, place := slotsOf(was, len(from))
	taken := make(fenwick, len(slots)+1)
	for i := range slots {
		if slots[i].old >= 0 {
			taken.add(i, 1)
		}
	}
	var edits []ListEdit
	for i, s := range slots {
		pos := taken.before(i)
		switch {
		case s.new < 0 && leaves[s.old]: // it goes when its new place is reached
			continue
		case s.new < 0:
			taken.add(i, -1)
			edits = addSplice(edits, ListEdit{Pos: pos, Removed: 1})
			continue
		case was[s.new] < 0:
			taken.add(i, 1)
			edits = addSplice(edits, ListEdit{Pos: pos, Elements: [][]byte{to[s.new].content}})
			continue
		case s.old < 0:
			old := place[was[s.new]]
			out := taken.before(old)
			taken.add(old, -1)
			pos = taken.before(i)
			taken.add(i, 1)
			if out != pos {
				edits = append(edits, ListEdit{Kind: ListMove, Pos: out, To: pos})
			}
		}
		if content := to[s.new].content; !bytes.Equal(from[was[s.new]].content, content) {
			edits = append(edits, ListEdit{Kind: ListReplace, Pos: pos, Elements: [][]byte{content}})
		}
	}
	return edits
}

// addSplice adds a splice, as part of the one before where it goes on there.
func addSplice(edits []ListEdit, e ListEdit) []ListEdit {
	if k := len(edits) - 1; k >= 0 && edits[k].Kind == ListSplice && edits[k].Pos+len(edits[k].Elements) == e.Pos {
		edits[k].Removed += e.Removed
		edits[k].Elements = append(edits[k].Elements, e.Elements...)
		return edits
	}
	return append(edits, e)
}

// slotsOf are the places of a list of n elements and of one whose elements were there before, from left to right, and where
// each old element's is. Most elements stay where they are: those of a longest run that stands in the same order in both.
func slotsOf(was []int, n int) (slots []slot, place []int) {
	place = make([]int, n)
	next := 0
	upTo := func(old int) {
		for ; next < old; next++ {
			place[next] = len(slots)
			slots = append(slots, slot{next, -1})
		}
	}
	stays := longestRise(was)
	for i := range was {
		s := slot{-1, i}
		if len(stays) > 0 && stays[0] == i {
			upTo(was[i])
			stays = stays[1:]
			s.old, place[was[i]] = was[i], len(slots)
			next++
		}
		slots = append(slots, s)
	}
	upTo(n)
	return slots, place
}

// longestRise is where a longest rising run of the numbers of a row stands, negative ones left out.
func longestRise(row []int) []int {
	var ends []int // of a run of each length, where the least number stands that ends one
	before := make([]int, len(row))
	for i, v := range row {
		if v < 0 {
			continue
		}
		k, _ := slices.BinarySearchFunc(ends, v, func(end, v int) int { return row[end] - v })
		if k > 0 {
			before[i] = ends[k-1]
		}
		if k == len(ends) {
			ends = append(ends, 0)
		}
		ends[k] = i
	}
	for k := len(ends) - 2; k >= 0; k-- {
		ends[k] = before[ends[k+1]]
	}
	return ends
}

// fenwick counts in a row of places, from 0 on, those that are taken.
type fenwick []int

func (f fenwick) add(i, by int) {
	for i++; i < len(f); i += i & -i {
		f[i] += by
	}
}

// before is how many before place i are taken.
func (f fenwick) before(i int) (n int) {
	for ; i > 0; i -= i & -i {
		n += f[i]
	}
	return n
}
