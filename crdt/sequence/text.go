package sequence

import "io"

// Text is a document of Unicode text. It is for one goroutine while it is changed; between changes any number may read.
// Make one with NewText or OpenText.
type Text struct {
	core
	rope rope
	// edits are noted for whoever asks what Apply or Merge did.
	edits []Edit
	quiet bool
}

// NewText is an empty text. history answers who saw whom. Splice never asks it, and Merge only where an author is forked:
// without Apply it may be nil.
func NewText(history History) *Text {
	t := &Text{rope: newRope()}
	t.init(newLog(0, nil, false), history, (*textView)(t))
	return t
}

// textView is a text as what events are done to.
type textView Text

func (v *textView) length() uint32 { return v.rope.size.runes() }

func (v *textView) insert(p *piece, pos uint32) {
	v.rope.insert(pos, p.text, p.lv)
	if v.quiet {
		return
	}
	if k := len(v.edits) - 1; k >= 0 && v.edits[k].Pos == int(pos) && v.edits[k].Text == "" {
		v.edits[k].Text = string(p.text)
		return
	}
	v.edits = append(v.edits, Edit{Pos: int(pos), Text: string(p.text)})
}

func (v *textView) remove(pos, n uint32) {
	v.rope.remove(pos, n)
	if !v.quiet {
		v.edits = append(v.edits, Edit{Pos: int(pos), Removed: int(n)})
	}
}

func (v *textView) eventAt(pos uint32) uint32 { return v.rope.eventAt(pos) }

func (v *textView) find(lv uint32) (pos uint32, ok bool) { return v.rope.find(lv) }

// Splice applies an op that was made here: by somebody who had this text before him. dot is the first of its dots, above
// all that its author used. The error wraps ErrPosition, ErrText, ErrEvent or ErrLimit, and nothing was applied.
func (t *Text) Splice(dot Dot, s Splice) error {
	if t.goOn(&dot, &s) {
		return nil
	}
	t.quiet = true
	return t.splice(&dot, t.log.heads, &s)
}

// goOn applies a splice of somebody who has seen all if he types, or removes, where he did last, as mostly.
func (t *Text) goOn(dot *Dot, s *Splice) bool {
	if t.walker.active || !t.log.straight() || !t.log.goesOn(dot) { // it is for apply to give the tracker up, in time
		return false
	}
	switch {
	case s.Removed == 0:
		lv, text := t.log.typeOn(s.Pos, s.Text)
		t.rope.insert(uint32(s.Pos), text, lv)
		return text != nil
	case s.Text == "" && checkRange(s.Pos, s.Removed, t.rope.size.runes()) == nil:
		p := &t.piece
		p.kind, p.lv, p.n, p.pos = remove, t.log.next, uint32(s.Removed), uint32(s.Pos)
		if t.log.deleteOn(p) {
			t.rope.remove(p.pos, p.n)
			return true
		}
	}
	return false
}

// Apply applies ops of anybody, in an order in which each comes after those that its version has seen; ops that were applied
// already are passed over. It returns what they did to the text. The error wraps ErrPosition, ErrText, ErrEvent, ErrHistory
// or ErrLimit: the ops before the one that it speaks of were applied, that one and those after it were not.
func (t *Text) Apply(ops ...Op) ([]Edit, error) {
	t.edits, t.quiet = nil, false
	for i := range ops {
		op := &ops[i]
		if _, known := t.log.find(&op.Dot); known {
			continue
		}
		parents, err := t.parentsOf(&op.Dot)
		if err != nil {
			return t.edits, err
		}
		if err := t.splice(&op.Dot, parents, &op.Splice); err != nil {
			return t.edits, err
		}
	}
	return t.edits, nil
}

// splice applies a splice that was made at a version with the given heads.
func (t *Text) splice(dot *Dot, parents []uint32, s *Splice) error {
	n, err := checkText(s.Text)
	if err != nil {
		return err
	}
	length, linear, err := t.prepare(parents)
	if err != nil {
		return err
	}
	if err := checkRange(s.Pos, s.Removed, length); err != nil {
		return err
	}
	width := uint64(s.Removed) + uint64(n)
	w, err := t.log.admit(dot, width, len(s.Text))
	if err != nil || width == 0 {
		return err
	}
	lv := t.log.add(dot, w, uint32(width), parents)
	if s.Removed > 0 {
		t.piece.kind, t.piece.lv, t.piece.n, t.piece.pos = remove, lv, uint32(s.Removed), uint32(s.Pos)
		t.apply(&t.piece, linear)
		lv += uint32(s.Removed)
	}
	if n > 0 {
		t.piece.kind, t.piece.lv, t.piece.n, t.piece.pos = insert, lv, n, uint32(s.Pos)
		t.log.content.room(len(s.Text))
		t.piece.text = addText(&t.log.content, s.Text)
		t.apply(&t.piece, linear)
	}
	return nil
}

// Merge applies all events of another log of the same document that are not here, and returns what they did to the text: one
// edit, if there was none. The branches of forked authors must have the same numbers in both. The error wraps ErrPosition or
// ErrEvent for a log that makes no sense, ErrHistory for one without its past, or ErrLimit; events before the one that it
// speaks of were applied.
func (t *Text) Merge(from *Log) ([]Edit, error) {
	if t.log.next == 0 {
		err := t.replay(func() error { return t.merge(from) })
		if t.Len() == 0 {
			return nil, err
		}
		return []Edit{{Text: t.String()}}, err
	}
	t.edits, t.quiet = nil, false
	err := t.merge(from)
	return t.edits, err
}

// replay applies events to an empty text, for whoever asks only for what it shows in the end.
func (t *Text) replay(apply func() error) error {
	o := newOutline()
	t.view = o
	err := apply()
	t.view = (*textView)(t)
	t.rope.fill(o, t.log)
	return err
}

// Len is the number of code points.
func (t *Text) Len() int { return int(t.rope.size.runes()) }

// LenUTF16 is the number of UTF-16 code units.
func (t *Text) LenUTF16() int { return int(t.rope.size.units()) }

// LenBytes is the number of bytes as UTF-8.
func (t *Text) LenBytes() int { return t.rope.bytes }

// String is the whole text.
func (t *Text) String() string {
	return string(t.rope.append(make([]byte, 0, t.rope.bytes), 0, t.rope.size.runes()))
}

// Slice is the code points from … to−1. The error wraps ErrPosition.
func (t *Text) Slice(from, to int) (string, error) {
	if err := checkRange(from, to-from, t.rope.size.runes()); err != nil {
		return "", err
	}
	return string(t.rope.append(nil, uint32(from), uint32(to))), nil
}

// Reader reads the text as UTF-8, while it is not changed.
func (t *Text) Reader() io.Reader { return &ropeReader{rope: &t.rope, leaf: t.rope.tree.first()} }

// UTF16 is where a code point starts in UTF-16 code units, as a browser counts. The error wraps ErrPosition.
func (t *Text) UTF16(pos int) (int, error) {
	if err := checkRange(pos, 0, t.rope.size.runes()); err != nil {
		return 0, err
	}
	return int(t.rope.utf16(uint32(pos))), nil
}

// FromUTF16 is the code point that starts at an offset in UTF-16 code units. The error wraps ErrPosition, or
// ErrSurrogate for an offset inside a code point.
func (t *Text) FromUTF16(offset int) (int, error) {
	if err := checkRange(offset, 0, t.rope.size.units()); err != nil {
		return 0, err
	}
	pos, err := t.rope.fromUTF16(uint32(offset))
	return int(pos), err
}
