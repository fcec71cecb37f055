package replica

import (
	"errors"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/store/memory"
)

// TestLongDocumentsAreKept: whoever has a long text or list from others leaves a snapshot of it when he closes, and who types
// one, on the way; a megabyte is not written again for each keystroke.
func TestLongDocumentsAreKept(t *testing.T) {
	for kind, write := range map[crdt.Kind]func(r *Replica, i int) (Version, error){
		crdt.KindText: func(r *Replica, i int) (Version, error) {
			text := r.Text("notes/long")
			err := text.Insert(t.Context(), i%7, fmt.Sprint(i, " "))
			v, failed := text.Commit(t.Context())
			return v, errors.Join(err, failed)
		},
		crdt.KindList: func(r *Replica, i int) (Version, error) {
			list := r.Array("notes/long")
			err := list.Insert(t.Context(), i%7, i)
			if i%7 == 6 {
				err = errors.Join(err, list.Move(t.Context(), 1, i/2), list.Replace(t.Context(), 3, "new"))
			}
			v, failed := list.Commit(t.Context())
			return v, errors.Join(err, failed)
		},
	} {
		t.Run(string(kind), func(t *testing.T) { keepLong(t, kind, write) })
	}
}

func keepLong(t *testing.T, kind crdt.Kind, write func(r *Replica, i int) (Version, error)) {
	ctx := t.Context()
	w := &careWorld{t: t}
	st := memory.New()
	r, err := Open(ctx, st, testOptions(1))
	a := w.add(st, r, err)
	kept := func(r *Replica) (k keptSequence) {
		w.ok(nil, r.view(ctx, func(s *snap) (err error) { k, _, err = s.readKept("notes/long"); return err }))
		return k
	}
	for i := range 2000 {
		w.ok(write(a, i))
	}
	if k := kept(a); k.parts < 2 || k.parts > 40 || k.kind != kind {
		t.Errorf("%d snapshots of 2,000 versions, of a %s", k.parts, k.kind)
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
