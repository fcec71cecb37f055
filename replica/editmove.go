package replica

import (
	"fmt"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
)

// A program that edits a text or a list with others sees it as the loop over its Edits has told it, a little behind what it is, and
// gives positions in that. What is done there, and what the loop was not told yet, are two changes of one document. Each is
// transformed against the other (operational transformation, of one editor against the document):
//
//	what is seen ──── untold ────▶ what is        what is done, moved past what was not told, is done to what is;
//	     │                             │          what was not told, moved past what is done, is what the loop is told next
//	what is done          what is done, moved
//	     ▼                             ▼
//	what is seen ─ left to tell ─▶ what is        where both put something in, the editor's stands behind the other's

// told is the length of what the loop was told, when edits are untold that have led to what is shown now.
func told(untold []edit, now content) int {
	n := now.Len()
	for i := range untold {
		if e := &untold[i]; e.Kind == sequence.ListSplice {
			n += e.Removed - e.inserted()
		}
	}
	return n
}

// untold is what the loop over the edits of a text was not told yet. The lock of the documents is held.
func (h *handle) untold() sequence.Delta {
	if h.watcher == nil {
		return nil
	}
	return sequence.Compose(splicesOf(h.watcher.edits))
}

// movable is nil if an edit of what the loop was told can be moved to what there is. It is ErrMoved if the loop was told nothing
// yet, if what it was told of was deleted since, or if so much of a list was not told that the list is told anew.
func (h *handle) movable(d *document) error {
	w := h.watcher
	if w == nil || len(w.edits) == 0 || w.follows && d.visible() {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrMoved, h.key)
}

// move is what an edit of what the loop was told does to the document, and what is left to tell after it.
func (h *handle) move(d *document, e edit) (done, untold []edit, err error) {
	if h.watcher == nil || len(h.watcher.edits) == 0 {
		return []edit{e}, nil, nil
	}
	if err := e.Check(told(h.watcher.edits, d.content)); err != nil {
		return nil, nil, err
	}
	if d.kind == crdt.KindList {
		others := make([]sequence.ListEdit, len(h.watcher.edits))
		for i := range others {
			others[i] = h.watcher.edits[i].ListEdit
		}
		own, rest := e.Rebase(others)
		return listEdits(own), listEdits(rest), nil
	}
	if !utf8.ValidString(e.text) {
		return nil, nil, sequence.ErrText
	}
	others := h.untold()
	own := sequence.Compose([]sequence.Edit{sequence.Edit(e.splice())})
	return textEdits(editsOf(own.After(others, false))), textEdits(editsOf(others.After(own, true))), nil
}

// fromUTF16 is the code point that starts at an offset in UTF-16 code units, both in what the loop was told. It is ErrMoved
// behind a place where something was taken out: how many units that were is not known any more.
func (t *Text) fromUTF16(text *sequence.Text, offset int) (int, error) {
	at := 0               // where a part starts in the text
	units, points := 0, 0 // of what was put in before it
	for _, p := range t.untold() {
		start, err := text.UTF16(at)
		if err != nil || start-units >= offset {
			break
		}
		switch {
		case p.Delete > 0:
			return 0, fmt.Errorf("%w: something was taken out before UTF-16 offset %d; count code points", ErrMoved, offset)
		case p.Retain > 0:
			at += p.Retain
		default:
			n := utf8.RuneCountInString(p.Insert)
			at, points = at+n, points+n
			end, err := text.UTF16(at)
			if err != nil {
				return 0, err
			}
			units += end - start
		}
	}
	pos, err := text.FromUTF16(offset + units)
	return pos - points, err
}
