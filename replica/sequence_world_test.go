package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store/memory"
)

// editor is somebody who writes a text or a list on a replica, and what he sees on his screen: code points, or items as JSON.
type editor struct {
	*handle
	watcher *editsWatcher
	screen  []string
}

// sequenceWorld is a few replicas whose editors write one text or one list; the first database is open twice.
type sequenceWorld struct {
	*careWorld
	docID
	rnd     *rand.Rand
	editors []*editor
	// moved counts the edits of editors who had not seen the newest.
	moved int
}

func newSequenceWorld(t testing.TB, kind crdt.Kind, seed uint64) *sequenceWorld {
	ctx := t.Context()
	w := &sequenceWorld{careWorld: &careWorld{t: t}, docID: docID{"notes/shared", kind}, rnd: rand.New(rand.NewPCG(seed, 11))}
	open := func(n byte) Options {
		o := testOptions(n)
		o.ManualCompaction, o.Typing.Rest = true, -1
		return o
	}
	st := memory.New()
	r, err := Open(ctx, st, open(1))
	w.add(st, r, err)
	for i := range 2 {
		st := memory.New()
		r, err := Join(ctx, st, w.invite(w.replicas[0]), open(byte(i+2)))
		w.add(st, r, err)
	}
	twin, err := Open(ctx, st, open(4))
	w.add(st, twin, err)
	for _, r := range w.replicas {
		e := &editor{handle: &r.Text(w.key).handle, watcher: &editsWatcher{wake: make(chan struct{}, 1), compose: composeSplices}}
		if kind == crdt.KindList {
			e.handle, e.watcher.compose = &r.Array(w.key).handle, insertAnew
		}
		w.ok(nil, e.watch(ctx, e.watcher))
		w.editors = append(w.editors, e)
	}
	return w
}

// look brings an editor's screen up to date.
func (w *sequenceWorld) look(e *editor) {
	w.t.Helper()
	var now []string
	w.ok(nil, e.shown(w.t.Context(), func(c content) error { now = shownOn(c.value()); return nil }))
	for _, done := range e.takeEdits(e.watcher) {
		e.see(done)
	}
	if !slices.Equal(e.screen, now) {
		w.t.Fatalf("the screen shows %q, there is %q", e.screen, now)
	}
}

// shownOn is a text or a list as a screen shows it.
func shownOn(v canon.Value) (screen []string) {
	if text, ok := v.AsString(); ok {
		return strings.Split(text, "")
	}
	return elementTexts(v)
}

func (e *editor) see(done edit) {
	var put []string
	for _, element := range done.Elements {
		put = append(put, string(element))
	}
	if done.text != "" {
		put = strings.Split(done.text, "")
	}
	switch done.Kind {
	case sequence.ListMove:
		item := e.screen[done.Pos]
		e.screen = slices.Insert(slices.Delete(slices.Clone(e.screen), done.Pos, done.Pos+1), done.To, item)
	case sequence.ListReplace:
		e.screen = slices.Concat(e.screen[:done.Pos], put, e.screen[done.Pos+1:])
	default:
		e.screen = slices.Concat(e.screen[:done.Pos], put, e.screen[done.Pos+done.Removed:])
	}
}

// typeSomething types what nobody else does.
func (w *sequenceWorld) typeSomething(e *editor) {
	pos := w.rnd.IntN(len(e.screen) + 1)
	for range 1 + w.rnd.IntN(6) {
		next := edit{ListEdit: sequence.ListEdit{Pos: pos}}
		switch n := w.rnd.IntN(10); {
		case n < 2 && pos > 0: // Backspace
			next.Pos, next.Removed = pos-1, 1
			pos--
		case n < 4 && pos < len(e.screen): // Delete, or over a selection
			next.Removed = 1 + w.rnd.IntN(min(4, len(e.screen)-pos))
			if n == 3 {
				w.putSomething(&next)
			}
		case n < 7 && pos < len(e.screen) && w.kind == crdt.KindList:
			if next.Kind, next.To = sequence.ListMove, w.rnd.IntN(len(e.screen)); n == 6 {
				next.Kind = sequence.ListReplace
				w.putSomething(&next)
			}
		default:
			w.putSomething(&next)
		}
		if len(e.watcher.edits) > 0 {
			w.moved++
		}
		err := e.edit(w.t.Context(), func(content) (edit, error) { return next, nil })
		if errors.Is(err, ErrMoved) { // what was deleted
			w.look(e)
			return
		}
		w.ok(nil, err)
		if next.Kind == sequence.ListSplice && pos == next.Pos {
			pos += next.inserted()
		}
		e.see(next)
	}
}

