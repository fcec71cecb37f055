package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// everything is all that can be read of a replica: values, logs, the past at each version, conflicts, blame.
func everything(t *testing.T, r *Replica) []string {
	t.Helper()
	ctx := context.Background()
	var out []string
	add := func(v any, err error) {
		b, failed := json.Marshal(v)
		if failed != nil {
			t.Fatal(failed)
		}
		out = append(out, fmt.Sprintf("%s %v", b, err))
	}
	var keys []string
	for row, err := range r.List(ctx, "") {
		add(row, err)
		keys = append(keys, row.Key)
	}
	var points []Version
	for e, err := range r.Log(ctx, "") {
		add(e, err)
		points = append(points, e.Version)
	}
	for _, key := range keys {
		for e, err := range r.Log(ctx, key) {
			add(e, err)
		}
		add(r.Blame(ctx, key))
		for i := 0; i < len(points); i += 7 {
			var value any
			_, err := r.At(points[i]).Get(ctx, key, &value)
			add(value, err)
		}
	}
	n, after := 0, 0
	add(nil, r.view(ctx, func(s *snap) error {
		for row, err := range s.rows(1, false) {
			if n += len(row); err != nil {
				return err
			}
		}
		for row, err := range s.rows(s.tip.next/2, false) {
			if after += len(row); err != nil {
				return err
			}
		}
		return nil
	}))
	if n != len(points) || after == 0 {
		t.Errorf("rows hold %d of %d versions, %d in the second half", n, len(points), after)
	}
	for c, err := range r.Conflicts(ctx, "", ConflictQuery{All: true}) {
		add(c, err)
	}
	return out
}

// TestCompactShowsNothing: nothing that can be read changes, to whoever packs, to another Replica that has rows of the database in
// its cache, to one that opens it later, and to a peer that gets the packed versions.
func TestCompactShowsNothing(t *testing.T) {
	w := newCareWorld(t)
	st, r := w.stores[0], w.replicas[0]
	want := everything(t, r)
	other, err := Open(t.Context(), st, testOptions(7))
	w.ok(nil, err)
	if got := everything(t, other); !reflect.DeepEqual(got, want) {
		t.Fatal("two replicas of one store differ before anything is packed")
	}
	packed := func() (loose, rows int) {
		w.ok(nil, st.View(t.Context(), func(tx store.Tx) error {
			for row, err := range tx.Scan(store.Runs, store.Range{}) {
				parts, parseErr := parseRunRow(history.LV(store.KeyInt(row.Key)), row.Value)
				if err = errors.Join(err, parseErr); err != nil {
					return err
				}
				if rows++; !parts.packed {
					loose++
				}
			}
			return nil
		}))
		return loose, rows
	}
	if loose, rows := packed(); loose != rows || rows < 50 {
		t.Fatalf("%d of %d rows are loose before", loose, rows)
	}
	w.ok(nil, r.Compact(t.Context(), nil))
	if loose, rows := packed(); loose > 2 || rows > 4 {
		t.Errorf("%d rows are left, %d of them loose", rows, loose)
	}
	later, err := Open(t.Context(), st, testOptions(8))
	w.ok(nil, err)
	for name, replica := range map[string]*Replica{"who packed": r, "another": other, "one that opens it later": later} {
		if got := everything(t, replica); !reflect.DeepEqual(got, want) {
			t.Errorf("%s sees another database", name)
		}
		rep, err := replica.Verify(t.Context(), nil)
		if err != nil || len(rep.Damage) > 0 {
			t.Errorf("verify by %s: %v, %v", name, rep.Damage, err)
		}
	}
	fresh := memory.New()
	peer, err := Join(t.Context(), fresh, w.invite(r), testOptions(6))
	w.ok(nil, err)
	w.sync(other, peer)
	if got, want := everything(t, peer), everything(t, r); !reflect.DeepEqual(got, want) {
		t.Error("a peer that got packed versions sees another database")
	}
	w.ok(r.Set(t.Context(), "notes/after", 1))
	w.ok(nil, r.Compact(t.Context(), nil))
	w.ok(nil, r.Compact(t.Context(), nil))
	if rep, err := later.Verify(t.Context(), nil); err != nil || len(rep.Damage) > 0 {
		t.Errorf("verify after more was packed: %v, %v", rep.Damage, err)
	}
}

