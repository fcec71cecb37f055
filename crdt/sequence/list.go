package sequence

import (
	"iter"
	"slices"
)

// ListKind is what a ListEdit does.
type ListKind uint8

// The kinds of edits of a list.
const (
	// ListSplice takes out Removed elements from Pos on and puts Elements there instead. It is Width events, as Splice.
	ListSplice ListKind = iota
	// ListMove takes the element at Pos and puts it where it then is at To.
	ListMove
	// ListReplace gives the element at Pos the content Elements[0]. It stays the same element.
	ListReplace
)

// ListEdit changes a list, of which its author saw positions. As the result of applying an op, it says what that did to the
// list that this replica shows; such edits come one after the other.
type ListEdit struct {
	Kind         ListKind
	Pos, Removed int
	To           int
	// Elements are opaque bytes, one JSON value each by convention.
	Elements [][]byte
}

// Width is the number of dots that the edit owns.
func (e *ListEdit) Width() int {
	if e.Kind == ListSplice {
		return e.Removed + len(e.Elements)
	}
	return 1
}

// ListOp is an edit of somebody: Dot is the first of its dots.
type ListOp struct {
	Dot Dot
	ListEdit
}

// List is a document of elements. It is for one goroutine while it is changed; between changes any number may read.
// Make one with NewList or OpenList.
type List struct {
	core
	items listItems
	edits []ListEdit // noted for whoever asks what Apply or Merge did
}

// NewList is an empty list. history answers who saw whom and which of two versions is the greater.
func NewList(history History) *List {
	l := &List{items: newListItems()}
	l.init(newLog(0, nil, true), history, (*listView)(l))
	return l
}

// listView is a list as what events are done to.
type listView List

func (v *listView) length() uint32 { return v.items.length() }

func (v *listView) insert(p *piece, pos uint32) {
	for i, content := range p.elements {
		v.items.insert(pos+uint32(i), element{lv: p.lv + uint32(i), by: p.lv + uint32(i), content: content})
	}
	if k := len(v.edits) - 1; k >= 0 && v.edits[k].Kind == ListSplice && v.edits[k].Pos == int(pos) && len(v.edits[k].Elements) == 0 {
		v.edits[k].Elements = p.elements
		return
	}
	v.edits = append(v.edits, ListEdit{Kind: ListSplice, Pos: int(pos), Elements: p.elements})
}

func (v *listView) remove(pos, n uint32) {
	for range n {
		v.items.remove(pos)
	}
	v.edits = append(v.edits, ListEdit{Kind: ListSplice, Pos: int(pos), Removed: int(n)})
}

func (v *listView) eventAt(pos uint32) uint32 { return v.items.at(pos).lv }

func (v *listView) find(lv uint32) (pos uint32, ok bool) {
	for e := range v.items.all() {
		if e.lv == lv {
			return pos, true
		}
		pos++
	}
	return 0, false
}

func (v *listView) touched(pos uint32) uint32 { return v.items.at(pos).by }

func (v *listView) move(from, to, by uint32) {
	e := v.items.remove(from)
	e.by = by
	v.items.insert(to, e)
	v.edits = append(v.edits, ListEdit{Kind: ListMove, Pos: int(from), To: int(to)})
}

func (v *listView) replace(pos uint32, content []byte, by uint32) {
	e := v.items.at(pos)
	v.items.bytes += len(content) - len(e.content)
	e.content, e.by = content, by
	v.edits = append(v.edits, ListEdit{Kind: ListReplace, Pos: int(pos), Elements: [][]byte{content}})
}

// Edit applies an op that was made here: by somebody who had this list before him. dot is the first of its dots, above all
// that its author used. The error wraps ErrPosition, ErrEvent or ErrLimit, and nothing was applied.
func (l *List) Edit(dot Dot, e ListEdit) error {
	l.edits = nil
	return l.edit(&dot, l.log.heads, &e)
}

