package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/store"
)

// TestShrinkGivesBack: the room of what was deleted goes back to the disk, and what is there stays, also for another Store that has the
// file open.
func TestShrinkGivesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	row := bytes.Repeat([]byte{7}, 10_000)
	change := func(fn func(store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	change(func(tx store.Tx) error {
		for i := range uint64(300) {
			if err := tx.Put(store.Runs, store.IntKey(i), row); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := size()
	change(func(tx store.Tx) error {
		for i := range uint64(299) {
			if err := tx.Delete(store.Runs, store.IntKey(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := s.Shrink(t.Context()); err != nil {
		t.Fatal(err)
	}
	if small := size(); full < 3_000_000 || small*10 > full {
		t.Errorf("%d bytes became %d", full, small)
	}
	for _, st := range []*Store{s, other} {
		got, err := st.GetOne(t.Context(), store.Runs, store.IntKey(299))
		if err != nil || !bytes.Equal(got, row) {
			t.Errorf("the row that stayed is %d bytes, %v", len(got), err)
		}
	}
}
