package history_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

// bigGraph is a graph of that many dots: authors go on for up to 99 dots at a time and most often merge another first.
func bigGraph(authors int, dots history.LV) (*history.Graph, []history.Span) {
	r := rand.New(rand.NewPCG(1, 2))
	g := history.NewGraph()
	for i := range authors {
		g.AddLine(history.LineInfo{Author: identity.Author{byte(i), byte(i >> 8), 1}})
	}
	var rows []history.Span
	for g.Next() < dots {
		line := history.Line(r.IntN(authors))
		seq, prev := g.Tip(line)
		var parents []history.LV
		if prev > 0 {
			parents = append(parents, prev)
		}
		if _, other := g.Tip(history.Line(r.IntN(authors))); other > 0 && other != prev {
			parents = append(parents, other)
		}
		if _, newSpan := g.Add(line, seq+1, 1+r.Uint64N(99), parents); newSpan {
			rows = append(rows, g.LastSpan())
		}
	}
	return g, rows
}

// BenchmarkCovers is the ancestor test at ten million dots: of any two, and of two among the newest.
func BenchmarkCovers(b *testing.B) {
	for _, authors := range []int{10, 100, 1000} {
		g, _ := bigGraph(authors, 10_000_000)
		r := rand.New(rand.NewPCG(3, 4))
		for _, newest := range []uint64{uint64(g.Next()) - 1, 100_000} {
			b.Run(fmt.Sprintf("authors=%d/newest=%d", authors, newest), func(b *testing.B) {
				pairs := make([][2]history.LV, 4096)
				for i := range pairs {
					x := g.Next() - 1 - history.LV(r.Uint64N(newest))
					y := g.Next() - 1 - history.LV(r.Uint64N(newest))
					pairs[i] = [2]history.LV{max(x, y), min(x, y)}
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					p := pairs[i%len(pairs)]
					g.Covers(p[0], p[1])
				}
			})
		}
	}
}

// BenchmarkLoad is opening a database of ten million dots, with the memory that its graph takes then.
func BenchmarkLoad(b *testing.B) {
	for _, authors := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("authors=%d", authors), func(b *testing.B) {
			old, rows := bigGraph(authors, 10_000_000)
			var infos []history.LineInfo
			for i := range authors {
				infos = append(infos, old.LineInfo(history.Line(i)))
			}
			next, heads := old.Next(), len(old.Heads())
			old = nil
			before := settledHeap()
			var g *history.Graph
			for b.Loop() {
				g = history.NewGraph()
				for _, info := range infos {
					g.AddLine(info)
				}
				if err := g.Load(spans(rows...), next, nil); err != nil || len(g.Heads()) != heads {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(settledHeap()-before)/1e6, "MB")
			runtime.KeepAlive(rows)
			b.ReportMetric(float64(g.NumSpans()), "spans")
		})
	}
}

// settledHeap is the live heap in bytes, without what pools let go of only after two collections.
func settledHeap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkAdd is a version that goes on where its author was, and one that merges another author's as well.
func BenchmarkAdd(b *testing.B) {
	for _, merges := range []bool{false, true} {
		b.Run(fmt.Sprintf("merges=%v", merges), func(b *testing.B) {
			g, _ := bigGraph(100, 1_000_000)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				line := history.Line(i % 2)
				seq, prev := g.Tip(line)
				parents := []history.LV{prev}
				if _, other := g.Tip(1 - line); merges {
					parents = append(parents, other)
				}
				g.Add(line, seq+1, 1, parents)
			}
		})
	}
}
