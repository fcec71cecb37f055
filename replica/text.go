package replica

import (
	"context"
	"io"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
)

// A Text is the text at a key, for several people to write at once: each splice is merged with what others do meanwhile, and
// nobody's is lost. A key that shows nothing is an empty text. It is safe for all goroutines; several for one key are of
// one text. There is nothing to close.
//
// A splice is in the text when it returns, and in a version, durable and seen by others, when Typing says or at Commit. Until
// then Get does not show it, and it is lost with the process.
//
// Positions count code points of the text as it is now; UTF16 and FromUTF16 turn them into offsets as browsers count, and
// back. What others write moves them: a program that shows the text to somebody takes their edits from Edits, and moves
// the cursor with sequence.Edit.Shift. A place that is to last, as of a comment, is an Anchor.
//
// Errors: sequence.ErrPosition beyond the end, sequence.ErrText for what is not UTF-8, sequence.ErrSurrogate inside of a
// character, ErrWrongKind where the key holds something else. Nothing is written then.
type Text struct{ handle }

// Text is the text at a key. Nothing is read before it is used.
func (r *Replica) Text(key string) *Text {
	return &Text{handle{r: r, docID: docID{key, crdt.KindText}}}
}

// text runs fn with what the text shows.
func (t *Text) text(ctx context.Context, fn func(*sequence.Text) error) error {
	return t.shown(ctx, func(c content) error { return fn(c.(textContent).Text) })
}

// String is the whole text.
func (t *Text) String(ctx context.Context) (text string, err error) {
	err = t.text(ctx, func(s *sequence.Text) error { text = s.String(); return nil })
	return text, err
}

// Reader reads the text as it is now, as UTF-8.
func (t *Text) Reader(ctx context.Context) (io.Reader, error) {
	text, err := t.String(ctx)
	return strings.NewReader(text), err
}

// Slice is the code points from … to−1.
func (t *Text) Slice(ctx context.Context, from, to int) (text string, err error) {
	err = t.text(ctx, func(s *sequence.Text) (err error) { text, err = s.Slice(from, to); return err })
	return text, err
}

// LenUTF16 is the number of UTF-16 code units.
func (t *Text) LenUTF16(ctx context.Context) (n int, err error) {
	err = t.text(ctx, func(s *sequence.Text) error { n = s.LenUTF16(); return nil })
	return n, err
}

// UTF16 is where a code point starts in UTF-16 code units.
func (t *Text) UTF16(ctx context.Context, pos int) (offset int, err error) {
	err = t.text(ctx, func(s *sequence.Text) (err error) { offset, err = s.UTF16(pos); return err })
	return offset, err
}

// FromUTF16 is the code point that starts at an offset in UTF-16 code units.
func (t *Text) FromUTF16(ctx context.Context, offset int) (pos int, err error) {
	err = t.text(ctx, func(s *sequence.Text) (err error) { pos, err = s.FromUTF16(offset); return err })
	return pos, err
}

// Insert puts text before the code point at pos, or at the end.
func (t *Text) Insert(ctx context.Context, pos int, text string) error {
	return t.Splice(ctx, pos, 0, text)
}

// Delete takes n code points out, from pos on.
func (t *Text) Delete(ctx context.Context, pos, n int) error { return t.Splice(ctx, pos, n, "") }

// Splice takes removed code points out, from pos on, and puts text there instead. While there is a loop over Edits of this Text,
// pos is in the text that the loop knows; it is moved over what the loop was not told yet. ErrMoved where it cannot be: before
// the loop was told of the text, or after the text was deleted.
func (t *Text) Splice(ctx context.Context, pos, removed int, text string) error {
	return t.edit(ctx, func(content) (edit, error) {
		return textEdit(sequence.Splice{Pos: pos, Removed: removed, Text: text}), nil
	})
}

// SpliceUTF16 is Splice with an offset and a count in UTF-16 code units. An end inside of a character is
// sequence.ErrSurrogate; one behind something that was taken out, of which the loop over Edits was not told yet, ErrMoved.
func (t *Text) SpliceUTF16(ctx context.Context, offset, removed int, text string) error {
	return t.edit(ctx, func(c content) (edit, error) {
		s := c.(textContent).Text
		pos, err := t.fromUTF16(s, offset)
		if err != nil {
			return edit{}, err
		}
		end := pos
		if removed != 0 {
			if end, err = t.fromUTF16(s, offset+removed); err != nil {
				return edit{}, err
			}
		}
		return textEdit(sequence.Splice{Pos: pos, Removed: end - pos, Text: text}), nil
	})
}

// Seen is the text as it is and what there is when it is so, to edit it elsewhere and give the splices to Merge. What was
// typed is committed first.
func (t *Text) Seen(ctx context.Context) (text string, seen Frontier, err error) {
	seen, err = t.seen(ctx, func(c content) error { text = c.(textContent).String(); return nil })
	return text, seen, err
}

// Merge writes splices, which come one after the other, that were made on the text as Seen showed it; others may have written to
// it since. They are one version, durable when it returns, and the zero Version if there is nothing to write.
func (t *Text) Merge(ctx context.Context, seen Frontier, splices []sequence.Splice, opts ...WriteOption) (Version, error) {
	edits := make([]edit, len(splices))
	for i, sp := range splices {
		edits[i] = textEdit(sp)
	}
	return t.merge(ctx, seen, edits, opts)
}
