package crdt

import (
	"crypto/sha256"
	"errors"
	"iter"
	"math/bits"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

const testKey = "ns/key"

// world is a history of one key: versions in one topological order, each with its whole past as a set of indices.
type world struct {
	versions []testVersion
	index    map[clock.ID]int
}

type testVersion struct {
	stamp   clock.Stamp
	ops     []Op
	past    uint64
	prev    int // the author's previous version, −1 for none
	parents int
}

// add appends a version on top of the given ones, which need not be heads.
func (w *world) add(author byte, wall int64, parents []int, ops ...Op) int {
	n := len(w.versions)
	v := testVersion{ops: ops, prev: -1, parents: len(parents)}
	var after clock.Time
	for _, p := range parents {
		parent := &w.versions[p]
		v.past |= parent.past | 1<<p
		after = max(after, parent.stamp.Time)
		if parent.stamp.Author == (identity.Author{author}) {
			v.prev = p
		}
	}
	v.stamp = clock.Stamp{
		Time: clock.Next(wall, after), Author: identity.Author{author}, Seq: uint64(n + 1),
		ID: sha256.Sum256([]byte{byte(n), author, byte(wall)}),
	}
	if w.index == nil {
		w.index = make(map[clock.ID]int)
	}
	w.versions = append(w.versions, v)
	w.index[v.stamp.ID] = n
	return n
}

// fold is a state being folded, and the world's answers to it.
type fold struct {
	w       *world
	state   *State
	order   []int
	applied uint64
	closed  map[Identity]Closed
}

func (w *world) newFold() *fold {
	return &fold{w: w, state: &State{}, closed: make(map[Identity]Closed)}
}

func (f *fold) apply(i int) error {
	v := &f.w.versions[i]
	closed, err := f.state.Apply(v.ops, v.stamp, &testPast{fold: f, of: i, set: v.past}, f)
	if err != nil {
		return err
	}
	f.order = append(f.order, i)
	f.applied |= 1 << i
	for _, c := range closed {
		id := c.Identity()
		if before, known := f.closed[id]; known {
			c = MergeClosed(before, c)
		}
		f.closed[id] = c
	}
	return nil
}

func (f *fold) applyAll(order []int) error {
	for _, i := range order {
		if err := f.apply(i); err != nil {
			return err
		}
	}
	return nil
}

// StateAt folds the covered part of what was applied, in the order it was applied in.
func (f *fold) StateAt(p Past) (*State, error) {
	sub := f.w.newFold()
	for _, i := range f.order {
		if p.Covers(f.w.versions[i].stamp) {
			if err := sub.apply(i); err != nil {
				return nil, err
			}
		}
	}
	return sub.state, nil
}

func (f *fold) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for _, i := range f.order {
			v := &f.w.versions[i]
			for _, op := range v.ops {
				if !yield(Event{Stamp: v.stamp, Op: op, Past: &testPast{fold: f, of: i, set: v.past}}, nil) {
					return
				}
			}
		}
	}
}

type testPast struct {
	fold *fold
	of   int
	set  uint64
}

func (p *testPast) Covers(s clock.Stamp) bool { return p.set>>p.fold.w.index[s.ID]&1 == 1 }

func (p *testPast) All() bool { return p.fold.applied&^p.set == 0 }

func (p *testPast) SameAuthor() bool {
	versions := p.fold.w.versions
	for i := range versions {
		if p.set>>i&1 == 1 && versions[i].stamp.Author != versions[p.of].stamp.Author {
			return false
		}
	}
	return true
}

func (p *testPast) SameRun(s clock.Stamp) bool {
	for i := p.of; ; {
		v := &p.fold.w.versions[i]
		if v.prev < 0 || v.parents != 1 {
			return false
		}
		if i = v.prev; p.fold.w.versions[i].stamp.ID == s.ID {
			return true
		}
	}
}

// creation is the order in which the versions were made.
func (w *world) creation() []int {
	order := make([]int, len(w.versions))
	for i := range order {
		order[i] = i
	}
	return order
}

