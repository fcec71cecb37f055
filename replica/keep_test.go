package replica

import (
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/store/memory"
)

// TestLongTextsAreKept: whoever has a long text from others leaves a snapshot of it when he closes, and who types one, on the
// way; a megabyte is not written again for each keystroke.
func TestLongTextsAreKept(t *testing.T) {
	ctx := t.Context()
	w := &careWorld{t: t}
	st := memory.New()
	r, err := Open(ctx, st, testOptions(1))
	a := w.add(st, r, err)
	kept := func(r *Replica) (k keptSequence) {
		w.ok(nil, r.view(ctx, func(s *snap) (err error) { k, _, err = s.readKept(worldText); return err }))
		return k
	}
	text := a.Text(worldText)
	for i := range 2000 {
		w.ok(nil, text.Insert(ctx, i%7, fmt.Sprint(i, " ")))
		w.ok(text.Commit(ctx))
	}
	if k := kept(a); k.parts < 2 || k.parts > 40 {
		t.Errorf("%d snapshots of 2,000 versions", k.parts)
	}
	other := memory.New()
	b, err := Join(ctx, other, w.invite(a), testOptions(2))
	w.add(other, b, err)
	w.sync(a, b)
	w.ok(nil, b.Close())
	if b, err = Open(ctx, other, testOptions(2)); err != nil {
		t.Fatal(err)
	}
	if k := kept(b); k.parts != 1 {
		t.Errorf("%d snapshots of what came from others", k.parts)
	}
	mustVerify(t, a)
	mustVerify(t, b)
}
