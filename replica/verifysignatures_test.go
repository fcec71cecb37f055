package replica_test

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// spoiled is a database of many authors of which some rows of a table were changed, numbered from 0.
func spoiled(t *testing.T, from *memory.Store, table store.Table, change func(value []byte) []byte, rows ...int) *replica.Replica {
	t.Helper()
	st := from.Clone()
	err := st.Update(t.Context(), func(tx store.Tx) error {
		var all []store.Row
		for row, err := range tx.Scan(table, store.Range{}) {
			if err != nil {
				return err
			}
			all = append(all, store.Row{Key: bytes.Clone(row.Key), Value: bytes.Clone(row.Value)})
		}
		for _, i := range rows {
			if err := tx.Put(table, all[i].Key, change(all[i].Value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := replica.Open(t.Context(), st, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSignaturesAmongMany: of those that are verified together, each that does not hold is named, and no other; a backup that
// holds one does not come back.
func TestSignaturesAmongMany(t *testing.T) {
	replicas, stores := newSpace(t, 40)
	for i, r := range replicas {
		wrote(t)(r.Set(t.Context(), "a/"+strconv.Itoa(i), i))
		if _, _, err := replica.SyncPair(t.Context(), replicas[0], r); i > 0 && err != nil {
			t.Fatal(err)
		}
	}
	hub, ok := stores[0].(*memory.Store)
	if !ok {
		t.Fatal("another kind of store")
	}
	verified(t, replicas[0])
	for _, c := range []struct {
		table  store.Table
		change func(value []byte) []byte
		want   string
	}{
		{store.Seals, func(seal []byte) []byte {
			seal[40] ^= 1
			return seal
		}, "is not its author's signature"},
		{store.Authors, func(b []byte) []byte {
			a, err := store.DecodeAuthor(b)
			if err != nil {
				t.Fatal(err)
			}
			a.Certificate = bytes.Clone(a.Certificate)
			a.Certificate[len(a.Certificate)-20] ^= 1
			return a.Append(nil)
		}, "does not let this author into the space"},
	} {
		rows := []int{2, 3, 17, 36}
		rep, err := spoiled(t, hub, c.table, c.change, rows...).Verify(t.Context(), nil)
		if err != nil || len(rep.Damage) != len(rows) {
			t.Errorf("%s: %q, %v; %d rows were changed", c.table, rep.Damage, err, len(rows))
		}
		for _, text := range rep.Damage {
			if !strings.Contains(text, c.want) {
				t.Errorf("%s: found %q, not that one %s", c.table, text, c.want)
			}
		}
		var b bytes.Buffer
		if _, err := spoiled(t, hub, c.table, c.change, rows[0]).Backup(t.Context(), &b, replica.BackupOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := replica.Restore(t.Context(), memory.New(), &b, replica.Options{}, nil); !errors.Is(err, replica.ErrBackup) {
			t.Errorf("%s: a backup with one that does not hold comes back: %v", c.table, err)
		}
	}
}
