package replica

import (
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/store/memory"
)

// BenchmarkSet is the whole library's share of a write: the store costs almost nothing.
func BenchmarkSet(b *testing.B) {
	r, err := Open(b.Context(), memory.New(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		v := map[string]any{"title": fmt.Sprintf("task number %08d", i), "done": i%2 == 0, "prio": i % 5}
		if _, err := r.Set(b.Context(), fmt.Sprintf("tasks/%07d", i%5000), v); err != nil {
			b.Fatal(err)
		}
	}
}