// orders calls visit with topological orders: every one, up to a limit, each different.
func (w *world) orders(limit int, visit func([]int)) {
	order := make([]int, 0, len(w.versions))
	var extend func(done uint64)
	extend = func(done uint64) {
		if len(order) == len(w.versions) {
			limit--
			visit(order)
			return
		}
		for i := len(w.versions) - 1; i >= 0; i-- { // starts with orders far from that of creation
			if limit > 0 && done>>i&1 == 0 && w.versions[i].past&^done == 0 {
				order = append(order, i)
				extend(done | 1<<i)
				order = order[:len(order)-1]
			}
		}
	}
	extend(0)
}

// randomOrder draws one topological order.
func (w *world) randomOrder(t *rapid.T) []int {
	var order []int
	for done := uint64(0); len(order) < len(w.versions); {
		var ready []int
		for i := range w.versions {
			if done>>i&1 == 0 && w.versions[i].past&^done == 0 {
				ready = append(ready, i)
			}
		}
		i := rapid.SampledFrom(ready).Draw(t, "next")
		order = append(order, i)
		done |= 1 << i
	}
	return order
}

// heads are the versions that no other covers.
func (w *world) heads() []int {
	covered := uint64(0)
	for i := range w.versions {
		covered |= w.versions[i].past
	}
	var heads []int
	for i := range w.versions {
		if covered>>i&1 == 0 {
			heads = append(heads, i)
		}
	}
	return heads
}

// drawWorld draws a history of up to most versions by up to five authors.
func drawWorld(t *rapid.T, most int, ops *rapid.Generator[[]Op]) *world {
	w := &world{}
	last := map[byte]int{}
	n := rapid.IntRange(1, most).Draw(t, "versions")
	for range n {
		author := byte(rapid.IntRange(1, 5).Draw(t, "author"))
		wall := int64(rapid.IntRange(0, 6).Draw(t, "wall"))
		var parents []int
		if own, ok := last[author]; ok {
			parents = append(parents, own)
		}
		for i := range w.versions {
			own := len(parents) > 0 && parents[0] == i
			if !own && rapid.IntRange(0, 3).Draw(t, "merge") == 0 {
				parents = append(parents, i)
			}
		}
		last[author] = w.add(author, wall, parents, ops.Draw(t, "ops")...)
	}
	return w
}

func js(text string) Value {
	v, err := canon.FromJSON([]byte(text))
	if err != nil {
		panic(err)
	}
	return v
}

func must(op Op, err error) Op {
	if err != nil {
		panic(err)
	}
	return op
}

func put(text string) Op { return must(Put(testKey, js(text))) }

func del() Op { return must(Delete(testKey)) }

func splice(text string) Op { return must(TextSplice(testKey, 0, 0, text)) }

func add(n int64) Op { return must(Add(testKey, n)) }

// patchOp takes pairs of pointer and JSON text; the text "-" removes.
func patchOp(pairs ...string) Op {
	var edits []Edit
	for i := 0; i < len(pairs); i += 2 {
		path, err := ParsePointer(pairs[i])
		if err != nil {
			panic(err)
		}
		e := Edit{Path: path}
		if pairs[i+1] != "-" {
			e.Value = js(pairs[i+1])
		}
		edits = append(edits, e)
	}
	return must(Patch(testKey, edits))
}

func setOp(code Code, texts ...string) Op {
	var elements []Value
	for _, text := range texts {
		elements = append(elements, js(text))
	}
	if code == CodeSetAdd {
		return must(SetAdd(testKey, elements))
	}
	return must(SetRemove(testKey, elements))
}

var (
	anyValue = rapid.SampledFrom([]string{
		"1", "2", `"x"`, "null", "{}", `{"a":1}`, `{"a":2,"b":1}`, `{"a":{"x":1}}`, `{"a":{"x":2,"y":{}},"c":[1]}`, "[1]", "[2,1]",
		`{"$bytes":1,"b":2}`,
	})
	anyElement = rapid.SampledFrom([]string{"1", "2", `"x"`})
	anyPatch   = rapid.SampledFrom([][]string{
		{"/a", "1"},
		{"/a", "2"},
		{"/a", "-"},
		{"/a", "{}"},
		{"/b", "1"},
		{"/b", "-"},
		{"/a/x", "1"},
		{"/a/x", "-"},
		{"/a/x/z", "3"},
		{"/a/y", "[1]", "/b", "5"},
		{"/c", `{"q":1,"r":{}}`},
		{"/a", `{"x":7}`, "/c", "-"},
		{"/c/q", "{}"},
		{"/a", `{"$bytes":2,"x":1}`},
	})
)

