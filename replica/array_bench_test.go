package replica_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/replica"
)

// manyItems is how long the lists of the benchmarks are.
const manyItems = 10_000

// insertItems inserts items one by one, as an application does that has them one by one.
func insertItems(tb testing.TB, list *replica.Array) {
	tb.Helper()
	for i := range manyItems {
		if err := list.Insert(tb.Context(), i, map[string]any{"id": i, "title": fmt.Sprint("item ", i)}); err != nil {
			tb.Fatal(err)
		}
	}
	if _, err := list.Commit(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkArrayInsert is a list of 10,000 items, inserted one by one.
func BenchmarkArrayInsert(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r, st := openNormal(b, filepath.Join(b.TempDir(), "list.db"))
		b.StartTimer()
		insertItems(b, r.Array(arrayKey))
		b.StopTimer()
		_, _ = r.Close(), st.Close()
		b.StartTimer()
	}
}

// BenchmarkArrayOpen opens such a list in a database that was just opened, and reads its last item.
func BenchmarkArrayOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "list.db")
	r, st := openNormal(b, path)
	insertItems(b, r.Array(arrayKey))
	_, _ = r.Close(), st.Close()
	for b.Loop() {
		b.StopTimer()
		r, st := openNormal(b, path)
		b.StartTimer()
		var item struct{ ID int }
		if err := r.Array(arrayKey).Get(b.Context(), manyItems-1, &item); err != nil || item.ID != manyItems-1 {
			b.Fatalf("%v, %v", item, err)
		}
		b.StopTimer()
		_, _ = r.Close(), st.Close()
		b.StartTimer()
	}
}

// BenchmarkArrayMove moves an item of such a list, each move its own commit.
func BenchmarkArrayMove(b *testing.B) {
	r, st := openNormal(b, filepath.Join(b.TempDir(), "list.db"))
	defer func() { _, _ = r.Close(), st.Close() }()
	list := r.Array(arrayKey)
	insertItems(b, list)
	for i := 0; b.Loop(); i++ {
		if err := list.Move(b.Context(), i%manyItems, (i*7919+1)%manyItems); err != nil {
			b.Fatal(err)
		}
		if _, err := list.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
