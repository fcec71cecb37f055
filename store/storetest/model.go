package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/store"
)

// model is the oracle: what a store should hold, as plainly as Go can say it.
type model []map[string][]byte

func newModel() model {
	m := make(model, len(store.Tables()))
	for i := range m {
		m[i] = map[string][]byte{}
	}
	return m
}

func (m model) clone() model {
	c := newModel()
	for i, table := range m {
		for k, v := range table {
			c[i][k] = v
		}
	}
	return c
}

// rows lists what a scan should yield.
func (m model) rows(t store.Table, r store.Range) []store.Row {
	var rows []store.Row
	for k, v := range m[t] {
		key := []byte(k)
		if bytes.Compare(key, r.From) < 0 || r.To != nil && bytes.Compare(key, r.To) >= 0 {
			continue
		}
		if r.KeysOnly {
			v = nil
		}
		rows = append(rows, store.Row{Key: key, Value: v})
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return bytes.Compare(a.Key, b.Key) })
	if r.Reverse {
		slices.Reverse(rows)
	}
	return rows
}

// errUndo makes an Update of the model test roll back.
var errUndo = errors.New("undo")

// testModel runs drawn transactions, some of which fail, against store and model.
func testModel(t *testing.T, a Adapter) {
	dir := t.TempDir()
	s, err := a.Open(context.Background(), dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		wipe(rt, s)
		m := newModel()
		for range rapid.IntRange(1, 4).Draw(rt, "transactions") {
			m = drawUpdate(rt, s, m)
			view(rt, s, func(tx store.Tx) error { return compareRange(rt, tx, m) })
		}
		if a.Persistent && rapid.IntRange(0, 3).Draw(rt, "reopen") == 0 {
			if err := s.Close(); err != nil {
				rt.Fatalf("Close: %v", err)
			}
			if s, err = a.Open(context.Background(), dir); err != nil {
				rt.Fatalf("Open again: %v", err)
			}
		}
		view(rt, s, func(tx store.Tx) error {
			compareAll(rt, tx, m)
			return nil
		})
	})
}

// drawUpdate runs one Update and returns what the store should hold after it.
func drawUpdate(rt *rapid.T, s store.Store, before model) model {
	after := before.clone()
	end := rapid.SampledFrom([]error{nil, nil, nil, errUndo}).Draw(rt, "end")
	err := s.Update(context.Background(), func(tx store.Tx) error {
		for range rapid.IntRange(0, 10).Draw(rt, "operations") {
			if err := drawOperation(rt, tx, after); err != nil {
				return err
			}
		}
		compareAll(rt, tx, after)
		return end
	})
	if !errors.Is(err, end) || (end == nil) != (err == nil) {
		rt.Fatalf("Update = %v, want fn's error %v", err, end)
	}
	if end != nil {
		return before
	}
	return after
}

// drawOperation does one thing to the transaction and to the model.
func drawOperation(rt *rapid.T, tx store.Tx, m model) error {
	t := rapid.SampledFrom(store.Tables()).Draw(rt, "table")
	key := drawKey(rt, t)
	switch rapid.SampledFrom([]string{"put", "put", "put", "delete", "get", "scan"}).Draw(rt, "operation") {
	case "put":
		v := value(t, rapid.Uint64Range(0, 1000).Draw(rt, "value"))
		m[t][string(key)] = v
		return tx.Put(t, key, v)
	case "delete":
		delete(m[t], string(key))
		return tx.Delete(t, key)
	case "scan":
		return compareRange(rt, tx, m)
	default:
		wantGet(rt, tx, t, key, m[t][string(key)])
		return nil
	}
}

// drawKey draws from few keys, so that they meet again and are prefixes of one another.
func drawKey(rt *rapid.T, t store.Table) []byte {
	if t.Integer() {
		return store.IntKey(rapid.SampledFrom([]uint64{
			0, 1, 2, 3, 254, 255, 256, 1 << 32, 1<<53 + 1, store.MaxInt - 1, store.MaxInt,
		}).Draw(rt, "key"))
	}
	return rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, '/', 'a', '%', 0x7f, 0x80, 0xff}), 1, 3).Draw(rt, "key")
}

func drawBound(rt *rapid.T, t store.Table, label string) []byte {
	switch rapid.IntRange(0, 4).Draw(rt, label) {
	case 0:
		return nil
	case 1:
		return drawKey(rt, t)
	case 2:
		return store.After(drawKey(rt, t))
	case 3:
		return store.PrefixEnd(drawKey(rt, t))
	default:
		return rapid.SliceOfN(rapid.Byte(), 0, 10).Draw(rt, label+" bytes")
	}
}

// compareRange compares one drawn range of one drawn table.
func compareRange(rt *rapid.T, tx store.Tx, m model) error {
	t := rapid.SampledFrom(store.Tables()).Draw(rt, "table")
	compare(rt, tx, t, store.Range{
		From: drawBound(rt, t, "from"), To: drawBound(rt, t, "to"),
		Reverse: rapid.Bool().Draw(rt, "reverse"), KeysOnly: rapid.Bool().Draw(rt, "keys only"),
	}, m)
	return nil
}

func compareAll(t failer, tx store.Tx, m model) {
	t.Helper()
	for _, table := range store.Tables() {
		compare(t, tx, table, store.Range{}, m)
	}
}

func compare(t failer, tx store.Tx, table store.Table, r store.Range, m model) {
	t.Helper()
	want := m.rows(table, r)
	i := 0
	for got, err := range tx.Scan(table, r) {
		switch {
		case err != nil:
			t.Fatalf("Scan(%s, %+v): %v", table, r, err)
		case i == len(want):
			t.Fatalf("Scan(%s, %+v): row %x too many", table, r, got.Key)
		case !bytes.Equal(got.Key, want[i].Key):
			t.Fatalf("Scan(%s, %+v): key %d is %x, want %x", table, r, i, got.Key, want[i].Key)
		case !bytes.Equal(got.Value, want[i].Value):
			t.Fatalf("Scan(%s, %+v): value of %x is %s, want %s", table, r, got.Key, brief(got.Value), brief(want[i].Value))
		case r.KeysOnly && got.Value != nil:
			t.Fatalf("Scan(%s, %+v): a value although only keys were wanted", table, r)
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("Scan(%s, %+v): %d rows, want %d", table, r, i, len(want))
	}
}

// wipe empties the store.
func wipe(t failer, s store.Store) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		for _, table := range store.Tables() {
			var keys [][]byte
			for row, err := range tx.Scan(table, store.Range{KeysOnly: true}) {
				if err != nil {
					return err
				}
				keys = append(keys, bytes.Clone(row.Key))
			}
			for _, key := range keys {
				if err := tx.Delete(table, key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
