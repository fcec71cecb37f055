package sequence

import (
	"compress/gzip"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
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

// covers reports whether an event is one of the heads of a version or in the past of one, by walking down.
func (g *graph) covers(heads []uint32, lv uint32) bool {
	if slices.Contains(heads, lv) {
		return true
	}
	var w frontierWalk
	for _, h := range heads {
		w.push(h, lv, left)
	}
	for len(w.queue) > 0 {
		v := w.pop()
		i := g.entryOf(v.lv)
		start := g.entries[i].lv
		if start <= lv {
			return true // from lv to v there is nothing but a chain: v.lv ≥ lv
		}
		for k := len(w.queue) - 1; k >= 0 && w.queue[k].lv >= start; k-- {
			w.queue = w.queue[:k]
		}
		for _, p := range g.entryParents(i) {
			w.push(p, lv, left)
		}
	}
	return false
}

// logHistory is a History that looks into a log which has everything.
type logHistory struct{ log *Log }

func (h logHistory) Covers(b, a Dot) bool {
	lb, ok := h.log.find(&b)
	la, ok2 := h.log.find(&a)
	return ok && ok2 && h.log.covers([]uint32{lb}, la)
}

func (h logHistory) Stamp(Dot) clock.Stamp { panic("nobody is forked") }

// TestFriends delivers what two people typed at once in several orders, one by one and as a log.
func TestFriends(t *testing.T) {
	tr := readTrace(t, "friendsforever")
	recorded := tr.play(t)
	if recorded.String() != tr.End {
		t.Fatal("as recorded, it ends in another text")
	}
	ops := tr.ops()
	orders := 4
	if testing.Short() {
		orders = 1
	}
	for seed := range orders {
		r := rand.New(rand.NewPCG(uint64(seed), 9))
		text := NewText(logHistory{recorded.log})
		for _, i := range deliver(ops, r, 1<<(4*seed)) {
			if _, err := text.Apply(ops[i].Op); err != nil {
				t.Fatal(err)
			}
		}
		if text.String() != tr.End {
			t.Fatalf("order %d ends in another text", seed)
		}
		merged := NewText(nil)
		if _, err := merged.Merge(text.log); err != nil || merged.String() != tr.End {
			t.Fatalf("order %d, as a log, ends in another text (%v)", seed, err)
		}
	}
}

// deliver is an order in which ops may come, parents first. It goes on along one branch for some ops, then elsewhere.
func deliver(ops []tracedOp, r *rand.Rand, stay int) (order []int) {
	children, missing := make([][]int, len(ops)), make([]int, len(ops))
	var ready []int
	for i := range ops {
		missing[i] = len(ops[i].parents)
		for _, p := range ops[i].parents {
			children[p] = append(children[p], i)
		}
		if missing[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		k := len(ready) - 1
		if r.IntN(stay) == 0 {
			k = r.IntN(len(ready))
		}
		i := ready[k]
		ready = slices.Delete(ready, k, k+1)
		order = append(order, i)
		for _, c := range children[i] {
			if missing[c]--; missing[c] == 0 {
				ready = append(ready, c)
			}
		}
	}
	return order
}
