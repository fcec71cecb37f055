package storetest

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/kdelta/kdelta/store"
)

func testReadOnlyView(t *testing.T, a Adapter) {
	s := open(t, a)
	put(t, s, store.Meta, []byte("k"), []byte("v"))
	view(t, s, func(tx store.Tx) error {
		wantErr(t, "Put in a View", tx.Put(store.Meta, []byte("k"), []byte("w")), store.ErrReadOnly)
		wantErr(t, "Delete in a View", tx.Delete(store.Meta, []byte("k")), store.ErrReadOnly)
		wantGet(t, tx, store.Meta, []byte("k"), []byte("v"))
		return nil
	})
	mine := errors.New("mine")
	if err := s.View(t.Context(), func(store.Tx) error { return mine }); err != mine { //nolint:errorlint // "as it is"
		t.Errorf("View = %v, want fn's error as it is", err)
	}
	wantStored(t, s, store.Meta, []byte("k"), []byte("v"))
}

// testSnapshots puts transactions inside one another: neither side may wait for the other (S5), and each sees what
// its own start or its own writes say (S3).
func testSnapshots(t *testing.T, a Adapter) {
	s := open(t, a)
	key, other := []byte("k"), []byte("other")
	put(t, s, store.Meta, key, []byte("1"))
	view(t, s, func(old store.Tx) error {
		wantGet(t, old, store.Meta, key, []byte("1"))
		update(t, s, func(tx store.Tx) error {
			if err := tx.Put(store.Meta, other, []byte("new")); err != nil {
				return err
			}
			if err := tx.Put(store.Meta, key, []byte("2")); err != nil {
				return err
			}
			wantGet(t, tx, store.Meta, key, []byte("2"))
			wantGet(t, old, store.Meta, key, []byte("1"))
			wantStored(t, s, store.Meta, key, []byte("1"))
			return nil
		})
		wantGet(t, old, store.Meta, key, []byte("1"))
		wantGet(t, old, store.Meta, other, nil)
		for row, err := range old.Scan(store.Meta, store.Range{}) {
			if err != nil {
				return err
			}
			if string(row.Key) != "k" || string(row.Value) != "1" {
				t.Errorf("the old snapshot has %s = %s", row.Key, row.Value)
			}
		}
		wantStored(t, s, store.Meta, key, []byte("2"))
		return nil
	})
}

// testAllOrNothing leaves Updates by every way out.
func testAllOrNothing(t *testing.T, a Adapter) {
	s := open(t, a)
	put(t, s, store.Meta, []byte("k"), []byte("before"))
	put(t, s, store.Runs, store.IntKey(1), []byte("run"))
	write := func(tx store.Tx) error {
		return errors.Join(
			tx.Put(store.Meta, []byte("k"), []byte("after")),
			tx.Put(store.Docs, []byte("n/k"), value(store.Docs, 1)),
			tx.Delete(store.Runs, store.IntKey(1)),
		)
	}
	unchanged := func(way string) {
		t.Helper()
		view(t, s, func(tx store.Tx) error {
			wantGet(t, tx, store.Meta, []byte("k"), []byte("before"))
			wantGet(t, tx, store.Docs, []byte("n/k"), nil)
			wantGet(t, tx, store.Runs, store.IntKey(1), []byte("run"))
			return nil
		})
		if t.Failed() {
			t.Fatalf("after leaving by %s", way)
		}
	}

	mine := errors.New("mine")
	err := s.Update(t.Context(), func(tx store.Tx) error { return errors.Join(write(tx), mine) })
	wantErr(t, "Update", err, mine)
	unchanged("an error")

	panics(t, func() {
		_ = s.Update(t.Context(), func(tx store.Tx) error {
			if err := write(tx); err != nil {
				return err
			}
			panic("boom")
		})
	})
	unchanged("a panic")

	panics(t, func() {
		_ = s.View(t.Context(), func(tx store.Tx) error {
			for _, err := range tx.Scan(store.Meta, store.Range{}) {
				if err != nil {
					return err
				}
				panic("boom")
			}
			return nil
		})
	})
	unchanged("a panic in a scan")

	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = s.Update(context.Background(), func(tx store.Tx) error {
			if err := write(tx); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
	}()
	<-exited
	unchanged("runtime.Goexit")

	update(t, s, write)
	wantStored(t, s, store.Meta, []byte("k"), []byte("after"))
	wantStored(t, s, store.Runs, store.IntKey(1), nil)
}

// panics runs run, whose panic must come through as it was.
func panics(t *testing.T, run func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != "boom" {
			t.Errorf("recovered %v, want the panic of fn to go on", got)
		}
	}()
	run()
}

func testReopen(t *testing.T, a Adapter) {
	if !a.Persistent {
		return
	}
	dir := t.TempDir()
	m := newModel()
	for round := range uint64(3) {
		s := openIn(t, a, dir)
		view(t, s, func(tx store.Tx) error {
			compareAll(t, tx, m)
			return nil
		})
		update(t, s, func(tx store.Tx) error {
			for _, table := range store.Tables() {
				for n := range uint64(20) {
					key, v := tableKey(table, n*(round+1)), value(table, n+round)
					m[table][string(key)] = v
					if err := tx.Put(table, key, v); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

func testGetOne(t *testing.T, a Adapter) {
	s := open(t, a)
	one, ok := s.(store.Getter)
	if !ok {
		return
	}
	for _, table := range store.Tables() {
		key := tableKey(table, 5)
		_, err := one.GetOne(t.Context(), table, key)
		wantErr(t, "GetOne of no row", err, store.ErrNotFound)
		put(t, s, table, key, value(table, 5))
		got, err := one.GetOne(t.Context(), table, key)
		if err != nil || string(got) != string(value(table, 5)) {
			t.Errorf("GetOne(%s) = %s, %v; want %s", table, brief(got), err, brief(value(table, 5)))
		}
		_, err = one.GetOne(t.Context(), table, nil)
		wantErr(t, "GetOne of a bad key", err, store.ErrKey)
	}
	update(t, s, func(tx store.Tx) error {
		if err := tx.Put(store.Meta, tableKey(store.Meta, 5), []byte("not yet")); err != nil {
			return err
		}
		got, err := one.GetOne(t.Context(), store.Meta, tableKey(store.Meta, 5))
		if err != nil || string(got) != string(value(store.Meta, 5)) {
			t.Errorf("GetOne beside an Update = %s, %v; want the committed row", brief(got), err)
		}
		return nil
	})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := one.GetOne(cancelled, store.Meta, tableKey(store.Meta, 5))
	wantErr(t, "GetOne with a cancelled context", err, context.Canceled)
}
