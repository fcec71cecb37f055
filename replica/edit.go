package replica

import (
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
)

// edit changes a text or a list: what its author did, or what that came to here. A splice of a text has text, one of a list
// has elements, which are canonical values.
type edit struct {
	sequence.ListEdit
	text string
}

func textEdit(sp sequence.Splice) edit {
	return edit{ListEdit: sequence.ListEdit{Pos: sp.Pos, Removed: sp.Removed}, text: sp.Text}
}

func (e *edit) splice() sequence.Splice {
	return sequence.Splice{Pos: e.Pos, Removed: e.Removed, Text: e.text}
}

// inserted is how many code points or elements a splice puts in.
func (e *edit) inserted() int { return utf8.RuneCountInString(e.text) + len(e.Elements) }

// width is the number of dots that the edit owns: none, if it does nothing.
func (e *edit) width() int {
	if e.Kind == sequence.ListMove && e.Pos == e.To {
		return 0
	}
	return e.Width() + utf8.RuneCountInString(e.text)
}

// size is about how many bytes the edit says.
func (e *edit) size() int {
	n := len(e.text) + e.Removed
	for _, element := range e.Elements {
		n += len(element)
	}
	if e.Kind != sequence.ListSplice {
		n += 4
	}
	return n
}

// removes reports whether the edit does nothing but take out.
func (e *edit) removes() bool {
	return e.Kind == sequence.ListSplice && e.text == "" && len(e.Elements) == 0
}

// join makes an edit that comes next part of this one, where it goes on there; end is the position behind what this one
// inserted.
func (e *edit) join(next *edit, end int) bool {
	if e.Kind != sequence.ListSplice || next.Kind != sequence.ListSplice {
		return false
	}
	switch {
	case next.Removed == 0 && next.Pos == end:
	case e.removes() && next.Removed > 0 && next.Pos == e.Pos:
	case e.removes() && next.removes() && next.Pos+next.Removed == e.Pos:
		e.Pos = next.Pos
	default:
		return false
	}
	e.Removed += next.Removed
	e.text += next.text
	e.Elements = append(e.Elements, next.Elements...)
	return true
}

// editOf is what an op does to the text or the list at its key.
func editOf(op *crdt.Op) (e edit, err error) {
	switch op.Code {
	case crdt.CodeTextSplice:
		e.Pos, e.Removed, e.text, err = op.TextSplice()
	case crdt.CodeListSplice:
		var elements []crdt.Value
		e.Pos, e.Removed, elements, err = op.ListSplice()
		for _, element := range elements {
			e.Elements = append(e.Elements, element)
		}
	case crdt.CodeListMove:
		e.Kind = sequence.ListMove
		e.Pos, e.To, err = op.ListMove()
	case crdt.CodeListReplace:
		var element crdt.Value
		e.Kind = sequence.ListReplace
		e.Pos, element, err = op.ListReplace()
		e.Elements = [][]byte{element}
	}
	return e, err
}

// op is the op of an edit of one document, which takes no more than there is room for in one.
func (e *edit) op(id docID) (crdt.Op, error) {
	switch {
	case id.kind == crdt.KindText:
		return crdt.TextSplice(id.key, e.Pos, e.Removed, e.text)
	case e.Kind == sequence.ListMove:
		return crdt.ListMove(id.key, e.Pos, e.To)
	case e.Kind == sequence.ListReplace:
		return crdt.ListReplace(id.key, e.Pos, e.Elements[0])
	}
	elements := make([]crdt.Value, len(e.Elements))
	for i, element := range e.Elements {
		elements[i] = element
	}
	return crdt.ListSplice(id.key, e.Pos, e.Removed, elements)
}

// maxSplice is how many code points or elements, and bytes of them, one op removes or inserts at most; an element that is
// larger has one of its own.
const maxSplice = 128 << 10

// edit stages an edit of a text or a list, as several ops where it is large.
func (tx *Tx) edit(id docID, e edit) error {
	for e.width() > 0 {
		part := e.cut()
		op, err := part.op(id)
		if err != nil {
			return err
		}
		if err := tx.stageContent(id.key, op); err != nil {
			return err
		}
	}
	return nil
}

// edits stages edits that come one after the other.
func (tx *Tx) edits(id docID, edits []edit) error {
	for _, e := range edits {
		if err := tx.edit(id, e); err != nil {
			return err
		}
	}
	return nil
}

// cut takes off the first part of an edit, which is one op.
func (e *edit) cut() (part edit) {
	part = *e
	if e.Kind != sequence.ListSplice {
		*e = edit{}
		return part
	}
	part.Removed, part.text, part.Elements = min(e.Removed, maxSplice), "", nil
	if e.Removed -= part.Removed; e.Removed > 0 {
		return part
	}
	n := min(len(e.text), maxSplice)
	for n < len(e.text) && !utf8.RuneStart(e.text[n]) {
		n--
	}
	part.text, e.text = e.text[:n], e.text[n:]
	n = 0
	for size := 0; n < min(len(e.Elements), maxSplice); n++ {
		if size += len(e.Elements[n]); size > maxSplice && n > 0 {
			break
		}
	}
	part.Elements, e.Elements = e.Elements[:n:n], e.Elements[n:]
	e.Pos += part.inserted()
	return part
}

// between is what takes a text or a list to another one of the same kind: what differs in the middle, as one edit. nil is the
// empty one.
func between(old, new canon.Value) []edit {
	was, isText := old.AsString()
	is, alsoText := new.AsString()
	if isText || alsoText {
		head, gone, come := middle([]rune(was), []rune(is))
		return splices(edit{ListEdit: sequence.ListEdit{Pos: head, Removed: gone}, text: string(come)})
	}
	head, gone, come := middle(elementTexts(old), elementTexts(new))
	e := edit{ListEdit: sequence.ListEdit{Pos: head, Removed: gone}}
	for _, element := range come {
		e.Elements = append(e.Elements, []byte(element))
	}
	return splices(e)
}

// splices is a splice, if it does something.
func splices(e edit) []edit {
	if e.width() == 0 {
		return nil
	}
	return []edit{e}
}

// elementTexts are the elements of an array, none of nil.
func elementTexts(array canon.Value) (all []string) {
	if array != nil {
		for v := range array.Elements() {
			all = append(all, string(v))
		}
	}
	return all
}

// middle is where two rows begin to differ, how many the first one has there until they are alike again, and what the second
// one has.
func middle[T comparable](a, b []T) (head, gone int, come []T) {
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	a, b = a[head:], b[head:]
	tail := 0
	for tail < min(len(a), len(b)) && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head, len(a) - tail, b[:len(b)-tail]
}
