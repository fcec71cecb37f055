package sqlite

import (
	"bytes"
	"context"
	"errors"
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

// TestScrubLeavesNothing: of what was deleted or replaced no byte is left beside the database, unless somebody still reads it.
func TestScrubLeavesNothing(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		dir := t.TempDir()
		s := openTest(t, d, filepath.Join(dir, "a.db"))
		other := openTest(t, d, filepath.Join(dir, "a.db"))
		secret := []byte("what nobody is to read again")
		holds := func() bool {
			t.Helper()
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range files {
				b, err := os.ReadFile(filepath.Join(dir, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				found = found || bytes.Contains(b, secret)
			}
			return found
		}
		big := bytes.Repeat([]byte{7}, 100_000)
		for i := range uint64(20) {
			putTest(t, s, store.Runs, string(store.IntKey(i)), append(bytes.Clone(big), secret...))
		}
		if err := s.Shrink(t.Context()); err != nil { // so that the file has it too
			t.Fatal(err)
		}
		err := other.View(t.Context(), func(store.Tx) error {
			for i := range uint64(20) {
				putTest(t, s, store.Runs, string(store.IntKey(i)), big)
			}
			if err := s.Scrub(t.Context()); !errors.Is(err, store.ErrBusy) {
				t.Errorf("scrubbed beside a reader: %v", err)
			}
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Scrub(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("scrubbed for nobody: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !holds() {
			t.Error("there is nothing to scrub: the test proves nothing")
		}
		if err := s.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		if holds() {
			t.Error("it is still there")
		}
		got, err := other.GetOne(t.Context(), store.Runs, store.IntKey(7))
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("a row that stayed is %d bytes, %v", len(got), err)
		}
	})
}
