package replica

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// lookCounter counts how often the rows of keys are looked at.
type lookCounter struct {
	*memory.Store
	looks int
}

func (s *lookCounter) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(&countedLooks{tx, s}) })
}

type countedLooks struct {
	store.Tx
	counter *lookCounter
}

func (x *countedLooks) Get(t store.Table, key []byte) ([]byte, error) {
	if t == store.Docs {
		x.counter.looks++
	}
	return x.Tx.Get(t, key)
}

// TestEachKeyIsLookedForOnce: a transaction looks once for each of its keys, whatever those before it left at hand.
func TestEachKeyIsLookedForOnce(t *testing.T) {
	const size = 1000
	ctx := t.Context()
	st := &lookCounter{Store: memory.New()}
	r, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	keys := rand.New(rand.NewPCG(1, 2)).Perm(2 * maxDocs)
	for n := 0; n+size <= len(keys); n += size {
		st.looks = 0
		_, err := r.Update(ctx, func(tx *Tx) error {
			for _, k := range keys[n : n+size] {
				if err := tx.Set(fmt.Sprintf("k/%d", k), k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if st.looks > size+10 {
			t.Errorf("behind %d keys, a transaction of %d looked %d times", n, size, st.looks)
		}
	}
}

// TestKeysInConflictStayAtHand: what comes for keys on which versions stand beside each other finds them where the last sync left
// them.
func TestKeysInConflictStayAtHand(t *testing.T) {
	const keys = 100
	ctx := t.Context()
	st := &lookCounter{Store: memory.New()}
	x, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	invite, err := x.Invite(ctx, InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	y, err := Join(ctx, memory.New(), invite, testOptions(2))
	if err != nil {
		t.Fatal(err)
	}
	write := func(r *Replica, value string) {
		for k := range keys {
			if _, err := r.Set(ctx, fmt.Sprintf("k/%d", k), value); err != nil {
				t.Fatal(err)
			}
		}
	}
	sync := func() {
		st.looks = 0
		if rep, _, err := SyncPair(ctx, x, y); err != nil || !rep.Equal {
			t.Fatalf("%+v, %v", rep, err)
		}
	}
	write(x, "of x")
	write(y, "of y")
	if sync(); st.looks > keys/10 {
		t.Errorf("a pack for %d keys with small values at hand looked %d times", keys, st.looks)
	}
	write(y, "of y again")
	if sync(); st.looks > keys/10 {
		t.Errorf("a pack for %d keys that were in conflict looked %d times", keys, st.looks)
	}
	for k := range keys {
		var got string
		if _, err := x.Get(ctx, fmt.Sprintf("k/%d", k), &got); err != nil || got != "of y again" {
			t.Errorf("key %d: %q, %v", k, got, err)
		}
	}
	held, simple := 0, 0
	for _, e := range x.docs.entries {
		if e.state.IsSimple() {
			simple++
		} else {
			held += e.bytes()
		}
	}
	if held == 0 || x.docs.held != held {
		t.Errorf("%d bytes are held, and %d are counted", held, x.docs.held)
	}
	if x.docs.dropHeld(); x.docs.held != 0 || len(x.docs.entries) != simple {
		t.Errorf("of %d simple keys %d are left, with %d bytes", simple, len(x.docs.entries), x.docs.held)
	}
}
