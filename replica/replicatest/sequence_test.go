package replicatest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt"
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

// engine is a document of package sequence.
type engine struct {
	apply func(sequence.Dot, *sequenceEdit) error
	says  func() []string
}

func newEngine(kind crdt.Kind, h sequence.History) engine {
	if kind == crdt.KindText {
		text := sequence.NewText(h)
		return engine{func(dot sequence.Dot, e *sequenceEdit) error {
			s := sequence.Splice{Pos: e.pos, Removed: e.removed, Text: strings.Join(e.inserted, "")}
			_, err := text.Apply(sequence.Op{Dot: dot, Splice: s})
			return err
		}, func() []string {
			return slices.DeleteFunc(strings.Split(text.String(), ""), func(s string) bool { return s == "" })
		}}
	}
	list := sequence.NewList(h)
	return engine{func(dot sequence.Dot, e *sequenceEdit) error {
		op := sequence.ListEdit{Pos: e.pos, Removed: e.removed, To: e.to}
		for _, says := range e.inserted {
			op.Elements = append(op.Elements, []byte(says))
		}
		switch e.code {
		case "list-move":
			op.Kind = sequence.ListMove
		case "list-replace":
			op.Kind = sequence.ListReplace
		}
		_, err := list.Apply(sequence.ListOp{Dot: dot, ListEdit: op})
		return err
	}, func() (all []string) {
		for _, says := range list.All() {
			all = append(all, string(says))
		}
		return all
	}}
}

// What the model makes of edits, by the definition, is what the engine makes of them: for all versions, and for what each
// version saw.
func TestModelOfSequencesIsTheEngines(t *testing.T) {
	for seed := range uint64(80) {
		kind := []crdt.Kind{crdt.KindText, crdt.KindList}[seed%2]
		t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 5))
			m := NewModel()
			doc := newEngine(kind, modelHistory{m})
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
				length := len(m.on(v.past, "l/1").sequence(kind))
				e := randomEdit(rnd, kind, length)
				dot := sequence.Dot{Author: v.stamp.Author, Seq: v.stamp.Seq + 1}
				v.ops = []modelOp{{code: e.code, key: "l/1", edit: e}}
				v.stamp.Seq += e.width()
				m.nodes = append(m.nodes, v)
				last[author] = i
				all.Add(i)
				err := doc.apply(dot, e)
				if refused := e.pos+e.taken() > length || e.to >= max(length, 1); refused != (err != nil) {
					t.Fatalf("edit %d, %+v of %d: %v", i, e, length, err)
				}
				if got, want := doc.says(), m.on(all, "l/1").sequence(kind); !slices.Equal(got, want) {
					t.Fatalf("after edit %d the engine has %q, and by the definition it is %q", i, got, want)
				}
			}
		})
	}
}

// randomEdit is an edit of a document, now and then of one that is longer.
func randomEdit(rnd *rand.Rand, kind crdt.Kind, length int) *sequenceEdit {
	e := &sequenceEdit{code: string(kind) + "-splice", pos: rnd.IntN(length + 1), removed: rnd.IntN(3)}
	says := func() string { return string([]rune("añ🙂xyz")[rnd.IntN(6)]) }
	switch n := rnd.IntN(4); {
	case n == 0 && kind == crdt.KindList:
		e.code, e.removed, e.to = "list-move", 0, rnd.IntN(length+1)
	case n == 1 && kind == crdt.KindList:
		e.code, e.removed, e.inserted = "list-replace", 0, []string{says()}
	default:
		for range rnd.IntN(3) {
			e.inserted = append(e.inserted, says())
		}
		if e.width() == 0 {
			e.removed = 1
		}
	}
	return e
}
