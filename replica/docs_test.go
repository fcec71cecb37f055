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
