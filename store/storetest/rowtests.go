package storetest

import (
	"bytes"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/store"
)

func testMissing(t *testing.T, a Adapter) {
	s := open(t, a)
	for _, table := range store.Tables() {
		wantStored(t, s, table, tableKey(table, 7), nil)
		update(t, s, func(tx store.Tx) error { return tx.Delete(table, tableKey(table, 7)) })
		put(t, s, table, tableKey(table, 6), value(table, 1))
		put(t, s, table, tableKey(table, 8), value(table, 1))
		wantStored(t, s, table, tableKey(table, 7), nil)
	}
}

// testOwnership changes what was handed in and keeps what was handed out.
func testOwnership(t *testing.T, a Adapter) {
	s := open(t, a)
	for _, table := range store.Tables() {
		key, first, second := tableKey(table, 1), value(table, 1), value(table, 2)
		var kept []byte
		update(t, s, func(tx store.Tx) error {
			k, v := bytes.Clone(key), bytes.Clone(first)
			if err := tx.Put(table, k, v); err != nil {
				return err
			}
			clear(k)
			clear(v)
			wantGet(t, tx, table, key, first)
			var err error
			kept, err = tx.Get(table, key)
			if err != nil {
				return err
			}
			return tx.Put(table, key, second)
		})
		put(t, s, table, tableKey(table, 0), second)
		if !bytes.Equal(kept, first) {
			t.Errorf("%s: bytes from Get became %s after a Put, want %s", table, brief(kept), brief(first))
		}
		wantStored(t, s, table, key, second)
	}
}

func testKeys(t *testing.T, a Adapter) {
	s := open(t, a)
	longest := []byte(strings.Repeat("k", store.MaxKey))
	good := map[store.Table][][]byte{
		store.Runs:        {store.IntKey(0), store.IntKey(1<<32 - 1), store.IntKey(store.MaxInt)},
		store.Docs:        {{0}, {0xff}, []byte("a\x00b"), []byte("\xc3\x28"), longest},
		store.Checkpoints: {{0, 0}, longest},
	}
	for table, keys := range good {
		for i, key := range keys {
			put(t, s, table, key, value(table, uint64(i)))
		}
		for i, key := range keys {
			wantStored(t, s, table, key, value(table, uint64(i)))
		}
	}
	bad := map[store.Table][][]byte{
		store.Runs:      {nil, {1}, []byte("123456789"), bytes.Repeat([]byte{0xff}, 8)},
		store.Docs:      {nil, {}, append(bytes.Clone(longest), 'k')},
		store.Table(99): {{1}, store.IntKey(1)},
	}
	for table, keys := range bad {
		for _, key := range keys {
			update(t, s, func(tx store.Tx) error {
				_, err := tx.Get(table, key)
				wantErr(t, "Get of a bad key", err, store.ErrKey)
				wantErr(t, "Put of a bad key", tx.Put(table, key, value(table, 1)), store.ErrKey)
				wantErr(t, "Delete of a bad key", tx.Delete(table, key), store.ErrKey)
				return nil
			})
		}
	}
	view(t, s, func(tx store.Tx) error {
		var errs []error
		for _, err := range tx.Scan(store.Table(99), store.Range{}) {
			errs = append(errs, err)
		}
		if len(errs) != 1 || !errors.Is(errs[0], store.ErrKey) {
			t.Errorf("Scan of a table that does not exist yielded %v, want ErrKey once", errs)
		}
		return nil
	})
}

func testLargeValues(t *testing.T, a Adapter) {
	s := open(t, a)
	big := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	values := map[store.Table][]byte{
		store.Meta:        big,
		store.Runs:        big,
		store.Checkpoints: big,
		store.Sequences:   big,
		store.Docs:        (&store.Doc{Kind: "register", Value: big, State: big}).Append(nil),
		store.Peers:       (&store.Peer{Clock: big}).Append(nil),
	}
	for table, v := range values {
		put(t, s, table, tableKey(table, 1), v)
	}
	for table, v := range values {
		wantStored(t, s, table, tableKey(table, 1), v)
	}
}

