package replica_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
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
		"SyncPair from the other side": func(ctx context.Context, r, b *replica.Replica) error {
			_, _, err := replica.SyncPair(ctx, b, r)
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

// writing is a strategy and a Logger that writes to a replica whenever a commit of that calls it.
type writing struct {
	to                *replica.Replica
	resolving, warned []error
}

func (w *writing) write() error {
	if w.to == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := w.to.Set(ctx, "a/own", 1)
	return err
}

// Name and the others implement crdt.Strategy and crdt.BaseReader.
func (w *writing) Name() string    { return "writing/1" }
func (w *writing) NeedsBase() bool { return true }

func (w *writing) Resolve(crdt.Siblings) (crdt.Value, error) {
	err := w.write()
	w.resolving = append(w.resolving, err)
	return nil, err
}

// Warn implements replica.Logger.
func (w *writing) Warn(string, ...any) { w.warned = append(w.warned, w.write()) }

// TestNestedCallbacks: a strategy and a Logger that write to the replica whose commit calls them are told so, instead of waiting for
// good; the commit goes on, and whoever writes later does.
func TestNestedCallbacks(t *testing.T) {
	p := newPair(t, &writing{})
	p.strategy("notes", "writing")
	invite, err := p.a.Invite(t.Context(), replica.InviteOptions{})
	p.ok(err)
	w := &writing{}
	p.b, err = replica.Join(t.Context(), memory.New(), invite, replica.Options{Wall: p.wall, Strategies: []crdt.Strategy{w}, Logger: w})
	p.ok(err)
	w.to = p.b
	p.do(p.a.Set(t.Context(), "notes/1", "A"))
	p.do(p.b.Set(t.Context(), "notes/1", "B"))
	p.sync()
	p.shows(p.b, "notes/1", `"B"`)
	for name, told := range map[string][]error{"the strategy": w.resolving, "the Logger": w.warned} {
		if len(told) == 0 {
			t.Errorf("%s was not asked", name)
		}
		for _, err := range told {
			if !errors.Is(err, replica.ErrNested) {
				t.Errorf("%s was told %v, want ErrNested", name, err)
			}
		}
	}
	p.do(p.b.Set(t.Context(), "notes/2", "C"))
	p.shows(p.b, "a/own", "")
}

// TestWritingInLoops: the bodies of loops over what is there and what happens may write, and what they write goes on from there.
func TestWritingInLoops(t *testing.T) {
	p := newPair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	p.do(p.a.Set(ctx, "notes/1", "base"))
	p.sync()
	p.do(p.a.Set(ctx, "notes/1", "A"))
	p.do(p.b.Set(ctx, "notes/1", "B"))
	p.sync()
	note := p.a.Text("notes/text")
	p.ok(note.Insert(ctx, 0, "x"))
	for name, once := range map[string]func() error{
		"List":      func() error { return writeOnce(ctx, p.a, p.a.List(ctx, "notes/")) },
		"Log":       func() error { return writeOnce(ctx, p.a, p.a.Log(ctx, "")) },
		"Conflicts": func() error { return writeOnce(ctx, p.a, p.a.Conflicts(ctx, "")) },
		"Watch":     func() error { return writeOnce(ctx, p.a, p.a.Watch(ctx, "notes/", replica.Since("0"))) },
		"Edits":     func() error { return writeOnce(ctx, p.a, note.Edits(ctx)) },
	} {
		if err := once(); err != nil {
			t.Errorf("a write in a loop over %s: %v", name, err)
		}
	}
}

// writeOnce writes in the body of a loop.
func writeOnce[T any](ctx context.Context, r *replica.Replica, loop iter.Seq2[T, error]) error {
	for _, err := range loop {
		if err == nil {
			_, err = r.Set(ctx, "a/1", 1)
		}
		return err
	}
	return errors.New("the loop had nothing to tell")
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
