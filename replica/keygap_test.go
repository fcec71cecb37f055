package replica

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// TestKeyGap asks for keys that mostly ascend, some of which are there: no gap ever holds one that is.
func TestKeyGap(t *testing.T) {
	const keys = 400
	at := func(i int) string { return fmt.Sprintf("k/%03d", i) }
	rapid.Check(t, func(t *rapid.T) {
		st := memory.New()
		there := rapid.SliceOfN(rapid.IntRange(0, keys), 0, 5).Draw(t, "there")
		err := st.Update(context.Background(), func(tx store.Tx) error {
			for _, i := range there {
				if err := tx.Put(store.Docs, []byte(at(i)), []byte("row")); err != nil {
					return err
				}
			}
			var gap keyGap
			spared := 0
			ask := func(i int) error {
				_, err := tx.Get(store.Docs, []byte(at(i)))
				switch held := gap.holds(at(i)); {
				case held && err == nil:
					t.Fatalf("the gap %+v holds %s, which is there", gap, at(i))
				case held:
					spared++
				case errors.Is(err, store.ErrNotFound):
					return gap.miss(tx, at(i))
				}
				return nil
			}
			for asked := 0; asked < 20; asked++ {
				from, n := rapid.IntRange(0, keys).Draw(t, "from"), rapid.IntRange(1, 40).Draw(t, "n")
				for i := from; i < from+n; i++ {
					if err := ask(i); err != nil {
						return err
					}
				}
			}
			if spared = 0; len(there) > 0 {
				return nil
			}
			for i := range keys {
				if err := ask(i); err != nil {
					return err
				}
			}
			if spared < keys-2*minAscents {
				t.Fatalf("in an empty store %d of %d keys were spared a look", spared, keys)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestAscendingKeysThatWereThere: a commit that writes so many keys that it lets go of some on its way, and then writes them
// again, knows what they were, as it knows those that were there before.
func TestAscendingKeysThatWereThere(t *testing.T) {
	const keys = maxDocs + maxDocs/2
	ctx := t.Context()
	src, err := Open(ctx, memory.New(), testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	invite, err := src.Invite(ctx, InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dst, err := Join(ctx, memory.New(), invite, testOptions(2))
	if err != nil {
		t.Fatal(err)
	}
	set := func(r *Replica, from, to int) {
		_, err := r.Update(ctx, func(tx *Tx) error {
			for i := from; i < to; i++ {
				if err := tx.Set(fmt.Sprintf("k/%05d", i), i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(dst, keys/3, keys/3+1)
	for range 2 {
		for i := 0; i < keys; i += 64 {
			set(src, i, i+64)
		}
	}
	_, report, err := SyncPair(ctx, src, dst)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Equal {
		t.Error("the two are not equal after a sync")
	}
	verified, err := dst.Verify(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range verified.Damage {
		t.Error(damage)
	}
}

// TestAscendingKeysOfManyCommits: a commit does not look for new keys that ascend from those of the commits before it, and knows what
// there is of a key that is no longer at hand, or that somebody else wrote.
func TestAscendingKeysOfManyCommits(t *testing.T) {
	const keys = 4 * minAscents
	ctx := t.Context()
	st := &lookCounter{Store: memory.New()}
	r, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if _, err := r.Set(ctx, fmt.Sprintf("k/%03d", i), i); err != nil {
			t.Fatal(err)
		}
	}
	if st.looks > 2*minAscents {
		t.Errorf("%d new keys that ascend were looked for %d times", keys, st.looks)
	}
	for n, writers := range [][]*Replica{{r, r}, {other, r}} {
		for i := range keys {
			key, sum := fmt.Sprintf("%d/%03d", n, i), 0
			for _, writer := range writers {
				if _, err := writer.Add(ctx, key, 1); err != nil { // a counter does not stay at hand
					t.Fatal(err)
				}
			}
			if _, err := r.Get(ctx, key, &sum); err != nil || sum != len(writers) {
				t.Errorf("%s is at %d, %v; want %d", key, sum, err, len(writers))
			}
		}
	}
}
