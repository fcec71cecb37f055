package replica

import (
	"context"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt/sequence"
)

// textWatcher is somebody who is told of the edits of a text.
type textWatcher struct {
	edits []sequence.Edit // not taken yet
	wake  chan struct{}
}

// maxEdits is how many edits wait for a watcher one by one.
const maxEdits = 1024

// tell tells all who watch but one, who did it, of edits. The lock of the texts is held.
func (d *document) tell(but *textWatcher, edits []sequence.Edit) {
	if len(edits) == 0 {
		return
	}
	for _, w := range d.watchers {
		if w == but {
			continue
		}
		if w.edits = append(w.edits, edits...); len(w.edits) > maxEdits {
			w.edits = editsOf(sequence.Compose(w.edits))
		}
		w.nudge()
	}
}

// nudge has a watcher look again.
func (w *textWatcher) nudge() {
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
// them, and is refused (ErrTextMoved) while there is something that was not yielded: positions are always in the text
// that the loop knows. Put a cursor where Edit.Shift says.
//
// It ends with ctx, with its error, or when the replica is closed. There is one at a time for a Text.
func (t *Text) Edits(ctx context.Context) iter.Seq2[[]sequence.Edit, error] {
	return func(yield func([]sequence.Edit, error) bool) {
		beat, quit := t.r.listen()
		defer quit()
		w := &textWatcher{wake: make(chan struct{}, 1)}
		defer t.unwatch(w)
		err := t.watch(ctx, w)
		for open, look := true, false; err == nil; {
			edits := t.takeEdits(w)
			switch {
			case len(edits) > 0:
				if !yield(edits, nil) {
					return
				}
				continue
			case look:
				look, err = false, t.look(ctx, func(*document) error { return nil })
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
}

// watch has w told of what happens to the text, and of all of it.
func (t *Text) watch(ctx context.Context, w *textWatcher) error {
	return t.look(ctx, func(d *document) error {
		t.watcher = w
		d.watchers = append(d.watchers, w)
		if text := d.shown().String(); text != "" {
			w.edits = []sequence.Edit{{Text: text}}
		}
		return nil
	})
}

func (t *Text) unwatch(w *textWatcher) {
	texts := &t.r.texts
	texts.mu.Lock()
	defer texts.mu.Unlock()
	if t.watcher == w {
		t.watcher = nil
	}
	if d := texts.open[t.key]; d != nil {
		d.watchers = slices.DeleteFunc(d.watchers, func(o *textWatcher) bool { return o == w })
	}
}

func (t *Text) takeEdits(w *textWatcher) []sequence.Edit {
	texts := &t.r.texts
	texts.mu.Lock()
	defer texts.mu.Unlock()
	edits := w.edits
	w.edits = nil
	return edits
}
