package sequence

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/kdelta/kdelta/identity"
)

// trace is a recorded editing session, as testdata/README.md tells.
type trace struct {
	End    string `json:"endContent"`
	Agents int    `json:"numAgents"` // 0 where there is one author, and no parents are named
	Txns   []struct {
		Parents []int   `json:"parents"`
		Agent   int     `json:"agent"`
		Patches []patch `json:"patches"`
	} `json:"txns"`
}

type patch struct {
	pos, removed int
	text         string
}

func (p *patch) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&p.pos, &p.removed, &p.text})
}

func readTrace(tb testing.TB, name string) *trace {
	tb.Helper()
	f, err := os.Open("testdata/" + name + ".json.gz")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	t := new(trace)
	if err := json.NewDecoder(z).Decode(t); err != nil {
		tb.Fatal(err)
	}
	return t
}

// author is the key of the i-th author: keys ascend as i does.
func author(i int) (a identity.Author) {
	a[0], a[1], a[2] = byte(i>>16), byte(i>>8), byte(i)
	return a
}

// ops is a trace as ops with the transactions that each comes after, and last as the dot that each transaction ends with.
func (t *trace) ops() []tracedOp {
	seq := map[int]uint64{}
	var ops []tracedOp
	last := make([]int, len(t.Txns))
	for i, txn := range t.Txns {
		var parents []int
		for _, p := range txn.Parents {
			parents = append(parents, last[p])
		}
		if t.Agents == 0 && i > 0 {
			parents = []int{last[i-1]}
		}
		for k, p := range txn.Patches {
			op := Op{Dot: Dot{Author: author(txn.Agent), Seq: seq[txn.Agent] + 1}, Splice: Splice{Pos: p.pos, Removed: p.removed, Text: p.text}}
			seq[txn.Agent] += uint64(op.Width())
			if k > 0 {
				parents = []int{len(ops) - 1}
			}
			ops = append(ops, tracedOp{op, parents})
		}
		last[i] = len(ops) - 1
	}
	return ops
}

// tracedOp is an op and the indices of its parents.
type tracedOp struct {
	Op
	parents []int
}

func TestX(t *testing.T) {
	tr := readTrace(t, "friendsforever")
	ops := tr.ops()
	x := NewText(nil)
	end := make([]uint32, len(ops))
	for i := range ops {
		op := &ops[i]
		var parents []uint32
		for _, p := range op.parents {
			parents = append(parents, end[p])
		}
		if err := x.splice(&op.Dot, parents, &op.Splice); err != nil {
			t.Fatal(i, err)
		}
		end[i] = x.log.next - 1
	}
	if x.String() != tr.End {
		t.Fatal("differs")
	}
	y := NewText(nil)
	if _, err := y.Merge(x.log); err != nil {
		t.Fatal(err)
	}
	if y.String() != tr.End {
		t.Fatal("differs")
	}
}

// best reports the shortest of b.N runs: other programs only ever make one longer.
func best(b *testing.B, run func()) {
	shortest := time.Duration(math.MaxInt64)
	for b.Loop() {
		runtime.GC()
		start := time.Now()
		run()
		shortest = min(shortest, time.Since(start))
	}
	b.ReportMetric(float64(shortest.Microseconds())/1000, "best-ms")
}

func BenchmarkX(b *testing.B) {
	for _, name := range []string{"automerge-paper", "rustcode", "sveltecomponent", "friendsforever"} {
		tr := readTrace(b, name)
		ops := tr.ops()
		play := func(b *testing.B) *Text {
			x := NewText(nil)
			end := make([]uint32, len(ops))
			var parents []uint32
			for i := range ops {
				op := &ops[i]
				parents = parents[:0]
				for _, p := range op.parents {
					parents = append(parents, end[p])
				}
				var err error
				if name == "friendsforever" {
					err = x.splice(&op.Dot, parents, &op.Splice)
				} else {
					err = x.Splice(op.Dot, op.Splice)
				}
				if err != nil {
					b.Fatal(i, err)
				}
				end[i] = x.log.next - 1
			}
			return x
		}
		x := play(b)
		if x.String() != tr.End {
			b.Fatal("differs")
		}
		b.Run("local/"+name, func(b *testing.B) { best(b, func() { play(b) }) })
		b.Run("merge/"+name, func(b *testing.B) {
			best(b, func() {
				y := NewText(nil)
				y.quiet = true
				if err := y.merge(x.log); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
