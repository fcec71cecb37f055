package replica

import (
	"fmt"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
)

// Whoever edits a text or a list that others edit too sees it as the loop over its Edits has told it, a little behind what it is: his
// positions are in that. What he does and what he was not told are two changes of one document, each of which is moved over the other,
// as editors that work together do it:
//
//	what he sees ──── untold ────▶ what is        what he does, behind what he was not told, is done to what is;
//	     │                             │          what he was not told, behind what he does, is what he is told next
//	what he does               what is done
//	     ▼                             ▼
//	what he sees ─ left to tell ─▶ what is        where both put something in, his stands behind the other's

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

// movable is nil if what is done now by whoever knows what the loop was told means something: ErrMoved where that was nothing yet, or
// something that was deleted since, or a list of which so much was not told that it is told anew.
func (h *handle) movable(d *document) error {
	w := h.watcher
	if w == nil || len(w.edits) == 0 || w.follows && d.visible() {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrMoved, h.key)
}

// move is what an edit by whoever knows what the loop was told does to the document, and what is left to tell then.
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

// fromUTF16 is the code point that starts at an offset in UTF-16 code units, both in what the loop was told. How many units
// were taken out is not known any more: ErrMoved behind such a place.
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
