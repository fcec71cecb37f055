package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

func graphRows() []row {
	return []row{
		{name: "ancestor test, 10 M dots of 100 authors", target: "<= 2 us, 20 MB", run: ancestorTest},
	}
}

// ancestorTest asks of any two versions whether one is before the other. Authors go on for up to 99 dots at a time, and most
// often merge another first.
func ancestorTest(b *bench) (result, error) {
	const authors, dots, tests = 100, 10_000_000, 200_000
	before := heap()
	r := rand.New(rand.NewPCG(1, 2))
	g := history.NewGraph()
	for i := range authors {
		g.AddLine(history.LineInfo{Author: identity.Author{byte(i), 1}})
	}
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
		g.Add(line, seq+1, 1+r.Uint64N(99), parents)
	}
	memory := max(heap()-before, 0)
	covered := 0
	took, err := alone(rounds, func() (func() error, error) {
		return func() error {
			for range tests {
				x, y := 1+history.LV(r.Uint64N(dots-100)), 1+history.LV(r.Uint64N(dots-100))
				if g.Covers(max(x, y), min(x, y)) {
					covered++
				}
			}
			return nil
		}, nil
	})
	took /= tests
	return result{
		ours: took, met: took <= 2*time.Microsecond && memory <= 20<<20,
		note: fmt.Sprintf("%d MB for the graph; %d %% were before the other", memory>>20, 100*covered/(tests*rounds)),
	}, err
}

// heap is what is in use, when what pools kept is gone too.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
