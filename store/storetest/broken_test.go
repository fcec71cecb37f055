package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
)

// broken is a store in memory with one thing wrong with it.
type broken struct {
	*memory.Store
	update func(s *memory.Store, fn func(store.Tx) error) error
	get    func(v []byte, err error) ([]byte, error)
	scan   func(tx store.Tx, t store.Table, r store.Range) iter.Seq2[store.Row, error]
	write  func(tx store.Tx, err error) error
	put    func(tx store.Tx, t store.Table, key, value []byte) error
	close  func() error
}

func (b broken) View(ctx context.Context, fn func(store.Tx) error) error {
	return b.Store.View(ctx, func(tx store.Tx) error { return fn(brokenTx{tx, b}) })
}

func (b broken) Update(ctx context.Context, fn func(store.Tx) error) error {
	wrapped := func(tx store.Tx) error { return fn(brokenTx{tx, b}) }
	if b.update != nil && ctx.Err() == nil {
		return b.update(b.Store, wrapped)
	}
	return b.Store.Update(ctx, wrapped)
}

func (b broken) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Store.Close()
}

type brokenTx struct {
	store.Tx
	b broken
}

func (x brokenTx) Get(t store.Table, key []byte) ([]byte, error) {
	v, err := x.Tx.Get(t, key)
	if x.b.get != nil {
		return x.b.get(v, err)
	}
	return v, err
}

func (x brokenTx) Put(t store.Table, key, value []byte) error {
	if x.b.put != nil {
		return x.b.put(x.Tx, t, key, value)
	}
	err := x.Tx.Put(t, key, value)
	if x.b.write != nil {
		return x.b.write(x.Tx, err)
	}
	return err
}

func (x brokenTx) Delete(t store.Table, key []byte) error {
	err := x.Tx.Delete(t, key)
	if x.b.write != nil {
		return x.b.write(x.Tx, err)
	}
	return err
}

func (x brokenTx) Scan(t store.Table, r store.Range) iter.Seq2[store.Row, error] {
	if x.b.scan != nil {
		return x.b.scan(x.Tx, t, r)
	}
	return x.Tx.Scan(t, r)
}

// mutants are the broken stores, each with the test of the kit that must notice.
var mutants = map[string]struct {
	noticedBy string
	b         broken
}{
	"commits in spite of an error": {"AllOrNothing", broken{update: func(s *memory.Store, fn func(store.Tx) error) error {
		var failed error
		err := s.Update(context.Background(), func(tx store.Tx) error {
			failed = fn(tx)
			return nil
		})
		return errors.Join(failed, err)
	}}},
	"forgets what was written": {"Snapshots", broken{update: func(s *memory.Store, fn func(store.Tx) error) error {
		undo := errors.New("undo")
		err := s.Update(context.Background(), func(tx store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return undo
		})
		if errors.Is(err, undo) {
			return nil
		}
		return err
	}}},
	"lets views write": {"ReadOnlyView", broken{write: func(_ store.Tx, err error) error {
		if errors.Is(err, store.ErrReadOnly) {
			return nil
		}
		return err
	}}},
	"takes any key": {"Keys", broken{write: func(_ store.Tx, err error) error {
		if errors.Is(err, store.ErrKey) {
			return nil
		}
		return err
	}}},
	"has a value for every key": {"Missing", broken{get: func(v []byte, err error) ([]byte, error) {
		if errors.Is(err, store.ErrNotFound) {
			return []byte{}, nil
		}
		return v, err
	}}},
	"truncates": {"LargeValues", broken{put: func(tx store.Tx, t store.Table, key, value []byte) error {
		return tx.Put(t, key, value[:min(len(value), 1<<16)])
	}}},
	"hands out one buffer": {"Ownership", broken{get: func() func(v []byte, err error) ([]byte, error) {
		var buffer []byte
		return func(v []byte, err error) ([]byte, error) {
			if err != nil {
				return nil, err
			}
			buffer = append(buffer[:0], v...)
			clear(v) // as if the row were the store's own memory
			return buffer, nil
		}
	}()}},
	"includes the upper bound": {"Ranges", broken{scan: func(tx store.Tx, t store.Table, r store.Range) iter.Seq2[store.Row, error] {
		if r.To != nil {
			r.To = store.After(r.To)
		}
		return tx.Scan(t, r)
	}}},
	"scans upwards only": {"Ranges", broken{scan: func(tx store.Tx, t store.Table, r store.Range) iter.Seq2[store.Row, error] {
		r.Reverse = false
		return tx.Scan(t, r)
	}}},
	"drops the last row": {"Model", broken{scan: func(tx store.Tx, t store.Table, r store.Range) iter.Seq2[store.Row, error] {
		return func(yield func(store.Row, error) bool) {
			var held *store.Row
			for row, err := range tx.Scan(t, r) {
				if held != nil && !yield(*held, err) {
					return
				}
				held = &store.Row{Key: bytes.Clone(row.Key), Value: row.Value}
			}
		}
	}}},
	"goes on after a break": {"ScanBreak", broken{scan: func(tx store.Tx, t store.Table, r store.Range) iter.Seq2[store.Row, error] {
		return func(yield func(store.Row, error) bool) {
			for row, err := range tx.Scan(t, r) {
				yield(row, err)
			}
		}
	}}},
	"stays open": {"Close", broken{close: func() error { return nil }}},
}

const mutantEnv = "KDELTA_STORETEST_MUTANT"

// TestMutant is run by TestEveryMutantIsNoticed in a process of its own, to fail there.
func TestMutant(t *testing.T) {
	mutant, ok := mutants[os.Getenv(mutantEnv)]
	if !ok {
		return
	}
	storetest.Run(t, storetest.Adapter{Open: func(context.Context, string) (store.Store, error) {
		b := mutant.b
		b.Store = memory.New()
		return b, nil
	}})
}

// TestEveryMutantIsNoticed proves the kit: each broken store fails, in the test that is there for it.
func TestEveryMutantIsNoticed(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Skip("no processes here: ", err)
	}
	for name, mutant := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self, "-test.run=^TestMutant$/^"+mutant.noticedBy+"$", "-test.timeout=30s", "-rapid.nofailfile")
			cmd.Env = append(os.Environ(), mutantEnv+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "FAIL: TestMutant/"+mutant.noticedBy) {
				t.Errorf("%s did not notice a store that %s: %v\n%s", mutant.noticedBy, name, err, out)
			}
		})
	}
}
