package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// manyVersions is a database of 2,000 versions by one author, of several keys and dots some of them, the first of which are
// packed: 40 of them are on the key n/rare.
func manyVersions(t testing.TB) *Replica {
	t.Helper()
	ctx := context.Background()
	opts := testOptions(1)
	opts.ManualCompaction = true
	r, err := Open(ctx, memory.New(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		_, err := r.Update(ctx, func(tx *Tx) error {
			err := tx.Set(fmt.Sprintf("n/%d", i%300), map[string]any{"n": i, "text": "some text to fill rows with"})
			for k := range i % 7 / 5 * 12 {
				err = errors.Join(err, tx.Set(fmt.Sprintf("m/%d", k), i))
			}
			if i%50 == 0 {
				err = errors.Join(err, tx.Set("n/rare", i))
			}
			return err
		})
		if err == nil && i == 1700 {
			err = r.Compact(ctx, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// The log of a key reads rows of the history down to the version that it wants of each, not to their ends.
func TestLogReadsRowsInPart(t *testing.T) {
	t.Parallel()
	r := manyVersions(t)
	r.runs.clear()
	if n := len(logged(t, r, "n/rare")); n != 40 {
		t.Fatalf("%d versions are on the key", n)
	}
	var read, all int
	err := r.view(t.Context(), func(s *snap) error {
		for first, cached := range r.runs.rows {
			value, err := s.tx.Get(store.Runs, store.IntKey(uint64(first)))
			if err != nil {
				return err
			}
			row, err := decodeRunRow(s.space, first, value)
			if err != nil {
				return err
			}
			read, all = read+len(cached.row), all+len(row)
		}
		return nil
	})
	if err != nil || all < 1000 || read > all*19/20 {
		t.Errorf("%d of %d versions were read that stand in the same rows: %v", read, all, err)
	}
	before := r.runs.bytes
	if n := len(logged(t, r, "n/rare")); n != 40 || r.runs.bytes != before {
		t.Errorf("the same log again, of %d versions, takes %d bytes of the cache more", n, r.runs.bytes-before)
	}
}

// In whatever order versions are asked for, of rows that are known in part or not at all, they are those that are stored.
func TestVersionsInAnyOrder(t *testing.T) {
	t.Parallel()
	r := manyVersions(t)
	var stand []stored
	ends := make(map[history.LV]bool) // of rows
	read := func(fn func(s *snap) error) {
		t.Helper()
		if err := r.view(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	read(func(s *snap) error {
		for row, err := range s.tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			versions, err := decodeRunRow(s.space, history.LV(store.KeyInt(row.Key)), bytes.Clone(row.Value))
			if err != nil {
				return err
			}
			stand = append(stand, versions...)
			ends[stand[len(stand)-1].lv] = true
		}
		return nil
	})
	same := func(a, b *stored) bool {
		return a.lv == b.lv && a.ID == b.ID && bytes.Equal(a.Payload, b.Payload) && fmt.Sprint(a.keys) == fmt.Sprint(b.keys)
	}
	rapid.Check(t, func(rt *rapid.T) {
		r.runs.clear()
		read(func(s *snap) error {
			for range rapid.IntRange(1, 60).Draw(rt, "asked") {
				i := rapid.IntRange(0, len(stand)-1).Draw(rt, "version")
				want := &stand[i]
				if rapid.IntRange(0, 9).Draw(rt, "how") == 0 { // the row, and all behind it
					row, err := s.runAt(want.lv, wholeRow)
					if err != nil {
						return err
					}
					from := i
					for from > 0 && stand[from].lv > row[0].lv {
						from--
					}
					for k := range row {
						if !same(&row[k], &stand[from+k]) {
							rt.Fatalf("the row of version %d has another one in place %d", want.lv, k)
						}
					}
					if last := row[len(row)-1].lv; last < want.lv || !ends[last] {
						rt.Fatalf("the whole row of version %d ends at %d", want.lv, last)
					}
					continue
				}
				v, err := s.version(want.lv - history.LV(rapid.Uint64Range(0, want.Width-1).Draw(rt, "dot")))
				if err != nil {
					return err
				}
				if !same(v, want) {
					rt.Fatalf("version %d is read as %v", want.lv, v)
				}
			}
			return nil
		})
	})
}