func testRanges(t *testing.T, a Adapter) {
	s := open(t, a)
	m := newModel()
	update(t, s, func(tx store.Tx) error {
		for _, table := range store.Tables() {
			for n := uint64(0); n < 300; n += 3 {
				key := tableKey(table, n)
				m[table][string(key)] = value(table, n)
				if err := tx.Put(table, key, value(table, n)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		for _, table := range store.Tables() {
			at := func(n uint64) []byte { return tableKey(table, n) }
			for _, r := range []store.Range{
				{},
				{From: at(30)},
				{From: at(31)},
				{To: at(30)},
				{To: at(31)},
				{From: at(30), To: at(60)},
				{From: store.After(at(30)), To: store.After(at(60))},
				{From: at(30), To: at(30)},
				{From: at(60), To: at(30)},
				{From: at(300)},
				{From: []byte{}, To: []byte{}},
				{From: []byte{0}, To: []byte{0xff}},
				{From: at(1)[:7], To: store.PrefixEnd(at(1)[:7])},
			} {
				for _, r.Reverse = range []bool{false, true} {
					for _, r.KeysOnly = range []bool{false, true} {
						compare(t, tx, table, r, m)
					}
				}
			}
		}
		return nil
	})
}

// testScanAndWrite moves rows from one table to another while scanning, with a Get and another Scan inside.
func testScanAndWrite(t *testing.T, a Adapter) {
	s := open(t, a)
	const rows = 200
	update(t, s, func(tx store.Tx) error {
		for n := range uint64(rows) {
			if err := tx.Put(store.Pending, store.IntKey(n), value(store.Pending, n)); err != nil {
				return err
			}
		}
		return nil
	})
	m := newModel()
	update(t, s, func(tx store.Tx) error {
		for row, err := range tx.Scan(store.Pending, store.Range{}) {
			if err != nil {
				return err
			}
			n := store.KeyInt(row.Key)
			key := store.IntKey(rows - n)
			m[store.Runs][string(key)] = value(store.Pending, n)
			if err := tx.Put(store.Runs, key, row.Value); err != nil {
				return err
			}
			if err := tx.Delete(store.Runs, store.IntKey(n+1000)); err != nil {
				return err
			}
			wantGet(t, tx, store.Runs, key, row.Value)
			for inner, err := range tx.Scan(store.Pending, store.Range{From: row.Key}) {
				if err != nil {
					return err
				}
				if store.KeyInt(inner.Key) != n {
					t.Errorf("a scan inside a scan begins at %d, want %d", store.KeyInt(inner.Key), n)
				}
				break
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		compare(t, tx, store.Runs, store.Range{}, m)
		return nil
	})
}

// testScanBreak leaves scans early, by break and by return, and goes on with the same transaction and others.
func testScanBreak(t *testing.T, a Adapter) {
	s := open(t, a)
	update(t, s, func(tx store.Tx) error {
		for n := range uint64(50) {
			if err := tx.Put(store.Docs, tableKey(store.Docs, n), value(store.Docs, n)); err != nil {
				return err
			}
		}
		return nil
	})
	stop := errors.New("stop")
	for range 20 { // more often than any pool has connections
		err := s.View(t.Context(), func(tx store.Tx) error {
			if err := firstOf(tx.Scan(store.Docs, store.Range{})); err != nil {
				return err
			}
			wantGet(t, tx, store.Docs, tableKey(store.Docs, 3), value(store.Docs, 3))
			for _, err := range tx.Scan(store.Docs, store.Range{Reverse: true}) {
				return errors.Join(stop, err)
			}
			return nil
		})
		wantErr(t, "View", err, stop)
	}
	update(t, s, func(tx store.Tx) error {
		if err := firstOf(tx.Scan(store.Docs, store.Range{})); err != nil {
			return err
		}
		return tx.Delete(store.Docs, tableKey(store.Docs, 0))
	})
	wantStored(t, s, store.Docs, tableKey(store.Docs, 0), nil)
}

// firstOf breaks off a scan at its first row.
func firstOf(scan iter.Seq2[store.Row, error]) error {
	for _, err := range scan {
		if err != nil {
			return err
		}
		break
	}
	return nil
}

func wantErr(t failer, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s = %v, want %v", what, got, want)
	}
}
