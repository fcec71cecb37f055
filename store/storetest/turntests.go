package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kdelta/kdelta/store"
)

// addOne reads a counter and writes it back one higher: the transaction that a store without turns gets wrong.
func addOne(tx store.Tx, table store.Table, key []byte) error {
	v, err := tx.Get(table, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	var n uint64
	if err == nil {
		n = binary.BigEndian.Uint64(v)
	}
	return tx.Put(table, key, binary.BigEndian.AppendUint64(nil, n+1))
}

func testNoLostIncrement(t *testing.T, a Adapter) {
	s := open(t, a)
	incrementFrom(t, []store.Store{s}, 8, 25)
}

// incrementFrom lets goroutines, spread over handles of the same data, add to one counter.
func incrementFrom(t *testing.T, handles []store.Store, goroutines, times int) {
	t.Helper()
	key := []byte("counter")
	var group sync.WaitGroup
	errs := make(chan error, goroutines)
	for g := range goroutines {
		s := handles[g%len(handles)]
		group.Go(func() {
			for range times {
				err := s.Update(context.Background(), func(tx store.Tx) error { return addOne(tx, store.Meta, key) })
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("Update: %v", err)
	}
	want := binary.BigEndian.AppendUint64(nil, uint64(goroutines*times))
	for _, s := range handles {
		wantStored(t, s, store.Meta, key, want)
	}
}

// testReadersBesideWriter keeps two tables equal in every commit and looks whether any reader sees them differ.
func testReadersBesideWriter(t *testing.T, a Adapter) {
	s := open(t, a)
	left, right := []byte("left"), store.IntKey(1)
	both := func(n uint64) func(tx store.Tx) error {
		v := binary.BigEndian.AppendUint64(nil, n)
		return func(tx store.Tx) error {
			return errors.Join(tx.Put(store.Meta, left, v), tx.Put(store.Runs, right, v))
		}
	}
	update(t, s, both(0))
	var done atomic.Bool
	var group sync.WaitGroup
	errs := make(chan error, 4)
	for range 4 {
		group.Go(func() {
			newest := uint64(0)
			for last := false; !last; {
				last = done.Load() // one more look after the writer has ended
				n, err := readBoth(s, left, right)
				if err == nil && n < newest {
					err = fmt.Errorf("a reader saw %d after %d", n, newest)
				}
				if err != nil {
					errs <- err
					return
				}
				newest = n
			}
			if newest != 100 {
				errs <- fmt.Errorf("a reader that began after the last commit saw %d, want 100", newest)
			}
		})
	}
	for n := range uint64(100) {
		update(t, s, both(n+1))
	}
	done.Store(true)
	group.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

// readBoth reads the two rows in one View and returns their number, or an error if they differ.
func readBoth(s store.Store, left, right []byte) (uint64, error) {
	var n uint64
	err := s.View(context.Background(), func(tx store.Tx) error {
		l, err := tx.Get(store.Meta, left)
		if err != nil {
			return err
		}
		r, err := tx.Get(store.Runs, right)
		if err != nil {
			return err
		}
		if string(l) != string(r) {
			return fmt.Errorf("one snapshot has %x and %x", l, r)
		}
		n = binary.BigEndian.Uint64(l)
		return nil
	})
	return n, err
}

func testCancelledWait(t *testing.T, a Adapter) {
	s := open(t, a)
	ran := func(store.Tx) error {
		t.Error("fn ran although the context had ended")
		return nil
	}
	update(t, s, func(tx store.Tx) error {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		wantErr(t, "Update behind another", s.Update(ctx, ran), context.DeadlineExceeded)
		return tx.Put(store.Meta, []byte("k"), []byte("v"))
	})
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	wantErr(t, "Update with a cancelled context", s.Update(cancelled, ran), context.Canceled)
	wantErr(t, "View with a cancelled context", s.View(cancelled, ran), context.Canceled)
	wantStored(t, s, store.Meta, []byte("k"), []byte("v"))

	// A context that ends while fn runs changes nothing: the turn has come.
	ctx, cancel := context.WithCancel(context.Background())
	err := s.Update(ctx, func(tx store.Tx) error {
		cancel()
		return tx.Put(store.Meta, []byte("k"), []byte("w"))
	})
	if err != nil {
		t.Errorf("Update whose context ended inside fn: %v", err)
	}
	wantStored(t, s, store.Meta, []byte("k"), []byte("w"))
}

func testClose(t *testing.T, a Adapter) {
	s := open(t, a)
	put(t, s, store.Meta, []byte("k"), []byte("v"))
	var finished atomic.Bool
	inside, closed := make(chan struct{}), make(chan error, 1)
	viewed := make(chan error, 1)
	go func() {
		viewed <- s.View(context.Background(), func(tx store.Tx) error {
			close(inside)
			// Give a Close that does not wait the time to do its damage; nothing but the odds of seeing it hangs on it.
			time.Sleep(20 * time.Millisecond)
			_, err := tx.Get(store.Meta, []byte("k"))
			finished.Store(true)
			return err
		})
	}()
	<-inside
	go func() { closed <- s.Close() }()
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if !finished.Load() {
		t.Error("Close returned before a running View")
	}
	if err := <-viewed; err != nil {
		t.Errorf("a View that was running when Close was called: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	nothing := func(store.Tx) error {
		t.Error("fn ran on a closed store")
		return nil
	}
	wantErr(t, "View after Close", s.View(context.Background(), nothing), store.ErrClosed)
	wantErr(t, "Update after Close", s.Update(context.Background(), nothing), store.ErrClosed)
	if one, ok := s.(store.Getter); ok {
		_, err := one.GetOne(context.Background(), store.Meta, []byte("k"))
		wantErr(t, "GetOne after Close", err, store.ErrClosed)
	}
	if c, ok := s.(store.Changing); ok {
		_, err := c.ChangeCounter(context.Background())
		wantErr(t, "ChangeCounter after Close", err, store.ErrClosed)
	}
}

// testCounting holds a store that numbers its states to what it says of them, with another that has the same data open.
func testCounting(t *testing.T, s, other store.Store) {
	t.Helper()
	state := func(fail error) (n uint64) {
		t.Helper()
		err := s.Update(context.Background(), func(tx store.Tx) (err error) {
			counting, ok := tx.(store.Counting)
			if !ok {
				return nil
			}
			if n, err = counting.State(); err != nil {
				t.Fatalf("State: %v", err)
			}
			if fail == nil {
				err = tx.Put(store.Meta, []byte("counted"), []byte{byte(n)})
			}
			return errors.Join(err, fail)
		})
		if !errors.Is(err, fail) {
			t.Fatalf("Update: %v", err)
		}
		return n
	}
	first := state(nil)
	if first == 0 {
		return // it does not number them
	}
	if next := state(errors.New("rolled back")); next != first+1 {
		t.Errorf("the state after the commit of %d is %d", first, next)
	}
	if next := state(nil); next != first+1 {
		t.Errorf("the state after a commit of %d and one that was rolled back is %d", first, next)
	}
	put(t, other, store.Meta, []byte("k"), []byte("between"))
	if next := state(nil); next <= first+2 {
		t.Errorf("somebody else committed to state %d, and it is %d", first+2, next)
	}
}

// testTwoHandles opens the same data twice, as two processes would.
func testTwoHandles(t *testing.T, a Adapter) {
	dir := t.TempDir()
	s := openIn(t, a, dir)
	mine, ok := s.(store.Changing)
	if !ok || !a.Persistent {
		return
	}
	other := openIn(t, a, dir)
	counter := func() uint64 {
		t.Helper()
		n, err := mine.ChangeCounter(context.Background())
		if err != nil {
			t.Fatalf("ChangeCounter: %v", err)
		}
		return n
	}
	testCounting(t, s, other)
	before := counter()
	if counter() != before {
		t.Error("the change counter moved although nobody wrote")
	}
	put(t, other, store.Meta, []byte("k"), []byte("from the other"))
	after := counter()
	if after == before {
		t.Error("the change counter stayed although another handle committed")
	}
	wantStored(t, s, store.Meta, []byte("k"), []byte("from the other"))
	if counter() != after {
		t.Error("the change counter moved although nobody wrote since")
	}
	incrementFrom(t, []store.Store{s, other}, 4, 25)
}
