package crdt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"math/big"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// tick is the n-th version of a sequence.
func tick(n int) clock.Stamp {
	at := clock.Stamp{Time: clock.Time(n + 1), Author: [32]byte{1}, Seq: uint64(n + 1)}
	binary.BigEndian.PutUint64(at.ID[:], uint64(n+1))
	return at
}

func TestSimple(t *testing.T) {
	w, names := build([]at{{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "a", one(put("2"))}})
	s := mustFold(t, w, w.creation()).state
	at1, v, ok := s.Simple()
	if !ok || at1 != w.versions[names["b"]].stamp || text(v) != "2" || !s.Linear() || s.Unknown() {
		t.Fatalf("%v %s %v", at1, text(v), ok)
	}
	if a, b := s.Append(nil), SimpleState(at1, v).Append(nil); !bytes.Equal(a, b) {
		t.Errorf("a simple state is %x, SimpleState %x", a, b)
	}
	for name, steps := range map[string][]at{
		"deleted":    {{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "a", one(del())}},
		"concurrent": {{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "", one(put("2"))}, {"c", 2, 2, "a b", one(put("2"))}},
		"patched":    {{"a", 1, 1, "", one(put("{}"))}, {"b", 2, 2, "a", one(patchOp("/x", "1"))}},
		"counted":    {{"a", 1, 1, "", one(put("1"), add(1))}},
		"with a set": {{"a", 1, 1, "", one(put("1"), setOp(CodeSetAdd, "1"))}},
		"a text":     {{"a", 1, 1, "", one(put("1"), splice("1"))}},
		"once text":  {{"a", 1, 1, "", one(splice("1"))}, {"b", 1, 2, "a", one(put("1"))}},
		"unknown":    {{"a", 1, 1, "", one(put("1"), Op{Code: codeUnknown, Width: 1, Key: testKey, Body: []byte{0x90}})}},
		"nothing":    nil,
	} {
		w, _ := build(steps)
		s := mustFold(t, w, w.creation()).state
		if _, _, ok := s.Simple(); ok {
			t.Errorf("%s: simple", name)
		}
		if s.Unknown() != (name == "unknown") || s.Linear() != (name != "concurrent") {
			t.Errorf("%s: unknown %v, linear %v", name, s.Unknown(), s.Linear())
		}
	}
}

func TestPutOnSimpleStateAllocatesNothing(t *testing.T) {
	s := SimpleState(tick(0), js("1"))
	ops := []Op{put("2")}
	n := 0
	if allocs := testing.AllocsPerRun(100, func() {
		n++
		if _, err := s.Apply(ops, tick(n), everything{}, nil); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if at1, v, ok := s.Simple(); !ok || at1 != tick(n) || text(v) != "2" {
		t.Error("the put was not applied")
	}
}

func TestCanAdd(t *testing.T) {
	w, _ := build([]at{{"a", 1, 1, "", one(add(maxOperand), add(-3))}})
	s := mustFold(t, w, w.creation()).state
	for n, want := range map[int64]bool{3: true, 4: false, -2*maxOperand + 3: true, -2*maxOperand + 2: false, 0: true} {
		if s.CanAdd(n) != want {
			t.Errorf("%d can be added: %v", n, !want)
		}
	}
}

func TestSumIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum int128
		want := new(big.Int)
		for _, n := range rapid.SliceOf(rapid.Int64()).Draw(t, "amounts") {
			for range rapid.IntRange(1, 3).Draw(t, "times") { // beyond one word
				sum = sum.plus(n)
				want.Add(want, big.NewInt(n))
			}
		}
		exact := want.CmpAbs(big.NewInt(maxOperand)) <= 0
		if sum.String() != want.String() || sum.isExact() != exact {
			t.Fatalf("%s, exact %v; want %s", sum, sum.isExact(), want)
		}
	})
	wide := int128{hi: 1<<62 + 12345, lo: 7}
	want := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(wide.hi), 64), big.NewInt(7))
	if wide.String() != want.String() {
		t.Errorf("%s, want %s", wide, want)
	}
}

// broken is a history that cannot be read.
type broken struct{}

func (broken) StateAt(Past) (*State, error) { return nil, errTest }

func (broken) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) { yield(Event{}, errTest) }
}

type nothing struct{}

func (nothing) Covers(clock.Stamp) bool { return false }

func (nothing) All() bool { return false }

