package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/store"
)

// TestLogLength: between commits of a few rows the log stays short, between those of many it gets longer.
func TestLogLength(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		s := openTest(t, d, filepath.Join(t.TempDir(), "data.db"), Durability(Normal))
		page, key := bytes.Repeat([]byte{1}, 3000), uint64(0) // two rows do not fit into one page
		commit := func(rows int) {
			t.Helper()
			err := s.Update(t.Context(), func(tx store.Tx) error {
				for range rows {
					key++
					if err := tx.Put(store.Runs, store.IntKey(key), page); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		pages := func() int {
			t.Helper()
			info, err := os.Stat(s.Path() + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			return int(info.Size() / 4096)
		}
		for key < fewPages {
			commit(1)
		}
		if n := pages(); n > fewPages+100 {
			t.Errorf("after commits of one row the log has %d pages", n)
		}
		for key < 3*manyPages {
			commit(manyRows)
		}
		if n := pages(); n < manyPages || n > manyPages+2*manyRows+100 {
			t.Errorf("after commits of %d rows the log has %d pages", manyRows, n)
		}
	})
}