func (w *sequenceWorld) putSomething(e *edit) {
	if w.kind == crdt.KindText {
		e.text = []string{"a", "bc", "é", "𝄞", "漢字"}[w.rnd.IntN(5)]
	} else {
		e.Elements = [][]byte{canon.AppendInt(nil, int64(w.rnd.IntN(1000)))}
	}
}

func (w *sequenceWorld) step() {
	ctx := w.t.Context()
	e := w.editors[w.rnd.IntN(len(w.editors))]
	if w.rnd.IntN(2) == 0 { // else he goes on with what he saw last
		w.look(e)
	}
	switch n := w.rnd.IntN(40); {
	case n < 22:
		w.typeSomething(e)
	case n < 28:
		w.ok(e.Commit(ctx))
	case n < 30:
		w.ok(e.r.Set(ctx, fmt.Sprint("notes/other", w.rnd.IntN(3)), n))
	case n < 36:
		other := w.editors[w.rnd.IntN(len(w.editors))].r
		if other != e.r {
			w.syncTwins(e.r, other)
		}
	case n < 38:
		w.keepSequence(e.r, w.docID)
	case n == 38:
		if _, err := e.r.Delete(ctx, w.key); !errors.Is(err, ErrNotFound) {
			w.ok(nil, err)
		}
	default:
		w.ok(nil, e.r.Compact(ctx, nil))
	}
}

// syncTwins syncs two replicas, unless they are of one database.
func (w *sequenceWorld) syncTwins(a, b *Replica) {
	twins := map[*Replica]bool{w.replicas[0]: true, w.replicas[3]: true}
	if twins[a] && twins[b] {
		return
	}
	w.sync(a, b)
}

// settle commits what was typed and brings all replicas to the same.
func (w *sequenceWorld) settle() {
	ctx := context.Background()
	for _, e := range w.editors {
		w.look(e)
		w.ok(e.Commit(ctx))
	}
	for range 2 {
		for _, r := range w.replicas[1:3] {
			w.sync(w.replicas[0], r)
		}
	}
	want := w.editors[0]
	for i, e := range w.editors {
		w.look(e)
		if !slices.Equal(e.screen, want.screen) {
			w.t.Fatalf("editor %d sees %q, the first one %q", i, e.screen, want.screen)
		}
		var got []string
		err := e.r.view(ctx, func(s *snap) error {
			view, err := s.shownAt(w.key, s.now())
			got = shownOn(view.Value)
			return err
		})
		if w.ok(nil, err); !slices.Equal(got, want.screen) {
			w.t.Fatalf("there is %q; want %q", got, want.screen)
		}
	}
}

// TestSequenceWorld has editors type at once, on replicas that sync now and then and on one database that is open twice. They
// do not always look before they type. Each screen is what its edits make of it, all come to the same, and the databases are what
// their versions come to.
func TestSequenceWorld(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 15
	}
	for _, kind := range []crdt.Kind{crdt.KindText, crdt.KindList} {
		for seed := range seeds {
			t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
				t.Parallel()
				w := newSequenceWorld(t, kind, seed)
				for range 4 {
					for range 60 {
						w.step()
					}
					w.settle()
				}
				if w.moved == 0 {
					t.Error("no edit was moved")
				}
				for _, r := range w.replicas {
					w.keepSequence(r, w.docID)
					mustVerify(t, r)
				}
			})
		}
	}
}
