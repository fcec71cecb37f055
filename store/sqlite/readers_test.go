package sqlite

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kdelta/kdelta/store"
)

// TestReadingInTheMidstOfReading: as many as may read at once, each of whom reads once more before he is done, all come to an end.
func TestReadingInTheMidstOfReading(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "kdelta.db"))
	if err != nil {
		t.Fatal(err)
	}
	var reading, done sync.WaitGroup
	reading.Add(maxReaders)
	for range maxReaders {
		done.Go(func() {
			err := s.View(t.Context(), func(store.Tx) error {
				reading.Done()
				reading.Wait()
				_, err := s.GetOne(t.Context(), store.Meta, []byte("k"))
				return err
			})
			if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if n := len(s.readers); n != 0 {
		t.Errorf("%d readers are counted that are done", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
