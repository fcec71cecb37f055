package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/identity"
)

// A Text is the text at a key, for several people to write at once: each splice is merged with what others do meanwhile, and
// nobody's is lost. A key that shows nothing is an empty text. It is safe for all goroutines; several for one key are of
// one text. There is nothing to close.
//
// A splice is in the text when it returns, and in a version, durable and seen by others, when Typing says or at Commit. Until
// then Get does not show it, and it is lost with the process.
//
// Positions count code points of the text as it is now; UTF16 and FromUTF16 turn them into offsets as browsers count, and
// back. What others write moves them, so who shows the text to somebody takes their edits from Edits, and moves his cursor with
// sequence.Edit.Shift; a place that is to last, as of a comment, is an Anchor.
//
// Errors: sequence.ErrPosition beyond the end, sequence.ErrText for what is not UTF-8, sequence.ErrSurrogate inside of a
// character, ErrWrongKind where the key holds something else. Nothing is written then.
type Text struct {
	r   *Replica
	key string
	// watcher is what Edits has told of last, nil where nobody listens.
	watcher *textWatcher
}

// Text is the text at a key. Nothing is read before it is used.
func (r *Replica) Text(key string) *Text { return &Text{r: r, key: key} }

// Key is the key of the text.
func (t *Text) Key() string { return t.key }

// look runs fn with the text as it is, what was typed included.
func (t *Text) look(ctx context.Context, fn func(*document) error) error {
	if err := t.check(); err != nil {
		return err
	}
	texts := &t.r.texts
	texts.mu.Lock()
	if d := texts.open[t.key]; d != nil && d.ahead() {
		defer texts.mu.Unlock()
		return fn(d)
	}
	texts.mu.Unlock()
	return t.r.view(ctx, func(s *snap) error {
		texts.mu.Lock()
		defer texts.mu.Unlock()
		d, _, err := texts.present(s, t.key)
		if err != nil {
			return err
		}
		return fn(d)
	})
}

func (t *Text) check() error {
	if t.r.isClosed() {
		return ErrClosed
	}
	if err := crdt.CheckKey(t.key); err != nil {
		return err
	}
	if strings.HasPrefix(t.key, ".") {
		return fmt.Errorf("%w: %q", ErrReserved, namespaceOf(t.key))
	}
	return nil
}

// shown runs fn with what the text shows.
func (t *Text) shown(ctx context.Context, fn func(*sequence.Text) error) error {
	return t.look(ctx, func(d *document) error { return t.within(fn(d.shown())) })
}

// within says of which text an error is.
func (t *Text) within(err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", t.key, err)
	}
	return err
}

// String is the whole text.
func (t *Text) String(ctx context.Context) (text string, err error) {
	err = t.shown(ctx, func(s *sequence.Text) error { text = s.String(); return nil })
	return text, err
}

// Reader reads the text as it is now, as UTF-8.
func (t *Text) Reader(ctx context.Context) (io.Reader, error) {
	text, err := t.String(ctx)
	return strings.NewReader(text), err
}

// Slice is the code points from … to−1.
func (t *Text) Slice(ctx context.Context, from, to int) (text string, err error) {
	err = t.shown(ctx, func(s *sequence.Text) (err error) { text, err = s.Slice(from, to); return err })
	return text, err
}

// Len is the number of code points.
func (t *Text) Len(ctx context.Context) (n int, err error) {
	err = t.shown(ctx, func(s *sequence.Text) error { n = s.Len(); return nil })
	return n, err
}

// LenUTF16 is the number of UTF-16 code units.
func (t *Text) LenUTF16(ctx context.Context) (n int, err error) {
	err = t.shown(ctx, func(s *sequence.Text) error { n = s.LenUTF16(); return nil })
	return n, err
}

// UTF16 is where a code point starts in UTF-16 code units.
func (t *Text) UTF16(ctx context.Context, pos int) (offset int, err error) {
	err = t.shown(ctx, func(s *sequence.Text) (err error) { offset, err = s.UTF16(pos); return err })
	return offset, err
}

// FromUTF16 is the code point that starts at an offset in UTF-16 code units.
func (t *Text) FromUTF16(ctx context.Context, offset int) (pos int, err error) {
	err = t.shown(ctx, func(s *sequence.Text) (err error) { pos, err = s.FromUTF16(offset); return err })
	return pos, err
}

