package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/identity"
)

// handle is what a Text and an Array have in common: a document that somebody edits.
type handle struct {
	r *Replica
	docID
	// watcher is what Edits has told of last, nil where nobody listens.
	watcher *editsWatcher
}

// Key is the key of the document.
func (h *handle) Key() string { return h.key }

// look runs fn with the document as it is, what was typed included.
func (h *handle) look(ctx context.Context, fn func(*document) error) error {
	if err := h.check(); err != nil {
		return err
	}
	open := &h.r.documents
	open.mu.Lock()
	if d := open.open[h.docID]; d != nil && d.ahead() {
		defer open.mu.Unlock()
		return fn(d)
	}
	open.mu.Unlock()
	return h.lookAnew(ctx, fn)
}

// lookAnew is look for whoever wants to know what other processes wrote while something was typed here.
func (h *handle) lookAnew(ctx context.Context, fn func(*document) error) error {
	return h.r.view(ctx, func(s *snap) error {
		open := &h.r.documents
		open.mu.Lock()
		defer open.mu.Unlock()
		d, _, err := open.present(s, h.docID)
		if err != nil {
			return err
		}
		return fn(d)
	})
}

func (h *handle) check() error {
	if h.r.isClosed() {
		return ErrClosed
	}
	if err := crdt.CheckKey(h.key); err != nil {
		return err
	}
	if strings.HasPrefix(h.key, ".") {
		return fmt.Errorf("%w: %q", ErrReserved, namespaceOf(h.key))
	}
	return nil
}

// shown runs fn with what the document shows.
func (h *handle) shown(ctx context.Context, fn func(content) error) error {
	return h.look(ctx, func(d *document) error { return h.within(fn(d.shown())) })
}

// within says of which document an error is.
func (h *handle) within(err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", h.key, err)
	}
	return err
}

// Len is the number of code points of a text, or of items of a list.
func (h *handle) Len(ctx context.Context) (n int, err error) {
	err = h.shown(ctx, func(c content) error { n = c.Len(); return nil })
	return n, err
}

// Anchor is a position that lasts, whatever is written: held to the code point or the item after it (sequence.Before) or to
// the one before it (sequence.After), wherever that is moved. What was typed is committed first, for an anchor holds to what
// has a version. It is valid on every replica, but for Dot.Branch.
func (h *handle) Anchor(ctx context.Context, pos int, side sequence.Side) (a sequence.Anchor, err error) {
	if _, err := h.Commit(ctx); err != nil {
		return a, err
	}
	err = h.shown(ctx, func(c content) (err error) { a, err = c.Anchor(pos, side); return err })
	return a, err
}

// Position is where an anchor is now. The error wraps sequence.ErrEvent where what it holds to has not come here yet.
func (h *handle) Position(ctx context.Context, a sequence.Anchor) (pos int, err error) {
	if err := h.check(); err != nil {
		return 0, err
	}
	err = h.r.view(ctx, func(s *snap) error {
		open := &h.r.documents
		open.mu.Lock()
		defer open.mu.Unlock()
		d, _, err := open.present(s, h.docID)
		if err != nil || !d.visible() {
			return err
		}
		return h.within(d.withPast(s, func() (err error) { pos, err = d.content.Position(a); return err }))
	})
	return pos, err
}

// edit types what say says, which sees the document.
func (h *handle) edit(ctx context.Context, say func(content) (edit, error)) error {
	if err := h.check(); err != nil {
		return err
	}
	if h.r.updating.here() {
		return ErrNested
	}
	full, err := h.goOn(say)
	if errors.Is(err, errNotTyping) {
		if h.r.documents.typedElsewhere(h.docID) {
			if err := h.commitTyped(ctx); err != nil {
				return err
			}
		}
		for err = errBehind; errors.Is(err, errBehind); {
			full, err = h.begin(ctx, say)
		}
	}
	if err != nil || !full {
		return err
	}
	return h.commitTyped(ctx)
}

// commitTyped makes versions of all that was typed, and says what keeps this document from being among them.
func (h *handle) commitTyped(ctx context.Context) error {
	return ofDocument(h.docID, h.r.commitTyped(ctx))
}

var (
	// errNotTyping: nothing was typed into the document since its newest version.
	errNotTyping = errors.New("replica: nothing is typed yet")
	// errBehind: the document has versions that a snapshot has not.
	errBehind = errors.New("replica: a snapshot from before the newest version of a document")
)

