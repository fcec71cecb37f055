package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

// BenchmarkApplyPacks verifies and commits versions of 56-byte values as they come off the wire: the receiving half of a
// sync alone.
func BenchmarkApplyPacks(b *testing.B) {
	for _, shape := range []struct {
		name                   string
		authors, each, overAll int
	}{
		{"100,000 versions over 2,000 keys", 1, 100_000, 2_000},
		{"10,000 keys", 1, 10_000, 10_000},
		{"1,000 authors", 1_000, 20, 20_000},
	} {
		src, invite := written(b, shape.authors, shape.each, shape.overAll)
		packs, size := packsOf(b, src)
		for _, where := range []string{"memory", "sqlite-full"} {
			b.Run(shape.name+"/"+where, func(b *testing.B) {
				applyPacks(b, invite, packs, where, shape.authors*shape.each)
				b.ReportMetric(float64(size)/float64(shape.authors*shape.each), "wireB/version")
			})
		}
	}
}

// written is a replica with so many versions of so many authors over so many keys, and an invite to its space.
func written(b *testing.B, authors, each, keys int) (*Replica, string) {
	ctx := b.Context()
	hub, err := Open(ctx, memory.New(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	invite, err := hub.Invite(ctx, InviteOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for a := range authors {
		r := hub
		if authors > 1 {
			if r, err = Join(ctx, memory.New(), invite, Options{}); err != nil {
				b.Fatal(err)
			}
		}
		for i := a * each; i < (a+1)*each; i++ {
			v := map[string]any{"title": fmt.Sprintf("task number %08d", i), "done": i%2 == 0, "prio": i % 5}
			if _, err := r.Set(ctx, fmt.Sprintf("tasks/%07d", i*7919%keys), v); err != nil {
				b.Fatal(err)
			}
		}
		if r == hub {
			continue
		}
		packs, _ := packsOf(b, r)
		for _, p := range packs {
			if _, err := (&local{ctx: ctx, r: hub}).Apply(p); err != nil {
				b.Fatal(err)
			}
		}
	}
	return hub, invite
}

// packsOf are the packs with all that a replica holds, and their size.
func packsOf(b *testing.B, src *Replica) (packs [][]byte, size int) {
	feed, err := (&local{ctx: b.Context(), r: src}).Missing(nil)
	if err != nil {
		b.Fatal(err)
	}
	for {
		p, err := feed.Next()
		if errors.Is(err, io.EOF) {
			return packs, size
		}
		if err != nil {
			b.Fatal(err)
		}
		size += len(p.Bytes)
		packs = append(packs, bytes.Clone(p.Bytes))
	}
}

func applyPacks(b *testing.B, invite string, packs [][]byte, where string, versions int) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		dst := joinedIn(b, where, invite)
		b.StartTimer()
		n := 0
		for _, p := range packs {
			applied, err := (&local{ctx: b.Context(), r: dst}).Apply(p)
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
}

func joinedIn(b *testing.B, where, invite string) *Replica {
	var st store.Store = memory.New()
	if where != "memory" {
		var err error
		if st, err = sqlite.Open(b.TempDir() + "/dst.db"); err != nil {
			b.Fatal(err)
		}
	}
	dst, err := Join(context.WithoutCancel(b.Context()), st, invite, Options{})
	if err != nil {
		b.Fatal(err)
	}
	return dst
}
