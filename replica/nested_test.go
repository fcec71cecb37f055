package replica_test

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
)

// TestNestedCalls: what would wait for the Update that calls it says so, instead of waiting for good; and the Update goes on.
func TestNestedCalls(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, r, b *replica.Replica) error{
		"Set":  func(ctx context.Context, r, _ *replica.Replica) error { _, err := r.Set(ctx, "a/1", 2); return err },
		"Undo": func(ctx context.Context, r, _ *replica.Replica) error { _, err := r.Undo(ctx); return err },
		"SetSettings": func(ctx context.Context, r, _ *replica.Replica) error {
			_, err := r.SetSettings(ctx, "a", replica.Settings{Erasable: true})
			return err
		},
		"Erase":   func(ctx context.Context, r, _ *replica.Replica) error { _, err := r.Erase(ctx, "a/1"); return err },
		"Compact": func(ctx context.Context, r, _ *replica.Replica) error { return r.Compact(ctx, nil) },
		"Backup": func(ctx context.Context, r, _ *replica.Replica) error {
			_, err := r.Backup(ctx, new(bytes.Buffer), replica.BackupOptions{})
			return err
		},
		"SyncPair": func(ctx context.Context, r, b *replica.Replica) error {
			_, _, err := replica.SyncPair(ctx, r, b)
			return err
		},
		"Text":  func(ctx context.Context, r, _ *replica.Replica) error { return r.Text("t/1").Insert(ctx, 0, "x") },
		"Close": func(_ context.Context, r, _ *replica.Replica) error { return r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.do(p.a.Set(t.Context(), "a/1", 1))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			var nested error
			_, err := p.a.Update(t.Context(), func(tx *replica.Tx) error {
				nested = call(ctx, p.a, p.b)
				return tx.Set("a/1", name)
			})
			p.shows(p.a, "a/1", strconv.Quote(name))
			if err != nil || !errors.Is(nested, replica.ErrNested) {
				t.Errorf("inside of an Update, which returned %v, it returned %v", err, nested)
			}
		})
	}
}

// TestWritingWhilePacking: who hears how far the packing of a database has come may write to it.
func TestWritingWhilePacking(t *testing.T) {
	p := newPair(t)
	for i := range 3 {
		p.do(p.a.Set(t.Context(), "a/1", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	heard := 0
	err := p.a.Compact(ctx, func(done, total uint64) {
		if _, err := p.a.Set(ctx, "a/done", done); err != nil {
			t.Errorf("a write at %d of %d: %v", done, total, err)
		}
		heard++
	})
	if err != nil || heard == 0 {
		t.Errorf("%v, after it was heard of %d times", err, heard)
	}
}