// goOn types an edit behind others.
func (h *handle) goOn(say func(content) (edit, error)) (full bool, err error) {
	open := &h.r.documents
	open.mu.Lock()
	defer open.mu.Unlock()
	d := open.open[h.docID]
	if d == nil || d.stale || !d.ahead() && !h.r.justWrote(d) {
		return false, errNotTyping
	}
	if !d.ahead() {
		d.goOn()
	}
	return h.typeIn(d, say)
}

// justWrote reports whether the newest version that this replica knows of is what was typed into a document before. So there
// is no need to look at the database; what another process may have written since is found when what is typed is committed.
func (r *Replica) justWrote(d *document) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.mem != nil && r.mem.tip.era() == d.writtenIn && r.mem.tip.next == d.writtenAt+1 && d.last == d.writtenAt &&
		d.visible()
}

// begin types the first edit since the newest version.
func (h *handle) begin(ctx context.Context, say func(content) (edit, error)) (full bool, err error) {
	open := &h.r.documents
	err = h.r.view(ctx, func(s *snap) error {
		if s.space != (identity.Space{}) {
			if m, err := h.r.snapshot(s.tx); err != nil || !m.member.CanWrite() {
				return cmp.Or(err, ErrReadOnlyMember)
			}
		}
		open.mu.Lock()
		defer open.mu.Unlock()
		d, last, err := open.present(s, h.docID)
		if err != nil {
			return err
		}
		if !d.ahead() && !d.begin(s, last) {
			return errBehind
		}
		full, err = h.typeIn(d, say)
		return err
	})
	return full, err
}

// typeIn types an edit, tells who watches, and reports whether so much is typed now that it has to become a version.
func (h *handle) typeIn(d *document, say func(content) (edit, error)) (full bool, err error) {
	if h.r.documents.closed {
		return false, ErrClosed
	}
	if err := h.movable(d); err != nil {
		return false, err
	}
	e, err := say(d.shown())
	if err != nil {
		return false, h.within(err)
	}
	done, untold, err := h.move(d, e)
	for i := 0; i < len(done) && err == nil; i++ {
		if err = d.typeIn(&done[i]); err != nil {
			d.tell(nil, done[:i])
		}
	}
	if err != nil {
		return false, h.within(err)
	}
	if h.watcher != nil {
		h.watcher.edits = untold
	}
	if !d.ahead() || e.width() == 0 {
		return false, nil // it did nothing
	}
	d.tell(h.watcher, done)
	return h.r.typedInto(d), nil
}

// Commit makes what was typed a version and returns that, durable; the zero Version where nothing was typed.
func (h *handle) Commit(ctx context.Context, opts ...WriteOption) (Version, error) {
	if err := h.check(); err != nil {
		return Version{}, err
	}
	if h.r.updating.here() {
		return Version{}, ErrNested
	}
	o := applyWriteOptions(opts)
	open := &h.r.documents
	open.mu.Lock()
	d := open.open[h.docID]
	nothing := d == nil || !d.ahead()
	if !nothing && o.message != "" {
		d.typed.message = o.message
	}
	open.mu.Unlock()
	if nothing {
		return Version{}, nil
	}
	if err := h.commitTyped(ctx); err != nil {
		return Version{}, err
	}
	open.mu.Lock()
	defer open.mu.Unlock()
	return d.written, nil
}

// Discard drops what was typed and is in no version yet.
func (h *handle) Discard() {
	open := &h.r.documents
	open.mu.Lock()
	if d := open.open[h.docID]; d != nil && d.ahead() {
		open.discard(d)
	}
	open.mu.Unlock()
}

// seen runs fn with what the document shows, and returns what there is when it does. What was typed is committed first.
func (h *handle) seen(ctx context.Context, fn func(content) error) (seen Frontier, err error) {
	if _, err := h.Commit(ctx); err != nil {
		return nil, err
	}
	err = h.r.view(ctx, func(s *snap) error {
		open := &h.r.documents
		open.mu.Lock()
		defer open.mu.Unlock()
		d, _, err := open.present(s, h.docID)
		if err != nil {
			return err
		}
		seen = s.heads()
		return h.within(fn(d.shown()))
	})
	return seen, err
}

// merge writes edits of somebody who has seen a frontier.
func (h *handle) merge(ctx context.Context, seen Frontier, edits []edit, opts []WriteOption) (Version, error) {
	if err := h.check(); err != nil {
		return Version{}, err
	}
	return h.r.one(ctx, opts, func(tx *Tx, o *writeOptions) error {
		if _, err := tx.glance(h.key, o); err != nil {
			return err
		}
		return h.within(tx.mergeSequence(h.docID, seen, edits))
	})
}