func TestApplyIsAllOrNothing(t *testing.T) {
	w, _ := build([]at{{"a", 1, 1, "", one(put("1"), add(2))}, {"b", 2, 2, "", one(put("2"))}})
	for name, c := range map[string]struct {
		ops  []Op
		look Lookup
		want error
	}{
		"no history for a put":    {one(put("3")), nil, ErrLookup},
		"broken history, put":     {one(put("3")), broken{}, errTest},
		"no history for a delete": {one(del()), nil, ErrLookup},
		"broken history, delete":  {one(del()), broken{}, errTest},
		"a bad body after others": {one(put("3"), add(1), Op{Code: CodeAdd, Width: 1, Key: testKey, Body: []byte{0xc0}}), nil, ErrOp},
		"a put without a body":    {one(add(1), Op{Code: CodePut, Width: 1, Key: testKey, Body: []byte{}}), nil, ErrOp},
	} {
		s := mustFold(t, w, w.creation()).state
		before := s.Append(nil)
		if _, err := s.Apply(c.ops, tick(9), nothing{}, c.look); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(s.Append(nil), before) {
			t.Errorf("%s: the state changed", name)
		}
	}
}

func TestMergeClosed(t *testing.T) {
	early, late := Closed{By: tick(1)}, Closed{By: tick(2)}
	noted := Closed{By: tick(3), Resolved: true}
	for _, c := range [][3]Closed{{early, late, early}, {early, noted, noted}, {noted, Closed{By: tick(4), Resolved: true}, noted}} {
		for _, got := range []Closed{MergeClosed(c[0], c[1]), MergeClosed(c[1], c[0])} {
			if got.By != c[2].By || got.Resolved != c[2].Resolved {
				t.Errorf("%s and %s give %s", c[0].By.Name(), c[1].By.Name(), got.By.Name())
			}
		}
	}
}

// The open conflict and the closed one are one conflict, and another path or side makes another.
func TestIdentity(t *testing.T) {
	start := []at{{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "", one(put("2"))}}
	w, _ := build(start)
	open := mustFold(t, w, w.creation()).state.View(MV(), nil).Conflicts
	w, _ = build(append(start, at{"c", 1, 3, "a b", one(put("3"))}))
	f := mustFold(t, w, w.creation())
	if _, same := f.closed[open[0].Identity()]; !same || len(open) != 1 {
		t.Errorf("open %+v, closed %+v", open, f.closed)
	}
	c := Conflict{Path: "/a", Sides: []clock.Stamp{tick(1), tick(2)}}
	for _, other := range []Conflict{{Path: "/b", Sides: c.Sides}, {Path: "/a", Sides: c.Sides[:1]}, {Path: "/a", Sides: []clock.Stamp{tick(1), tick(3)}}} {
		if other.Identity() == c.Identity() {
			t.Errorf("%+v is %+v", other, c)
		}
	}
}

func TestDigestIsBlindToValues(t *testing.T) {
	a, b := SimpleState(tick(1), js("1")), SimpleState(tick(1), js(`"other"`))
	if !bytes.Equal(a.AppendDigest(nil), b.AppendDigest(nil)) || bytes.Equal(a.AppendDigest(nil), SimpleState(tick(2), js("1")).AppendDigest(nil)) {
		t.Error("the digest is of the versions, not the values")
	}
}

// Work is about linear in what a stranger may send: two concurrent patches of the same many members, and one put.
func TestManyMembers(t *testing.T) {
	const members = 20_000
	edits := make([]Edit, members)
	for i := range edits {
		edits[i] = Edit{Path: []string{"m", strconv.Itoa(i)}, Value: js(strconv.Itoa(i & 1))}
	}
	a := must(Patch(testKey, edits))
	for i := range edits {
		edits[i].Value = js("2")
	}
	b := must(Patch(testKey, edits))
	w, _ := build([]at{{"r", 1, 1, "", one(put("{}"))}, {"a", 1, 2, "r", one(a)}, {"b", 2, 2, "r", one(b)}, {"c", 3, 3, "", one(put("[]"))}})
	s := mustFold(t, w, w.creation()).state
	v := s.View(Fields(), nil)
	if text(v.Value) != "[]" || len(v.Conflicts) != members+0 {
		t.Errorf("shows %s with %d conflicts", text(v.Value), len(v.Conflicts))
	}
}

func FuzzDecodeState(f *testing.F) {
	for _, rules := range [][]rule{registerRules(), recordRules(), reviveRules(), kindRules(), sequenceRules()} {
		for _, c := range rules {
			w, _ := build(c.steps)
			fold := w.newFold()
			if err := fold.applyAll(w.creation()); err != nil {
				f.Fatal(err)
			}
			f.Add(fold.state.Append(nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeState(b)
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Fatalf("%v", err)
			}
			return
		}
		if again := s.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes as %x", b, again)
		}
		for _, st := range builtins() {
			if v := s.View(st, nil); v.Value != nil && canon.Check(v.Value) != nil {
				t.Fatalf("%s shows %x: %v", st.Name(), []byte(v.Value), canon.Check(v.Value))
			}
		}
	})
}

