package replica_test

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// TestPackThatFailsInAGroup: a pack that breaks the commit that it shares, by writing to a key whose row is damaged here, is nobody
// else's trouble: those who write what they like at the same time write it, whoever of them leads.
func TestPackThatFailsInAGroup(t *testing.T) {
	for _, leads := range []bool{true, false} {
		p := newPair(t)
		st := memory.New()
		r := p.joinOn(st)
		p.do(r.Set(t.Context(), "a/1", 1))
		h := newHostile(t, r)
		h.pushGood(h.version(nil, 0))
		h.handTo(r)
		damageRow(t, st, "h/1", ofNoVersion)

		g := &gate{Store: st, entered: make(chan struct{}, 100), open: make(chan struct{})}
		r, err := replica.Open(t.Context(), g, replica.Options{Wall: p.wall})
		p.ok(err)
		pack := h.version(nil, 0)
		h.pushGood(pack)
		apply := func() {
			if _, err := replica.Apply(t.Context(), r, h.packs[0].Bytes); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("the pack: %v", err)
			}
		}
		write := func(key string) func() {
			return func() {
				if _, err := r.Set(t.Context(), key, 2); err != nil {
					t.Errorf("a write beside it: %v", err)
				}
			}
		}
		turns := []func(){write("a/1"), apply, write("a/2")}
		if leads {
			turns[0], turns[1] = turns[1], turns[0]
		}
		var wg sync.WaitGroup
		for i, turn := range turns {
			wg.Go(turn)
			if i == 0 {
				<-g.entered
			}
		}
		for replica.WaitingWrites(r) < len(turns)-1 {
			runtime.Gosched()
		}
		close(g.open)
		wg.Wait()
		if got := statusOf(t, r).Versions; got != 4 {
			t.Errorf("%d versions are here, want 4", got)
		}
	}
}

// TestTypingThatSpoilsACommit: what was typed into a text and cannot be written, since a row of the text's conflicts is damaged, is
// nobody else's trouble, and stays typed.
func TestTypingThatSpoilsACommit(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	p.ok(p.a.Text("t/1").Insert(ctx, 0, "text"))
	p.do(p.a.Text("t/1").Commit(ctx))
	st := memory.New()
	r := p.joinOn(st)
	sync := func() {
		_, _, err := replica.SyncPair(ctx, p.a, r)
		p.ok(err)
	}
	sync()
	p.do(p.a.Delete(ctx, "t/1"))
	p.ok(r.Text("t/1").Insert(ctx, 0, "a "))
	sync()
	p.ok(st.Update(ctx, func(tx store.Tx) error {
		var open []byte
		for row, err := range tx.Scan(store.Conflicts, store.Range{KeysOnly: true}) {
			if err != nil {
				return err
			}
			open = bytes.Clone(row.Key)
		}
		closed := append(open, 1) // its key once it is closed, which what is typed next does
		return tx.Put(store.Conflicts, closed, (&store.Conflict{Entry: []byte("damaged")}).Append(nil))
	}))

	p.ok(r.Text("t/1").Insert(ctx, 0, "typed "))
	p.do(r.Set(ctx, "a/1", 1))
	if _, err := r.Text("t/1").Commit(ctx); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("what was typed was committed: %v", err)
	}
	if got, err := r.Text("t/1").String(ctx); err != nil || got != "typed a text" {
		t.Errorf("the text is %q, %v", got, err)
	}
	p.do(r.Set(ctx, "a/1", 2))
	p.shows(r, "a/1", "2")
	if _, _, err := replica.SyncPair(ctx, p.a, r); err != nil {
		t.Errorf("a sync beside it: %v", err)
	}
}