func drawOp(t *rapid.T, codes []Code) Op {
	switch rapid.SampledFrom(codes).Draw(t, "code") {
	case CodePut:
		return put(anyValue.Draw(t, "value"))
	case CodeDelete:
		return del()
	case CodePatch:
		return patchOp(anyPatch.Draw(t, "patch")...)
	case CodeAdd:
		return add(int64(rapid.IntRange(-3, 3).Draw(t, "n")))
	case CodeSetAdd:
		return setOp(CodeSetAdd, anyElement.Draw(t, "e"), anyElement.Draw(t, "e"))
	case CodeSetRemove:
		return setOp(CodeSetRemove, anyElement.Draw(t, "e"))
	case CodeTextSplice:
		return splice("x")
	case CodeListSplice:
		return must(ListSplice(testKey, 0, 0, []Value{js("1")}))
	case CodeListMove:
		return must(ListMove(testKey, 0, 1))
	case CodeListReplace:
		return must(ListReplace(testKey, 0, js("2")))
	default:
		return Op{Code: codeUnknown, Width: 3, Key: testKey, Body: []byte{0x90}}
	}
}

// codeUnknown is a code that has no meaning yet.
const codeUnknown Code = 99

var (
	documentCodes = []Code{CodePut, CodePut, CodeDelete, CodePatch, CodePatch, CodePatch}
	sequenceCodes = []Code{CodeTextSplice, CodeTextSplice, CodeTextSplice, CodeDelete}
	allCodes      = []Code{
		CodePut, CodeDelete, CodePatch, CodePatch, CodeAdd, CodeSetAdd, CodeSetRemove, CodeTextSplice, CodeTextSplice,
		CodeListSplice, CodeListMove, CodeListReplace,
	}
)

func opsOf(codes []Code) *rapid.Generator[[]Op] {
	return rapid.Custom(func(t *rapid.T) []Op {
		n := 1 + rapid.IntRange(0, 5).Draw(t, "more")/4
		ops := make([]Op, n)
		for i := range ops {
			ops[i] = drawOp(t, codes)
		}
		return ops
	})
}

// drawResolves gives some versions a resolve op that names part of what they cover.
func (w *world) drawResolves(t *rapid.T) {
	for i := range w.versions {
		v := &w.versions[i]
		if bits.OnesCount64(v.past) < 2 || !rapid.Bool().Draw(t, "resolve") {
			continue
		}
		var sides []clock.Entry
		for j := range w.versions {
			if v.past>>j&1 == 1 && (len(sides) == 0 || rapid.IntRange(0, 3).Draw(t, "name") > 0) {
				sides = append(sides, w.versions[j].stamp.Entry())
			}
		}
		v.ops = append(v.ops, must(Resolve(testKey, sides)))
	}
}

// drawErasures takes the content of some ops away.
func (w *world) drawErasures(t *rapid.T) {
	if !rapid.Bool().Draw(t, "erase") {
		return
	}
	for i := range w.versions {
		for j := range w.versions[i].ops {
			if op := &w.versions[i].ops[j]; op.Code != CodeErase && op.Code.Known() && rapid.IntRange(0, 2).Draw(t, "gone") == 0 {
				op.Body = nil
			}
		}
	}
}

func mustFold(t interface{ Fatal(...any) }, w *world, order []int) *fold {
	f := w.newFold()
	if err := f.applyAll(order); err != nil {
		t.Fatal(err)
	}
	return f
}

var errTest = errors.New("test")

func builtins() []Strategy { return []Strategy{LWW(), MV(), Max(), Min(), Union(), Fields()} }

func text(v Value) string {
	if v == nil {
		return "nothing"
	}
	return string(v.AppendJSON(nil))
}

func show(t *testing.T, w *world, st Strategy) View {
	t.Helper()
	return mustFold(t, w, w.creation()).state.View(st, nil)
}
