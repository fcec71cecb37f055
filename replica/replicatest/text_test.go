package replicatest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/identity"
)

// modelHistory tells a document of package sequence what a model knows.
type modelHistory struct{ m *Model }

// of is the version that owns a dot.
func (h modelHistory) of(d sequence.Dot) int {
	for n := range h.m.nodes {
		v := &h.m.nodes[n]
		first := v.stamp.Seq
		for i := range v.ops {
			first -= v.ops[i].width()
		}
		if v.stamp.Author == d.Author && d.Seq > first && d.Seq <= v.stamp.Seq {
			return n
		}
	}
	panic("a dot of nobody")
}

func (h modelHistory) Covers(b, a sequence.Dot) bool { return h.m.Closed(h.of(b)).Has(h.of(a)) }

func (h modelHistory) Stamp(d sequence.Dot) clock.Stamp { return h.m.nodes[h.of(d)].stamp }

// What the model makes of splices, by the definition, is what the engine makes of them: for all versions, and for what each
// version saw.
func TestModelOfTextIsTheEngines(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 5))
			m := NewModel()
			text := sequence.NewText(modelHistory{m})
			last := map[byte]int{}
			var all Set
			for i := range 40 {
				v, author := node{prev: -1}, byte(rnd.IntN(3)+1)
				if own, wrote := last[author]; wrote {
					v.parents, v.prev = []int{own}, own
				}
				for p := range m.nodes {
					if rnd.IntN(6) == 0 {
						v.parents = append(v.parents, p)
					}
				}
				for _, p := range v.parents {
					v.past.AddAll(m.Closed(p))
				}
				v.stamp = clock.Stamp{Time: clock.Time(i), Author: identity.Author{author}, ID: clock.ID{byte(i)}}
				if v.prev >= 0 {
					v.stamp.Seq = m.nodes[v.prev].stamp.Seq
				}
				length := len([]rune(m.on(v.past, "t/1").text()))
				s := &modelSplice{pos: rnd.IntN(length + 1), inserted: string([]rune("añ🙂xyz")[rnd.IntN(4):][:rnd.IntN(3)])}
				if s.removed = rnd.IntN(3); s.width() == 0 {
					s.removed = 1
				}
				v.ops = []modelOp{{code: "text-splice", key: "t/1", splice: s}}
				v.stamp.Seq += s.width()
				m.nodes = append(m.nodes, v)
				last[author] = i
				all.Add(i)
				_, err := text.Apply(sequence.Op{
					Dot:    sequence.Dot{Author: v.stamp.Author, Seq: v.stamp.Seq - s.width() + 1},
					Splice: sequence.Splice{Pos: s.pos, Removed: s.removed, Text: s.inserted},
				})
				if refused := s.pos+s.removed > length; refused != (err != nil) {
					t.Fatalf("splice %d, %+v of %d: %v", i, s, length, err)
				}
				if got, want := text.String(), m.on(all, "t/1").text(); got != want {
					t.Fatalf("after splice %d the engine has %q, and by the definition it is %q", i, got, want)
				}
			}
		})
	}
}