// Apply applies ops of anybody, as Text.Apply. The caller must not change the elements of the edits that it returns.
func (l *List) Apply(ops ...ListOp) ([]ListEdit, error) {
	l.edits = nil
	for i := range ops {
		op := &ops[i]
		if _, known := l.log.find(&op.Dot); known {
			continue
		}
		parents, err := l.parentsOf(&op.Dot)
		if err != nil {
			return l.edits, err
		}
		if err := l.edit(&op.Dot, parents, &op.ListEdit); err != nil {
			return l.edits, err
		}
	}
	return l.edits, nil
}

// edit applies an edit that was made at a version with the given heads.
func (l *List) edit(dot *Dot, parents []uint32, e *ListEdit) error {
	length, linear, err := l.prepare(parents)
	if err != nil {
		return err
	}
	if err := e.Check(int(length)); err != nil {
		return err
	}
	bytes := 0
	for _, content := range e.Elements {
		bytes += len(content)
	}
	width := e.Width()
	w, err := l.log.admit(dot, uint64(width), bytes)
	if err != nil || width == 0 {
		return err
	}
	lv := l.log.add(dot, w, uint32(width), parents)
	// What was given stays the caller's.
	elements := make([][]byte, len(e.Elements))
	for i, content := range e.Elements {
		elements[i] = slices.Clone(content)
	}
	switch pos := uint32(e.Pos); e.Kind {
	case ListMove:
		l.apply(&piece{kind: move, lv: lv, n: 1, pos: pos, to: uint32(e.To)}, linear)
	case ListReplace:
		l.apply(&piece{kind: replace, lv: lv, n: 1, pos: pos, elements: elements}, linear)
	case ListSplice:
		if n := uint32(e.Removed); n > 0 {
			l.apply(&piece{kind: remove, lv: lv, n: n, pos: pos}, linear)
			lv += n
		}
		if n := uint32(len(elements)); n > 0 {
			l.apply(&piece{kind: insert, lv: lv, n: n, pos: pos, elements: elements}, linear)
		}
	}
	return nil
}

// Check is nil if the edit may be done to a list of n elements. The error wraps ErrPosition or ErrEvent.
func (e *ListEdit) Check(n int) error {
	length := uint32(n)
	switch e.Kind {
	case ListSplice:
		return checkRange(e.Pos, e.Removed, length)
	case ListMove:
		if err := checkRange(e.To, 1, length); err != nil {
			return err
		}
		return checkRange(e.Pos, 1, length)
	case ListReplace:
		if len(e.Elements) != 1 {
			return fault(ErrEvent, "a replacement has one element")
		}
		return checkRange(e.Pos, 1, length)
	default:
		return fault(ErrEvent, "an edit of a kind that is not known")
	}
}

// Merge applies all events of another log of the same list that are not here, as Text.Merge.
func (l *List) Merge(from *Log) ([]ListEdit, error) {
	l.edits = nil
	err := l.merge(from)
	return l.edits, err
}

// Len is the number of elements.
func (l *List) Len() int { return int(l.items.length()) }

// LenBytes is the number of bytes of the elements.
func (l *List) LenBytes() int { return l.items.bytes }

// All are the elements and the dots that inserted them, which name them for ever, in their order. The caller must not change
// an element, nor the list meanwhile.
func (l *List) All() iter.Seq2[Dot, []byte] {
	return func(yield func(Dot, []byte) bool) {
		for e := range l.items.all() {
			if !yield(l.log.dot(e.lv), e.content) {
				return
			}
		}
	}
}

// Get is the element at a position and the dot that inserted it. The error wraps ErrPosition.
func (l *List) Get(pos int) (Dot, []byte, error) {
	if err := checkRange(pos, 1, l.items.length()); err != nil {
		return Dot{}, nil, err
	}
	e := l.items.at(uint32(pos))
	return l.log.dot(e.lv), e.content, nil
}