// Anchor is a position that lasts, whatever is written: held to the code point after it (sequence.Before) or to the one
// before it (sequence.After). What was typed is committed first, for an anchor holds to what has a version. It is valid on
// every replica, but for Dot.Branch.
func (t *Text) Anchor(ctx context.Context, pos int, side sequence.Side) (a sequence.Anchor, err error) {
	if _, err := t.Commit(ctx); err != nil {
		return a, err
	}
	err = t.shown(ctx, func(s *sequence.Text) (err error) { a, err = s.Anchor(pos, side); return err })
	return a, err
}

// Position is where an anchor is now. The error wraps sequence.ErrEvent where what it holds to has not come here yet.
func (t *Text) Position(ctx context.Context, a sequence.Anchor) (pos int, err error) {
	if err := t.check(); err != nil {
		return 0, err
	}
	err = t.r.view(ctx, func(s *snap) error {
		texts := &t.r.texts
		texts.mu.Lock()
		defer texts.mu.Unlock()
		d, _, err := texts.present(s, t.key)
		if err != nil || d.kind != crdt.KindText {
			return err
		}
		return t.within(d.withPast(s, func() (err error) { pos, err = d.text.Position(a); return err }))
	})
	return pos, err
}

// Insert puts text before the code point at pos, or at the end.
func (t *Text) Insert(ctx context.Context, pos int, text string) error {
	return t.Splice(ctx, pos, 0, text)
}

// Delete takes n code points out, from pos on.
func (t *Text) Delete(ctx context.Context, pos, n int) error { return t.Splice(ctx, pos, n, "") }

// Splice takes removed code points out, from pos on, and puts text there instead. ErrTextMoved where Edits of this Text has
// something to tell that was not taken yet: pos would not mean what it seems to.
func (t *Text) Splice(ctx context.Context, pos, removed int, text string) error {
	return t.splice(ctx, func(*sequence.Text) (sequence.Splice, error) {
		return sequence.Splice{Pos: pos, Removed: removed, Text: text}, nil
	})
}

// SpliceUTF16 is Splice with an offset and a count in UTF-16 code units. An end inside of a character is
// sequence.ErrSurrogate.
func (t *Text) SpliceUTF16(ctx context.Context, offset, removed int, text string) error {
	return t.splice(ctx, func(s *sequence.Text) (sequence.Splice, error) {
		pos, err := s.FromUTF16(offset)
		if err != nil {
			return sequence.Splice{}, err
		}
		end := pos
		if removed != 0 {
			if end, err = s.FromUTF16(offset + removed); err != nil {
				return sequence.Splice{}, err
			}
		}
		return sequence.Splice{Pos: pos, Removed: end - pos, Text: text}, nil
	})
}

// splice types what say says, which sees the text.
func (t *Text) splice(ctx context.Context, say func(*sequence.Text) (sequence.Splice, error)) error {
	if err := t.check(); err != nil {
		return err
	}
	if t.r.updating.here() {
		return ErrNested
	}
	full, err := t.goOn(say)
	if errors.Is(err, errNotTyping) {
		if t.r.texts.typedElsewhere(t.key) {
			if err := t.r.commitTyped(ctx); err != nil {
				return err
			}
		}
		for err = errBehind; errors.Is(err, errBehind); {
			full, err = t.begin(ctx, say)
		}
	}
	if err != nil || !full {
		return err
	}
	return t.r.commitTyped(ctx)
}

var (
	// errNotTyping: nothing was typed into the text since its newest version.
	errNotTyping = errors.New("replica: nothing is typed yet")
	// errBehind: the text has versions that a snapshot has not.
	errBehind = errors.New("replica: a snapshot from before the newest version of a text")
)

// goOn types a splice behind others.
func (t *Text) goOn(say func(*sequence.Text) (sequence.Splice, error)) (full bool, err error) {
	texts := &t.r.texts
	texts.mu.Lock()
	defer texts.mu.Unlock()
	d := texts.open[t.key]
	if d == nil || d.stale || !d.ahead() && !t.r.justWrote(d) {
		return false, errNotTyping
	}
	if !d.ahead() {
		d.goOn()
	}
	return t.typeIn(d, say)
}

