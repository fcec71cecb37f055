package replica_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// fillable is a store that may be full.
type fillable struct {
	store.Store
	full bool
}

func (f *fillable) Update(ctx context.Context, fn func(store.Tx) error) error {
	return f.Store.Update(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil || !f.full {
			return err
		}
		return store.ErrFull
	})
}

// TestTypedBesideWhatCannotLand: what was typed into one text becomes a version, and says so, whatever keeps back what was typed into
// another one.
func TestTypedBesideWhatCannotLand(t *testing.T) {
	ctx := t.Context()
	disk := &fillable{Store: memory.New()}
	open := func(st store.Store) *replica.Replica {
		r, err := replica.Open(ctx, st, replica.Options{Typing: replica.Typing{Rest: -1}})
		check(err)
		return r
	}
	r, elsewhere := open(disk), open(disk.Store)
	stuck, text := r.Text("texts/a"), r.Text("texts/b")
	check(stuck.Insert(ctx, 0, "stuck"))
	must(elsewhere.Set(ctx, "texts/a", "a value"))
	check(text.Insert(ctx, 0, "typed"))
	disk.full = true
	if _, err := text.Commit(ctx); !errors.Is(err, store.ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	disk.full = false
	if v, err := text.Commit(ctx); err != nil || v.IsZero() {
		t.Errorf("%v, %v", v, err)
	}
	if got, err := elsewhere.Text("texts/b").String(ctx); err != nil || got != "typed" {
		t.Errorf("what is durable is %q, %v", got, err)
	}
	check(text.Insert(ctx, 5, " on"))
	if _, err := stuck.Commit(ctx); !errors.Is(err, replica.ErrWrongKind) {
		t.Errorf("the text that cannot land: %v", err)
	}
	if err := r.Close(); !errors.Is(err, replica.ErrWrongKind) {
		t.Errorf("closing with it: %v", err)
	}
	if got, err := elsewhere.Text("texts/b").String(ctx); err != nil || got != "typed on" {
		t.Errorf("what is durable in the end is %q, %v", got, err)
	}
}
