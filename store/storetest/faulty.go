package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/kdelta/kdelta/store"
)

// ErrCrashed is what a store says whose process died. As the Err of a [Fault] it kills the store: the Update that is
// running is rolled back, and every call from then on returns ErrCrashed. What a restart would find is in the wrapped
// store.
var ErrCrashed = errors.New("storetest: the process died here")

// A Site is a kind of place where a store can fail.
type Site uint8

// The sites. Each is counted on its own, from 1, over the life of the wrapper.
const (
	Begin  Site = iota // an Update that was called; its fn has not run
	Write              // a Put or Delete in an Update
	Commit             // an Update whose fn returned nil
	Read               // a View or GetOne that was called, or a Get in any transaction
	sites
)

var siteNames = [sites]string{"begin", "write", "commit", "read"}

// String is the site's name.
func (s Site) String() string { return siteNames[s] }

// A Fault is one thing that goes wrong.
type Fault struct {
	// Site and Nth say where: at the Nth event of Site, the first being 1.
	Site Site
	Nth  int
	// Times says how many events in a row fail, 0 meaning 1. Below 0: all that follow, as on a disk that stays full.
	Times int
	// After lets the event happen first. After a Commit that means that the rows are there but the caller was told
	// otherwise. After a Write the row is in the transaction and shares its fate; after a Begin fn has run and is
	// rolled back; after a Read the result is lost.
	After bool
	// Err is what the caller gets: ErrCrashed, store.ErrFull, store.ErrBusy, ….
	Err error
}

func (f Fault) hits(s Site, n int) bool {
	return f.Site == s && n >= f.Nth && (f.Times < 0 || n < f.Nth+max(f.Times, 1))
}

// A Plan is the faults that a store will have. Where several hit one event the first counts.
type Plan []Fault

// FaultyStore is a store that fails by plan. It is a [store.Getter] and a [store.Changing] whatever it wraps.
type FaultyStore struct {
	inner store.Store
	plan  Plan

	mu      sync.Mutex
	counts  [sites]int
	crashed bool
}

// Faulty wraps s. Its Close closes s, unless it crashed: a dead process closes nothing.
//
// A write that failed dooms its Update, as it does in a real database: fn may swallow the error, the Update returns
// it all the same and nothing is committed.
func Faulty(s store.Store, plan Plan) *FaultyStore { return &FaultyStore{inner: s, plan: plan} }

// Count returns how many events of a site there have been.
func (f *FaultyStore) Count(s Site) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[s]
}

// Crashed reports whether the store has died.
func (f *FaultyStore) Crashed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashed
}

// event counts an event and runs it, with the fault that the plan has for it.
func (f *FaultyStore) event(s Site, run func() error) error {
	fault, hit, err := f.arrive(s)
	switch {
	case err != nil:
		return err
	case !hit:
		return run()
	case fault.After:
		if err := run(); err != nil {
			return err
		}
	}
	return f.strike(fault)
}

// arrive counts an event and looks up its fault. Its error says that the store is dead.
func (f *FaultyStore) arrive(s Site) (fault Fault, hit bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crashed {
		return Fault{}, false, ErrCrashed
	}
	f.counts[s]++
	for _, fault := range f.plan {
		if fault.hits(s, f.counts[s]) {
			return fault, true, nil
		}
	}
	return Fault{}, false, nil
}

func (f *FaultyStore) strike(fault Fault) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if errors.Is(fault.Err, ErrCrashed) {
		f.crashed = true
	}
	return fmt.Errorf("%w (injected at %s %d)", fault.Err, fault.Site, f.counts[fault.Site])
}

// View implements [store.Store].
func (f *FaultyStore) View(ctx context.Context, fn func(store.Tx) error) error {
	return f.event(Read, func() error {
		return f.inner.View(ctx, func(tx store.Tx) error { return fn(&faultyTx{tx: tx, store: f}) })
	})
}

// Update implements [store.Store].
func (f *FaultyStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	begin, hit, err := f.arrive(Begin)
	if err != nil {
		return err
	}
	if hit && !begin.After {
		return f.strike(begin)
	}
	var commit Fault
	var late bool
	err = f.inner.Update(ctx, func(inner store.Tx) error {
		tx := &faultyTx{tx: inner, store: f}
		if err := fn(tx); err != nil {
			return err
		}
		if tx.doomed != nil {
			return tx.doomed
		}
		if hit {
			return f.strike(begin)
		}
		if commit, late, err = f.arrive(Commit); err != nil {
			return err
		}
		if late && !commit.After {
			return f.strike(commit)
		}
		return nil
	})
	if err == nil && late {
		return f.strike(commit)
	}
	return err
}

// GetOne implements [store.Getter].
func (f *FaultyStore) GetOne(ctx context.Context, t store.Table, key []byte) ([]byte, error) {
	var value []byte
	err := f.event(Read, func() (err error) {
		if one, ok := f.inner.(store.Getter); ok {
			value, err = one.GetOne(ctx, t, key)
			return err
		}
		return f.inner.View(ctx, func(tx store.Tx) error {
			value, err = tx.Get(t, key)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// ChangeCounter implements [store.Changing]. Where the wrapped store has one owner it always returns 0.
func (f *FaultyStore) ChangeCounter(ctx context.Context) (uint64, error) {
	if f.Crashed() {
		return 0, ErrCrashed
	}
	if c, ok := f.inner.(store.Changing); ok {
		return c.ChangeCounter(ctx)
	}
	return 0, f.inner.View(ctx, func(store.Tx) error { return nil }) // which says whether the store is open
}

// Close implements [store.Store].
func (f *FaultyStore) Close() error {
	if f.Crashed() {
		return nil
	}
	return f.inner.Close()
}

// faultyTx is a transaction of a FaultyStore.
type faultyTx struct {
	tx     store.Tx
	store  *FaultyStore
	doomed error // the first write that failed
}

// Get implements [store.Tx].
func (x *faultyTx) Get(t store.Table, key []byte) ([]byte, error) {
	var value []byte
	err := x.store.event(Read, func() (err error) {
		value, err = x.tx.Get(t, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// Put implements [store.Tx].
func (x *faultyTx) Put(t store.Table, key, value []byte) error {
	return x.write(func() error { return x.tx.Put(t, key, value) })
}

// Delete implements [store.Tx].
func (x *faultyTx) Delete(t store.Table, key []byte) error {
	return x.write(func() error { return x.tx.Delete(t, key) })
}

func (x *faultyTx) write(run func() error) error {
	if x.doomed != nil {
		return x.doomed
	}
	err := x.store.event(Write, run)
	if err != nil && !errors.Is(err, store.ErrKey) && !errors.Is(err, store.ErrRow) && !errors.Is(err, store.ErrReadOnly) {
		x.doomed = err
	}
	return err
}

// Scan implements [store.Tx].
func (x *faultyTx) Scan(t store.Table, r store.Range) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for row, err := range x.tx.Scan(t, r) {
			if x.store.Crashed() {
				yield(store.Row{}, ErrCrashed)
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
