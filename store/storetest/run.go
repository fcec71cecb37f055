package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/kdelta/kdelta/store"
)

// An Adapter says how the stores under test are opened.
type Adapter struct {
	// Open opens the store whose data is in the folder dir, which is empty at first.
	Open func(ctx context.Context, dir string) (store.Store, error)
	// Persistent says that after a Close, Open with the same folder finds what was committed. A Persistent adapter
	// whose stores are also [store.Changing] is opened twice at once.
	Persistent bool
}

// Run runs the whole kit as subtests of t.
func Run(t *testing.T, a Adapter) {
	tests := []struct {
		name string
		run  func(*testing.T, Adapter)
	}{
		{"Model", testModel},
		{"Missing", testMissing},
		{"Ownership", testOwnership},
		{"Keys", testKeys},
		{"LargeValues", testLargeValues},
		{"Ranges", testRanges},
		{"ScanAndWrite", testScanAndWrite},
		{"ScanBreak", testScanBreak},
		{"ReadOnlyView", testReadOnlyView},
		{"Snapshots", testSnapshots},
		{"AllOrNothing", testAllOrNothing},
		{"Reopen", testReopen},
		{"NoLostIncrement", testNoLostIncrement},
		{"ReadersBesideWriter", testReadersBesideWriter},
		{"CancelledWait", testCancelledWait},
		{"Close", testClose},
		{"GetOne", testGetOne},
		{"TwoHandles", testTwoHandles},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, a) })
	}
}

// open opens the store of a fresh folder and closes it when the test ends.
func open(t *testing.T, a Adapter) store.Store {
	t.Helper()
	return openIn(t, a, t.TempDir())
}

func openIn(t *testing.T, a Adapter, dir string) store.Store {
	t.Helper()
	s, err := a.Open(context.Background(), dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// failer is what testing.TB and rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func update(t failer, s store.Store, fn func(tx store.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func view(t failer, s store.Store, fn func(tx store.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

func put(t failer, s store.Store, table store.Table, key, value []byte) {
	t.Helper()
	update(t, s, func(tx store.Tx) error { return tx.Put(table, key, value) })
}

// wantGet checks one row; a nil want means that there is none.
func wantGet(t failer, tx store.Tx, table store.Table, key, want []byte) {
	t.Helper()
	got, err := tx.Get(table, key)
	switch {
	case want == nil && errors.Is(err, store.ErrNotFound):
	case want == nil:
		t.Fatalf("Get(%s, %x) = %d bytes, %v; want ErrNotFound", table, key, len(got), err)
	case err != nil:
		t.Fatalf("Get(%s, %x): %v", table, key, err)
	case string(got) != string(want):
		t.Fatalf("Get(%s, %x) = %s, want %s", table, key, brief(got), brief(want))
	}
}

// wantStored is wantGet in a View of its own.
func wantStored(t failer, s store.Store, table store.Table, key, want []byte) {
	t.Helper()
	view(t, s, func(tx store.Tx) error {
		wantGet(t, tx, table, key, want)
		return nil
	})
}
