package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, storetest.Adapter{
		Open: func(context.Context, string) (store.Store, error) { return memory.New(), nil },
	})
}

func put(t *testing.T, s store.Store, key, value string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(store.Meta, []byte(key), []byte(value)) })
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s *memory.Store, key, value string) {
	t.Helper()
	got, err := s.GetOne(t.Context(), store.Meta, []byte(key))
	if errors.Is(err, store.ErrNotFound) && value == "" {
		return
	}
	if err != nil || string(got) != value {
		t.Errorf("%s = %q, %v; want %q", key, got, err, value)
	}
}

func TestClonesGoTheirOwnWays(t *testing.T) {
	a := memory.New()
	put(t, a, "shared", "1")
	b := a.Clone()
	put(t, a, "shared", "a")
	put(t, a, "only a", "x")
	put(t, b, "shared", "b")
	want(t, a, "shared", "a")
	want(t, b, "shared", "b")
	want(t, b, "only a", "")
}

func TestCloneSeesNothingOfARunningUpdate(t *testing.T) {
	s := memory.New()
	put(t, s, "k", "old")
	var clone *memory.Store
	err := s.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.Put(store.Meta, []byte("k"), []byte("new")); err != nil {
			return err
		}
		clone = s.Clone()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, clone, "k", "old")
	want(t, s, "k", "new")
}

func TestCloneOfAClosedStoreIsOpen(t *testing.T) {
	s := memory.New()
	put(t, s, "k", "v")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	clone := s.Clone()
	put(t, clone, "k", "w")
	want(t, clone, "k", "w")
}

// TestManyClonesInParallel is for the race detector: clones share trees until they write.
func TestManyClonesInParallel(t *testing.T) {
	s := memory.New()
	for i := range 500 {
		put(t, s, fmt.Sprint("k", i), "0")
	}
	for g := range 4 {
		clone := s.Clone()
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			t.Parallel()
			for i := range 500 {
				put(t, clone, fmt.Sprint("k", i), fmt.Sprint(g))
			}
			for i := range 500 {
				want(t, clone, fmt.Sprint("k", i), fmt.Sprint(g))
			}
		})
	}
}

func TestATransactionThatIsOver(t *testing.T) {
	s := memory.New()
	var kept store.Tx
	err := s.Update(t.Context(), func(tx store.Tx) error {
		kept = tx
		return tx.Put(store.Meta, []byte("k"), []byte("v"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Put(store.Meta, []byte("k"), []byte("w")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Put after the Update: %v, want ErrClosed", err)
	}
	if _, err := kept.Get(store.Meta, []byte("k")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Get after the Update: %v, want ErrClosed", err)
	}
	for _, err := range kept.Scan(store.Meta, store.Range{}) {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("Scan after the Update: %v, want ErrClosed", err)
		}
	}
	want(t, s, "k", "v")
}