// justWrote reports whether the newest version that this replica knows of is what was typed into a text before. So there is no
// need to look at the database; what another process may have written since is found when the text is committed.
func (r *Replica) justWrote(d *document) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem != nil && r.mem.tip.era() == d.writtenIn && r.mem.tip.next == d.writtenAt+1 && d.last == d.writtenAt &&
		d.kind == crdt.KindText
}

// begin types the first splice since the newest version.
func (t *Text) begin(ctx context.Context, say func(*sequence.Text) (sequence.Splice, error)) (full bool, err error) {
	texts := &t.r.texts
	err = t.r.view(ctx, func(s *snap) error {
		if s.space != (identity.Space{}) {
			if m, err := t.r.snapshot(s.tx); err != nil || !m.member.CanWrite() {
				return cmp.Or(err, ErrReadOnlyMember)
			}
		}
		texts.mu.Lock()
		defer texts.mu.Unlock()
		d, last, err := texts.present(s, t.key)
		if err != nil {
			return err
		}
		if !d.ahead() && !d.begin(s, last) {
			return errBehind
		}
		full, err = t.typeIn(d, say)
		return err
	})
	return full, err
}

// typeIn types a splice, tells who watches, and reports whether so much is typed now that it has to become a version.
func (t *Text) typeIn(d *document, say func(*sequence.Text) (sequence.Splice, error)) (full bool, err error) {
	if t.r.texts.closed {
		return false, ErrClosed
	}
	if t.watcher != nil && len(t.watcher.edits) > 0 {
		return false, fmt.Errorf("%w: %s", ErrTextMoved, t.key)
	}
	sp, err := say(d.shown())
	if err == nil {
		err = d.typeIn(sp)
	}
	if err != nil {
		return false, t.within(err)
	}
	if !d.ahead() {
		return false, nil // it did nothing
	}
	d.tell(t.watcher, []sequence.Edit{sequence.Edit(sp)})
	return t.r.typedInto(d), nil
}

// Commit makes what was typed a version and returns that, durable; the zero Version where nothing was typed.
func (t *Text) Commit(ctx context.Context, opts ...WriteOption) (Version, error) {
	if err := t.check(); err != nil {
		return Version{}, err
	}
	if t.r.updating.here() {
		return Version{}, ErrNested
	}
	o := applyWriteOptions(opts)
	texts := &t.r.texts
	texts.mu.Lock()
	d := texts.open[t.key]
	nothing := d == nil || !d.ahead()
	if !nothing && o.message != "" {
		d.typed.message = o.message
	}
	texts.mu.Unlock()
	if nothing {
		return Version{}, nil
	}
	if err := t.r.commitTyped(ctx); err != nil {
		return Version{}, err
	}
	texts.mu.Lock()
	defer texts.mu.Unlock()
	return d.written, nil
}

// Discard drops what was typed and is in no version yet.
func (t *Text) Discard() {
	texts := &t.r.texts
	texts.mu.Lock()
	if d := texts.open[t.key]; d != nil && d.ahead() {
		texts.discard(d)
	}
	texts.mu.Unlock()
}

// Seen is the text as it is and what there is when it is so, to edit it elsewhere and give the splices to Merge. What was
// typed is committed first.
func (t *Text) Seen(ctx context.Context) (text string, seen Frontier, err error) {
	if _, err := t.Commit(ctx); err != nil {
		return "", nil, err
	}
	err = t.r.view(ctx, func(s *snap) error {
		texts := &t.r.texts
		texts.mu.Lock()
		defer texts.mu.Unlock()
		d, _, err := texts.present(s, t.key)
		if err == nil {
			text, seen = d.shown().String(), s.heads()
		}
		return err
	})
	return text, seen, err
}

// Merge writes splices, which come one after the other, of somebody who has seen a text by Seen; others may have written to it
// since. They are one version, durable when it returns, and the zero Version if there is nothing to write.
func (t *Text) Merge(ctx context.Context, seen Frontier, splices []sequence.Splice, opts ...WriteOption) (Version, error) {
	if err := t.check(); err != nil {
		return Version{}, err
	}
	return t.r.one(ctx, opts, func(tx *Tx, o *writeOptions) error {
		if _, err := tx.glance(t.key, o); err != nil {
			return err
		}
		return t.within(tx.mergeText(t.key, seen, splices))
	})
}