// A body that passes can be applied, and checking it costs no memory to speak of.
func FuzzOpBody(f *testing.F) {
	for _, op := range []Op{
		put(`{"a":[1]}`), del(), patchOp("/a/b", "1", "/c", "-"), add(-5), setOp(CodeSetAdd, "1", "2"), setOp(CodeSetRemove, "1"),
		must(Resolve(testKey, []clock.Entry{tick(1).Entry()})), splice("añ"), must(ListSplice(testKey, 1, 2, []Value{js("{}")})),
		must(ListMove(testKey, 1, 300)), must(ListReplace(testKey, 0, js("1"))),
	} {
		f.Add(uint64(op.Code), op.Body)
	}
	f.Fuzz(func(t *testing.T, code uint64, body []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := bodyDots(Code(code), body)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 8*uint64(len(body))+64<<10 {
			t.Fatalf("checking %d bytes allocated %d", len(body), used)
		}
		if err != nil {
			if !errors.Is(err, ErrOp) {
				t.Fatal(err)
			}
			return
		}
		s := SimpleState(tick(0), js(`{"a":{"b":1}}`))
		op := Op{Code: Code(code), Width: 1, Key: testKey, Body: body}
		if _, err := s.Apply([]Op{op}, tick(1), everything{}, nil); err != nil {
			t.Fatal(err)
		}
		if v := s.View(Fields(), nil); v.Value != nil && canon.Check(v.Value) != nil {
			t.Fatalf("shows %x", []byte(v.Value))
		}
		if edits, err := op.Edits(); op.Code == CodePatch && err == nil {
			if again, err := Patch(testKey, edits); err != nil || !bytes.Equal(again.Body, body) {
				t.Fatalf("%x is read as %v and written as %x, %v", body, edits, again.Body, err)
			}
		}
	})
}

func BenchmarkPutOnSimple(b *testing.B) {
	s := SimpleState(tick(0), js("1"))
	ops := []Op{put(`{"title":"hello","done":false}`)}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_, _ = s.Apply(ops, tick(n), everything{}, nil)
	}
}

func BenchmarkViewSimple(b *testing.B) {
	s := SimpleState(tick(0), js(`{"title":"hello"}`))
	b.ReportAllocs()
	for b.Loop() {
		_ = s.View(LWW(), nil)
	}
}

func benchRecord() *State {
	return SimpleState(tick(0), js(`{"title":"hello","done":false,"tags":["a"],"who":{"name":"x","mail":"y"},"n":1,"o":2,"p":3,"q":4}`))
}

func BenchmarkRecordPatch(b *testing.B) {
	s := benchRecord()
	ops := []Op{patchOp("/title", `"bye"`)}
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		_, _ = s.Apply(ops, tick(n), everything{}, nil)
	}
}

func BenchmarkRecordView(b *testing.B) {
	s := benchRecord()
	_, _ = s.Apply([]Op{patchOp("/title", `"bye"`, "/who/name", `"z"`)}, tick(1), everything{}, nil)
	b.ReportAllocs()
	for b.Loop() {
		_ = s.View(Fields(), nil)
	}
}

func BenchmarkSetAdd(b *testing.B) {
	s := &State{}
	var elements []string
	for i := range 100 {
		elements = append(elements, strconv.Itoa(i))
	}
	_, _ = s.Apply([]Op{setOp(CodeSetAdd, elements...)}, tick(0), everything{}, nil)
	ops := []Op{setOp(CodeSetAdd, "50")}
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		_, _ = s.Apply(ops, tick(n), everything{}, nil)
	}
}

func BenchmarkCounterAdd(b *testing.B) {
	s := &State{}
	ops := []Op{add(3)}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_, _ = s.Apply(ops, tick(n), everything{}, nil)
	}
}

func BenchmarkEncodeState(b *testing.B) {
	s := benchRecord()
	_, _ = s.Apply([]Op{patchOp("/title", `"bye"`)}, tick(1), everything{}, nil)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = s.Append(buf[:0])
	}
}

func BenchmarkDecodeState(b *testing.B) {
	s := benchRecord()
	_, _ = s.Apply([]Op{patchOp("/title", `"bye"`)}, tick(1), everything{}, nil)
	buf := s.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = DecodeState(buf)
	}
}

func TestSiblings(t *testing.T) {
	w, names := build([]at{
		{"a", 1, 1, "", one(put("1"))}, {"d", 1, 9, "a", one(del())}, {"b", 2, 3, "a", one(put("2"))}, {"c", 3, 2, "a", one(put("2"))},
	})
	got := mustFold(t, w, w.creation()).state.Siblings()
	want := []clock.Stamp{w.versions[names["c"]].stamp, w.versions[names["b"]].stamp, w.versions[names["d"]].stamp}
	if !slices.Equal(got, want) {
		t.Errorf("siblings %v, want c, b and the delete: %v", got, want)
	}
}

func BenchmarkTextEdit(b *testing.B) {
	s := &State{}
	ops := []Op{splice("x")}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_, _ = s.Apply(ops, tick(n), everything{}, nil)
	}
}