// TestCompactMakesSmall: packed versions take a fraction of the bytes.
func TestCompactMakesSmall(t *testing.T) {
	st := memory.New()
	r, err := Open(t.Context(), st, Options{ManualCompaction: true})
	if err != nil {
		t.Fatal(err)
	}
	const versions = 3000
	_, err = r.Import(t.Context(), func(yield func(string, any) bool) {
		for i := range versions {
			if !yield(fmt.Sprintf("films/%05d", i), map[string]any{"title": fmt.Sprintf("film %d", i), "seen": i%2 == 0}) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range versions {
		if _, err := r.Set(t.Context(), fmt.Sprintf("notes/%d", i%10), i); err != nil {
			t.Fatal(err)
		}
	}
	before := runBytes(t, st)
	var done, total uint64
	if err := r.Compact(t.Context(), func(d, of uint64) { done, total = d, of }); err != nil {
		t.Fatal(err)
	}
	if done+1 < total {
		t.Errorf("%d of %d dots were packed", done, total)
	}
	if after := runBytes(t, st); after*8 > before {
		t.Errorf("%d bytes of versions became %d", before, after)
	}
	if rep, err := r.Verify(t.Context(), nil); err != nil || len(rep.Damage) > 0 {
		t.Errorf("verify: %v, %v", rep.Damage, err)
	}
	if size := largestPacked(t, r); size < packedRow/2 || size > packedRow+packedRow/2 {
		t.Errorf("the largest packed row of several versions has %d bytes of them", size)
	}
}

// largestPacked is the size, before it was packed, of the largest packed row of more than one version.
func largestPacked(t *testing.T, r *Replica) (largest int) {
	t.Helper()
	err := r.view(t.Context(), func(s *snap) error {
		for row, err := range s.rows(1, false) {
			if err != nil {
				return err
			}
			if len(row) == 1 || row[0].lv >= s.tip.packed {
				continue
			}
			size := 0
			for i := range row {
				size += stagedSize(&row[i].Version)
			}
			largest = max(largest, size)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return largest
}

// TestCompactTakesLargeRowsApart: rows that came from a peer in one piece become several, and show what they did.
func TestCompactTakesLargeRowsApart(t *testing.T) {
	w := newCareWorld(t)
	from := w.replicas[0]
	for i := range 2500 {
		w.ok(from.Set(t.Context(), fmt.Sprintf("notes/%d", i%10), i))
	}
	peer, err := Join(t.Context(), memory.New(), w.invite(from), testOptions(6))
	w.ok(nil, err)
	w.sync(from, peer)
	logOf := func() (lines []string) {
		for e, err := range peer.Log(t.Context(), "notes/3") {
			w.ok(nil, err)
			lines = append(lines, fmt.Sprint(e.Version, e.Ops, e.Clock, e.Parents))
		}
		return lines
	}
	want := logOf()
	w.ok(nil, peer.Compact(t.Context(), nil))
	peer.runs.clear()
	if got := logOf(); !reflect.DeepEqual(got, want) || len(got) < 250 {
		t.Errorf("the log of a key has %d lines, had %d", len(got), len(want))
	}
	if size := largestPacked(t, peer); size < packedRow/2 || size > packedRow+packedRow/2 {
		t.Errorf("the largest packed row has %d bytes of versions", size)
	}
	if rep, err := peer.Verify(t.Context(), nil); err != nil || len(rep.Damage) > 0 {
		t.Errorf("verify: %v, %v", rep.Damage, err)
	}
}

// TestPackingADamagedRow: a row that cannot be packed stays as it is, with those that would have gone with it: what can be read of them
// still can.
func TestPackingADamagedRow(t *testing.T) {
	ctx := t.Context()
	st := memory.New()
	r, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := r.Set(ctx, "a/1", i); err != nil {
			t.Fatal(err)
		}
	}
	damage := func(tx store.Tx) error {
		key := store.IntKey(1)
		b, err := tx.Get(store.Runs, key)
		if err != nil {
			return err
		}
		row, err := parseRunRow(1, b)
		row.links = nil
		return errors.Join(err, tx.Put(store.Runs, key, appendRunRow(nil, row)))
	}
	if err := st.Update(ctx, damage); err != nil {
		t.Fatal(err)
	}
	if err := r.Compact(ctx, nil); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("packing returned %v", err)
	}
	err = st.View(ctx, func(tx store.Tx) error {
		_, err := tx.Get(store.Runs, store.IntKey(1))
		return err
	})
	if err != nil {
		t.Errorf("the row that could not be packed: %v", err)
	}
}

func runBytes(t *testing.T, st store.Store) (n int) {
	t.Helper()
	err := st.View(t.Context(), func(tx store.Tx) error {
		for row, err := range tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			n += len(row.Key) + len(row.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
