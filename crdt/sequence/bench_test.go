package sequence

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kdelta/kdelta/internal/zstd"
)

// best runs something b.N times and reports the shortest, since what else the machine does only ever makes one longer, and the
// median. Nothing is kept from one run to the next, and each is behind a garbage collection, so that none is in it: left to itself one
// falls into every second run or every sixtieth, by how much the work allocates in a heap that has little else. Read the figures beside
// those of other programs on the same machine, by turns.
func best(b *testing.B, run func()) {
	b.Helper()
	b.ReportAllocs()
	var all []time.Duration
	shortest := time.Duration(math.MaxInt64)
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		b.StartTimer()
		start := time.Now()
		run()
		took := time.Since(start)
		all = append(all, took)
		shortest = min(shortest, took)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(shortest.Microseconds())/1000, "best-ms")
}

// eachTrace runs a benchmark on each recorded session, with the text that it makes.
func eachTrace(b *testing.B, run func(b *testing.B, tr *trace, text *Text)) {
	for _, name := range []string{"automerge-paper", "rustcode", "sveltecomponent", "friendsforever"} {
		tr := readTrace(b, name)
		text := tr.play(b)
		if text.String() != tr.End {
			b.Fatalf("%s ends in another text", name)
		}
		b.Run(name, func(b *testing.B) { run(b, tr, text) })
	}
}

// BenchmarkLocal makes each recorded patch an edit of its own.
func BenchmarkLocal(b *testing.B) {
	eachTrace(b, func(b *testing.B, tr *trace, _ *Text) {
		if tr.Agents > 0 {
			b.Skip("two people typed it")
		}
		edits := tr.edits()
		best(b, func() { typeAll(b, NewText(nil), edits, 1) })
	})
}

// edits is what was typed, one patch after the other.
func (t *trace) edits() (edits []Splice) {
	for _, txn := range t.Txns {
		for _, p := range txn.Patches {
			edits = append(edits, Splice{Pos: p.pos, Removed: p.removed, Text: p.text})
		}
	}
	return edits
}

// typeAll makes edits as one author, as often as that.
func typeAll(b *testing.B, text *Text, edits []Splice, times int) {
	dot := Dot{Author: author(1), Seq: 1}
	for range times {
		for i := range edits {
			if err := text.Splice(dot, edits[i]); err != nil {
				b.Fatal(err)
			}
			dot.Seq = uint64(text.log.next) + 1
		}
	}
}

// BenchmarkMerge merges the whole history of somebody else at once.
func BenchmarkMerge(b *testing.B) {
	eachTrace(b, func(b *testing.B, _ *trace, text *Text) {
		best(b, func() {
			merged := NewText(nil)
			if _, err := merged.Merge(text.log); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkApply applies what somebody else wrote op by op, as it comes live.
func BenchmarkApply(b *testing.B) {
	eachTrace(b, func(b *testing.B, tr *trace, text *Text) {
		ops := tr.ops()
		best(b, func() {
			applied := NewText(logHistory{text.log})
			for i := range ops {
				if _, err := applied.Apply(ops[i].Op); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkOpen opens a snapshot.
func BenchmarkOpen(b *testing.B) {
	eachTrace(b, func(b *testing.B, _ *trace, text *Text) {
		snapshot := text.AppendSnapshot(nil)
		best(b, func() {
			if _, err := OpenText(snapshot, nil); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkDecode reads a log.
func BenchmarkDecode(b *testing.B) {
	eachTrace(b, func(b *testing.B, _ *trace, text *Text) {
		log := text.log.Append(nil, 0)
		best(b, func() {
			if _, err := DecodeLog(log); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkEncode writes a log, and reports its size as it is and compressed.
func BenchmarkEncode(b *testing.B) {
	eachTrace(b, func(b *testing.B, _ *trace, text *Text) {
		var log []byte
		best(b, func() { log = text.log.Append(log[:0], 0) })
		small, _ := zstd.Compress(nil, log, false)
		b.ReportMetric(float64(len(log)), "bytes")
		b.ReportMetric(float64(len(small)), "zstd-bytes")
	})
}

// BenchmarkHundred makes the edits of a paper a hundred times over, each time at the start of what there is, and reports the
// memory that the text and its log take, and what merging them takes.
func BenchmarkHundred(b *testing.B) {
	edits := readTrace(b, "automerge-paper").edits()
	var text *Text
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	before := heap()
	best(b, func() {
		text = NewText(nil)
		typeAll(b, text, edits, 100)
	})
	b.ReportMetric(heap()-before, "MB")
	start := time.Now()
	if _, err := NewText(nil).Merge(text.log); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "merge-ms")
}

// BenchmarkCrowd applies what two hundred people typed at once into one text, op by op, each having seen his own only.
func BenchmarkCrowd(b *testing.B) {
	const people, each = 200, 20
	c := newCrowd(1, people)
	for range each {
		for by := range people {
			c.write(b, by)
		}
	}
	best(b, func() {
		text := NewText(c)
		for i := range c.ops {
			if _, err := text.Apply(c.ops[i].Op); err != nil {
				b.Fatal(err)
			}
		}
	})
}
