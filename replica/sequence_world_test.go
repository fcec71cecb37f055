package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/store/memory"
)

const worldText = "notes/shared"

// editor is somebody who writes a text on a replica, and what he sees on his screen.
type editor struct {
	r       *Replica
	text    *Text
	watcher *editsWatcher
	screen  []rune
}

// textWorld is a few replicas whose editors write one text; the first database is open twice.
type textWorld struct {
	*careWorld
	rnd     *rand.Rand
	editors []*editor
}

func newTextWorld(t testing.TB, seed uint64) *textWorld {
	ctx := t.Context()
	w := &textWorld{careWorld: &careWorld{t: t}, rnd: rand.New(rand.NewPCG(seed, 11))}
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
		e := &editor{r: r, text: r.Text(worldText), watcher: &editsWatcher{wake: make(chan struct{}, 1), compose: composeSplices}}
		w.ok(nil, e.text.watch(ctx, e.watcher))
		w.editors = append(w.editors, e)
	}
	return w
}

// look brings an editor's screen up to date.
func (w *textWorld) look(e *editor) {
	w.t.Helper()
	now, err := e.text.String(w.t.Context())
	w.ok(nil, err)
	for _, edit := range splicesOf(e.text.takeEdits(e.watcher)) {
		e.splice(edit)
	}
	if string(e.screen) != now {
		w.t.Fatalf("the screen shows %q, the text is %q", string(e.screen), now)
	}
}

func (e *editor) splice(edit sequence.Edit) {
	e.screen = append(e.screen[:edit.Pos:edit.Pos], append([]rune(edit.Text), e.screen[edit.Pos+edit.Removed:]...)...)
}

// typeSomething types what nobody else does.
func (w *textWorld) typeSomething(e *editor) {
	pos := w.rnd.IntN(len(e.screen) + 1)
	for range 1 + w.rnd.IntN(6) {
		edit := sequence.Edit{Pos: pos}
		switch n := w.rnd.IntN(10); {
		case n < 2 && pos > 0: // Backspace
			edit.Pos, edit.Removed = pos-1, 1
			pos--
		case n < 4 && pos < len(e.screen): // Delete, or over a selection
			edit.Removed = 1 + w.rnd.IntN(min(4, len(e.screen)-pos))
			if n == 3 {
				edit.Text = string(rune('A' + w.rnd.IntN(26)))
			}
		default:
			edit.Text = []string{"a", "bc", "é", "𝄞", "漢字"}[w.rnd.IntN(5)]
		}
		err := e.text.Splice(w.t.Context(), edit.Pos, edit.Removed, edit.Text)
		if errors.Is(err, ErrMoved) {
			w.look(e)
			return
		}
		w.ok(nil, err)
		if pos == edit.Pos {
			pos += len([]rune(edit.Text))
		}
		e.splice(edit)
	}
}

func (w *textWorld) step() {
	ctx := w.t.Context()
	e := w.editors[w.rnd.IntN(len(w.editors))]
	w.look(e)
	switch n := w.rnd.IntN(40); {
	case n < 22:
		w.typeSomething(e)
	case n < 28:
		w.ok(e.text.Commit(ctx))
	case n < 30:
		w.ok(e.r.Set(ctx, fmt.Sprint("notes/other", w.rnd.IntN(3)), n))
	case n < 36:
		other := w.editors[w.rnd.IntN(len(w.editors))].r
		if other != e.r {
			w.syncTwins(e.r, other)
		}
	case n < 38:
		w.keepSequence(e.r, docID{worldText, crdt.KindText})
	case n == 38:
		if _, err := e.r.Delete(ctx, worldText); !errors.Is(err, ErrNotFound) {
			w.ok(nil, err)
		}
	default:
		w.ok(nil, e.r.Compact(ctx, nil))
	}
	w.look(e)
}

// syncTwins syncs two replicas, unless they are of one database.
func (w *textWorld) syncTwins(a, b *Replica) {
	twins := map[*Replica]bool{w.replicas[0]: true, w.replicas[3]: true}
	if twins[a] && twins[b] {
		return
	}
	w.sync(a, b)
}

// settle commits what was typed and brings all replicas to the same.
func (w *textWorld) settle() string {
	ctx := context.Background()
	for _, e := range w.editors {
		w.look(e)
		w.ok(e.text.Commit(ctx))
	}
	for range 2 {
		for _, r := range w.replicas[1:3] {
			w.sync(w.replicas[0], r)
		}
	}
	want := ""
	for i, e := range w.editors {
		w.look(e)
		if i == 0 {
			want = string(e.screen)
		} else if string(e.screen) != want {
			w.t.Fatalf("editor %d sees %q, the first one %q", i, string(e.screen), want)
		}
		var got string
		if _, err := e.r.Get(ctx, worldText, &got); err != nil && !errors.Is(err, ErrNotFound) || got != want {
			w.t.Fatalf("Get: %q, %v; want %q", got, err, want)
		}
	}
	return want
}

// TestTextWorld has editors type at once, on replicas that sync now and then and on one database that is open twice. Each
// screen is what its edits make of it, all come to the same, and the databases are what their versions come to.
func TestTextWorld(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newTextWorld(t, seed)
			for range 4 {
				for range 60 {
					w.step()
				}
				w.settle()
			}
			for _, r := range w.replicas {
				w.keepSequence(r, docID{worldText, crdt.KindText})
				mustVerify(t, r)
			}
		})
	}
}
