package replica

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

// BenchmarkApplyPacks verifies and commits 100,000 versions of 56-byte values over 2,000 keys, as they come off the wire:
// the receiving half of a sync alone.
func BenchmarkApplyPacks(b *testing.B) {
	const versions, keys = 100_000, 2_000
	ctx := b.Context()
	src, err := Open(ctx, memory.New(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range versions {
		v := map[string]any{"title": fmt.Sprintf("task number %08d", i), "done": i%2 == 0, "prio": i % 5}
		if _, err := src.Set(ctx, fmt.Sprintf("tasks/%07d", i*7919%keys), v); err != nil {
			b.Fatal(err)
		}
	}
	invite, err := src.Invite(ctx, InviteOptions{})
	if err != nil {
		b.Fatal(err)
	}
	var packs [][]byte
	feed, err := (&local{ctx: ctx, r: src}).Missing(nil)
	if err != nil {
		b.Fatal(err)
	}
	size := 0
	for {
		p, err := feed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		size += len(p.Bytes)
		packs = append(packs, bytes.Clone(p.Bytes))
	}
	for _, where := range []string{"memory", "sqlite-full"} {
		b.Run(where, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				var st store.Store = memory.New()
				if where != "memory" {
					if st, err = sqlite.Open(b.TempDir() + "/dst.db"); err != nil {
						b.Fatal(err)
					}
				}
				dst, err := Join(ctx, st, invite, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				n := 0
				for _, p := range packs {
					applied, err := (&local{ctx: ctx, r: dst}).Apply(p)
					if err != nil {
						b.Fatal(err)
					}
					n += applied.Versions
				}
				if n != versions {
					b.Fatalf("applied %d", n)
				}
			}
			b.ReportMetric(float64(versions)*float64(b.N)/b.Elapsed().Seconds(), "versions/s")
			b.ReportMetric(float64(size)/versions, "wireB/version")
		})
	}
}
