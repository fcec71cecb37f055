package replica

import (
	"context"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
)

// editsWatcher is somebody who is told of the edits of a document.
type editsWatcher struct {
	edits []edit // not taken yet
	// compose is as few edits as can be that do what edits did which came one after the other and led to what is shown now.
	compose func(edits []edit, now content) []edit
	wake    chan struct{}
	// follows is whether positions in what was told can be moved over the edits: some were taken, and these do not tell a list anew.
	follows bool
}

// maxEdits is how many edits wait for a watcher one by one.
const maxEdits = 1024

// tell tells all who watch but one, who did it, of edits. The lock of the documents is held.
func (d *document) tell(but *editsWatcher, edits []edit) {
	if len(edits) == 0 {
		return
	}
	for _, w := range d.watchers {
		if w == but {
			continue
		}
		if w.edits = append(w.edits, edits...); len(w.edits) > maxEdits {
			w.edits = w.compose(w.edits, d.shown())
			w.follows = w.follows && d.kind == crdt.KindText
		}
		w.nudge()
	}
}

// nudge has a watcher look again.
func (w *editsWatcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// editsOf is a delta as edits that come one after the other.
func editsOf(delta sequence.Delta) (edits []sequence.Edit) {
	pos := 0
	for i := 0; i < len(delta); i++ {
		part := delta[i]
		switch {
		case part.Retain > 0:
			pos += part.Retain
			continue
		case part.Delete > 0:
			e := sequence.Edit{Pos: pos, Removed: part.Delete}
			if i+1 < len(delta) && delta[i+1].Insert != "" {
				i++
				e.Text = delta[i].Insert
			}
			edits = append(edits, e)
		default:
			edits = append(edits, sequence.Edit{Pos: pos, Text: part.Insert})
		}
		pos += utf8.RuneCountInString(edits[len(edits)-1].Text)
	}
	return edits
}

// Edits yields what happens to the text, as edits that come one after the other: first one that inserts all of it, then what
// others do, be it another Text of this replica, another process or another replica. What is done by this Text is not among
// them: positions of its splices are in the text that the loop knows, by what was yielded and what this Text did. They are moved
// over what was not yielded yet, and that over them. Put a cursor where Edit.Shift says.
//
// It ends with ctx, with its error, or when the replica is closed. There is one at a time for a Text.
func (t *Text) Edits(ctx context.Context) iter.Seq2[[]sequence.Edit, error] {
	return func(yield func([]sequence.Edit, error) bool) {
		t.tellEdits(ctx, composeSplices, func(edits []edit, err error) bool { return yield(splicesOf(edits), err) })
	}
}

func composeSplices(edits []edit, _ content) []edit {
	return textEdits(editsOf(sequence.Compose(splicesOf(edits))))
}

func splicesOf(edits []edit) (all []sequence.Edit) {
	for i := range edits {
		all = append(all, sequence.Edit(edits[i].splice()))
	}
	return all
}

// tellEdits yields what happens to the document, until the loop ends or the replica is closed, or an error.
func (h *handle) tellEdits(ctx context.Context, compose func([]edit, content) []edit, yield func([]edit, error) bool) {
	beat, quit := h.r.listen()
	defer quit()
	w := &editsWatcher{wake: make(chan struct{}, 1), compose: compose}
	defer h.unwatch(w)
	err := h.watch(ctx, w)
	for open, look := true, false; err == nil; {
		edits := h.takeEdits(w)
		switch {
		case len(edits) > 0:
			if !yield(edits, nil) {
				return
			}
			continue
		case look:
			look, err = false, h.lookAnew(ctx, func(*document) error { return nil })
			continue
		case !open:
			return
		}
		select {
		case <-w.wake:
			look = true
		case _, open = <-beat: // closed with the replica
			look = open
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	yield(nil, err)
}

// watch has w told of what happens to the document, and of all of it.
func (h *handle) watch(ctx context.Context, w *editsWatcher) error {
	return h.look(ctx, func(d *document) error {
		h.watcher = w
		d.watchers = append(d.watchers, w)
		w.edits = between(nil, d.shown().value())
		return nil
	})
}

func (h *handle) unwatch(w *editsWatcher) {
	open := &h.r.documents
	open.mu.Lock()
	defer open.mu.Unlock()
	if h.watcher == w {
		h.watcher = nil
	}
	if d := open.open[h.docID]; d != nil {
		d.watchers = slices.DeleteFunc(d.watchers, func(o *editsWatcher) bool { return o == w })
	}
}

func (h *handle) takeEdits(w *editsWatcher) []edit {
	open := &h.r.documents
	open.mu.Lock()
	defer open.mu.Unlock()
	edits := w.edits
	w.edits, w.follows = nil, true
	return edits
}
