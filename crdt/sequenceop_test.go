package crdt

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/internal/canon"
)

// anySequenceOp draws an op on a text or a list.
func anySequenceOp() *rapid.Generator[Op] {
	pos := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, maxPosition))
	count := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 1<<20))
	return rapid.Custom(func(t *rapid.T) Op {
		for {
			var op Op
			var err error
			switch at := pos.Draw(t, "pos"); rapid.IntRange(0, 3).Draw(t, "code") {
			case 0:
				op, err = TextSplice(testKey, at, count.Draw(t, "removed"), rapid.StringN(0, 9, -1).Draw(t, "text"))
			case 1:
				var elements []Value
				for _, e := range rapid.SliceOfN(anyValue, 0, 4).Draw(t, "elements") {
					elements = append(elements, js(e))
				}
				op, err = ListSplice(testKey, at, count.Draw(t, "removed"), elements)
			case 2:
				op, err = ListMove(testKey, at, pos.Draw(t, "to"))
			case 3:
				op, err = ListReplace(testKey, at, js(anyValue.Draw(t, "element")))
			}
			if err == nil { // else it did nothing
				return op
			}
		}
	})
}

func TestSequenceOperands(t *testing.T) {
	spliced := must(TextSplice(testKey, 3, 2, "añ🙂"))
	if pos, removed, inserted, err := spliced.TextSplice(); pos != 3 || removed != 2 || inserted != "añ🙂" || err != nil || spliced.Width != 5 {
		t.Errorf("%d %d %q %v, %d dots", pos, removed, inserted, err, spliced.Width)
	}
	list := must(ListSplice(testKey, 300, 1, []Value{js("1"), js(`{"a":[null]}`)}))
	pos, removed, elements, err := list.ListSplice()
	if pos != 300 || removed != 1 || len(elements) != 2 || jsonOf(elements) != `[1,{"a":[null]}]` || err != nil || list.Width != 3 {
		t.Errorf("%d %d %s %v, %d dots", pos, removed, jsonOf(elements), err, list.Width)
	}
	move := must(ListMove(testKey, 5, 0))
	if from, to, err := move.ListMove(); from != 5 || to != 0 || err != nil || move.Width != 1 {
		t.Errorf("%d %d %v, %d dots", from, to, err, move.Width)
	}
	replace := must(ListReplace(testKey, 5, js(`"x"`)))
	if pos, element, err := replace.ListReplace(); pos != 5 || string(element.AppendJSON(nil)) != `"x"` || err != nil || replace.Width != 1 {
		t.Errorf("%d %s %v, %d dots", pos, element, err, replace.Width)
	}
	if _, _, _, err := move.TextSplice(); !errors.Is(err, ErrOp) {
		t.Errorf("a move is read as a splice: %v", err)
	}
}

// jsonOf writes values one after the other.
func jsonOf(values []Value) string {
	b, _ := canon.NewArray(values)
	return text(b)
}

func TestReadingTextAllocatesNothing(t *testing.T) {
	op := must(TextSplice(testKey, 3, 2, strings.Repeat("text ", 1000)))
	if allocs := testing.AllocsPerRun(10, func() {
		if _, _, _, err := op.TextSplice(); err != nil || op.Check() != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestSequenceOpsRefused(t *testing.T) {
	for says, construct := range map[string]func() (Op, error){
		"remove or insert":        func() (Op, error) { return TextSplice(testKey, 1, 0, "") },
		"remove or insert ":       func() (Op, error) { return ListSplice(testKey, 1, 0, nil) },
		"another position":        func() (Op, error) { return ListMove(testKey, 1, 1) },
		"a position":              func() (Op, error) { return TextSplice(testKey, -1, 0, "x") },
		"2147483648 is beyond":    func() (Op, error) { return ListMove(testKey, 0, maxPosition+1) },
		"[position, code points":  func() (Op, error) { return TextSplice(testKey, 0, 0, "\xed\xa0\x80") },
		"[position, element]":     func() (Op, error) { return ListReplace(testKey, 0, nil) },
		"[position, elements rem": func() (Op, error) { return ListSplice(testKey, 0, 0, []Value{nest(32)}) },
	} {
		if op, err := construct(); !errors.Is(err, ErrOp) || !strings.Contains(err.Error(), strings.TrimSpace(says)) {
			t.Errorf("want %q: %x, %v", says, op.Body, err)
		}
	}
	if _, err := ListSplice(testKey, 0, 0, []Value{nest(31)}); err != nil {
		t.Error(err)
	}
	for name, op := range map[string]Op{
		"a dot too many":          {Code: CodeTextSplice, Width: 3, Body: []byte{0x93, 0, 1, 0xa1, 'x'}},
		"a dot less":              {Code: CodeListSplice, Width: 1, Body: []byte{0x94, 0, 0, 1, 2}},
		"a move of two dots":      {Code: CodeListMove, Width: 2, Body: []byte{0x92, 0, 1}},
		"no array":                {Code: CodeTextSplice, Width: 1, Body: []byte{0xc0}},
		"nothing":                 {Code: CodeTextSplice, Width: 1},
		"text that is bytes":      {Code: CodeTextSplice, Width: 1, Body: []byte{0x93, 0, 0, 0xc4, 1, 'x'}},
		"a splice without text":   {Code: CodeTextSplice, Width: 1, Body: []byte{0x92, 0, 1}},
		"a move with more":        {Code: CodeListMove, Width: 1, Body: []byte{0x93, 0, 1, 1}},
		"more behind":             {Code: CodeListReplace, Width: 1, Body: []byte{0x92, 0, 1, 1}},
		"a list without removed":  {Code: CodeListSplice, Width: 1, Body: []byte{0x91, 0}},
		"a position that is long": {Code: CodeListMove, Width: 1, Body: []byte{0x92, 0xcc, 0, 1}},
	} {
		if op.Key = testKey; !errors.Is(op.Check(), ErrOp) {
			t.Errorf("%s: %v", name, op.Check())
		}
	}
}

// What an op was cut down to, when its content was erased, is of the same form, in the same place and as wide.
func TestBlankKeepsPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := anySequenceOp().Draw(t, "op")
		structure := Structure(op.Code, op.Body)
		if err := CheckStructure(op.Code, op.Width, structure); err != nil {
			t.Fatal(err)
		}
		if CheckStructure(op.Code, op.Width+1, structure) == nil {
			t.Fatal("a width that is not that of the structure")
		}
		body, err := Blank(op.Code, op.Width, structure)
		if err != nil {
			t.Fatal(err)
		}
		blank := Op{Code: op.Code, Width: op.Width, Key: testKey, Body: body}
		if err := blank.Check(); err != nil || !bytes.Equal(Structure(op.Code, body), structure) {
			t.Fatalf("%s of %x is %x: %v", op.Code, op.Body, body, err)
		}
		if again, _ := Blank(op.Code, op.Width, Structure(op.Code, body)); !bytes.Equal(again, body) {
			t.Fatalf("%x becomes %x", body, again)
		}
	})
}

func TestBlank(t *testing.T) {
	for _, c := range []struct {
		op               Op
		structure, reads string
	}{
		{must(TextSplice(testKey, 3, 2, "añ🙂")), "[3,2,3]", `[3,2,"���"]`},
		{must(ListSplice(testKey, 3, 2, []Value{js("1"), js("{}")})), "[3,2,2]", `[3,2,null,null]`},
		{must(ListMove(testKey, 3, 2)), "[3,2]", "[3,2]"},
		{must(ListReplace(testKey, 3, js("2"))), "[3]", "[3,null]"},
	} {
		structure := Structure(c.op.Code, c.op.Body)
		body, err := Blank(c.op.Code, c.op.Width, structure)
		if text(structure) != c.structure || text(body) != c.reads || err != nil {
			t.Errorf("%s: %s, %s, %v", c.op.Code, text(structure), text(body), err)
		}
	}
	if body, err := Blank(CodePut, 1, nil); body != nil || err != nil || Structure(CodePut, js("1")) != nil {
		t.Errorf("a put has a structure: %x, %v", body, err)
	}
}

func TestStructureRefused(t *testing.T) {
	for name, c := range map[string]struct {
		code      Code
		width     uint64
		structure []byte
	}{
		"none":                      {CodeTextSplice, 1, nil},
		"a position less":           {CodeTextSplice, 1, []byte{0x92, 0, 1}},
		"a negative one":            {CodeTextSplice, 1, []byte{0x93, 0, 0xff, 2}},
		"more behind":               {CodeListMove, 1, []byte{0x92, 0, 1, 0}},
		"a move that moves nothing": {CodeListMove, 1, []byte{0x92, 1, 1}},
		"a splice of nothing":       {CodeListSplice, 0, []byte{0x93, 0, 0, 0}},
		"more than the op owns":     {CodeTextSplice, 1, []byte{0x93, 0, 0, 0xce, 0x7f, 0xff, 0xff, 0xff}},
		"beside a put":              {CodePut, 1, []byte{0x91, 0}},
		"a put of two dots":         {CodePut, 2, nil},
	} {
		if err := CheckStructure(c.code, c.width, c.structure); !errors.Is(err, ErrOp) {
			t.Errorf("%s: %v", name, err)
		}
		if body, err := Blank(c.code, c.width, c.structure); !errors.Is(err, ErrOp) || body != nil {
			t.Errorf("%s stands for %x, %v", name, body, err)
		}
	}
	if err := CheckStructure(codeUnknown, 7, []byte{0xc1}); err != nil {
		t.Errorf("the structure of an unknown op was looked into: %v", err)
	}
}

// What passes as a structure has a body, within what its width allows.
func FuzzStructure(f *testing.F) {
	for _, op := range []Op{splice("abc"), must(ListSplice(testKey, 1, 2, []Value{js("1")})), must(ListMove(testKey, 1, 300)), must(ListReplace(testKey, 1, js("1")))} {
		f.Add(uint64(op.Code), op.Width, Structure(op.Code, op.Body))
	}
	f.Fuzz(func(t *testing.T, code, width uint64, structure []byte) {
		if width > 1<<20 {
			return // no version owns so many
		}
		body, err := Blank(Code(code), width, structure)
		if err != nil {
			if !errors.Is(err, ErrOp) {
				t.Fatal(err)
			}
			return
		}
		if !Code(code).isSequence() {
			return
		}
		if !bytes.Equal(Structure(Code(code), body), structure) || uint64(len(body)) > 32+3*width {
			t.Fatalf("%x stands for %x", structure, body)
		}
	})
}

func sequenceRules() []rule {
	element := must(ListSplice(testKey, 0, 0, []Value{js("1")}))
	start := at{"a", 1, 1, "", one(splice("one"))}
	return []rule{
		{
			"one who types",
			[]at{start, {"b", 1, 2, "a", one(splice("two"))}},
			[]expectation{{strategy: LWW(), kind: KindText, value: "nothing", at: "b"}, {strategy: Fields(), kind: KindText, value: "nothing", at: "b"}},
		},
		{
			"two who type at once are no conflict",
			[]at{start, {"b", 1, 2, "a", one(splice("two"))}, {"c", 2, 3, "a", one(splice("three"))}},
			[]expectation{{strategy: LWW(), kind: KindText, value: "nothing", at: "c"}},
		},
		{
			"two who edit a list at once are no conflict",
			[]at{{"a", 1, 1, "", one(element)}, {"b", 1, 2, "a", one(must(ListMove(testKey, 0, 1)))}, {"c", 2, 3, "a", one(must(ListReplace(testKey, 0, js("2"))))}},
			[]expectation{{strategy: LWW(), kind: KindList, value: "nothing", at: "c"}},
		},
		{
			"a text that was deleted",
			[]at{start, {"d", 1, 2, "a", one(del())}},
			[]expectation{{strategy: LWW(), value: "nothing", at: "d"}},
		},
		{
			"an edit revives a text",
			[]at{start, {"d", 2, 9, "a", one(del())}, {"e", 3, 3, "a", one(splice("two"))}},
			[]expectation{{strategy: LWW(), kind: KindText, value: "nothing", at: "e", conflicts: []string{": e=nothing > d=nothing (text: edit revives deleted text)"}}},
		},
		{
			"an edit revives a list",
			[]at{{"a", 1, 1, "", one(element)}, {"d", 2, 9, "a", one(del())}, {"e", 3, 3, "a", one(must(ListReplace(testKey, 0, js("2"))))}},
			[]expectation{{strategy: LWW(), kind: KindList, value: "nothing", at: "e", conflicts: []string{": e=nothing > d=nothing (list: edit revives deleted list)"}}},
		},
		{
			"an edit that saw the delete begins anew",
			[]at{start, {"d", 2, 9, "a", one(del())}, {"e", 1, 3, "d", one(splice("two"))}},
			[]expectation{{strategy: LWW(), kind: KindText, value: "nothing", at: "e"}},
		},
		{
			"a value written over a text",
			[]at{start, {"b", 2, 2, "a", one(put("1"))}},
			[]expectation{{strategy: LWW(), kind: KindRegister, value: "1", at: "b"}},
		},
		{
			"a value written over a text that was edited meanwhile",
			[]at{start, {"b", 2, 2, "a", one(put("1"))}, {"c", 1, 3, "a", one(splice("two"))}},
			[]expectation{{strategy: LWW(), kind: KindText, value: "nothing", at: "c", conflicts: []string{": c=nothing > b=1 (kinds: later operation)"}}},
		},
		{
			"a text and a list",
			[]at{start, {"b", 2, 2, "", one(element)}, {"c", 3, 9, "a b", one(splice("two"))}, {"d", 2, 3, "b", one(element)}},
			[]expectation{{strategy: LWW(), kind: KindText, value: "nothing", at: "c", conflicts: []string{": c=nothing > d=nothing (kinds: later operation)"}}},
		},
	}
}

// A delete that an edit outlived is a conflict until a write that saw both; only then is it told.
func TestEditThatClosesARevival(t *testing.T) {
	start := []at{{"a", 1, 1, "", one(splice("one"))}, {"d", 2, 2, "a", one(del())}, {"e", 3, 3, "a", one(splice("two"))}}
	for name, op := range map[string]Op{"an edit": splice("three"), "a delete": del(), "an add": add(1), "a put": put("1")} {
		w, names := build(slices.Concat(start, []at{{"f", 1, 4, "d e", one(op)}, {"g", 4, 5, "", one(splice("four"))}}))
		w.orders(8, func(order []int) {
			f := mustFold(t, w, order)
			if len(f.closed) != 1 {
				t.Fatalf("%s closed %+v, want one conflict", name, f.closed)
			}
			for _, c := range f.closed {
				if c.By != w.versions[names["f"]].stamp || c.Sides[0] != w.versions[names["d"]].stamp || c.Sides[1] != w.versions[names["e"]].stamp {
					t.Errorf("%s closed %+v", name, c)
				}
			}
		})
	}
}

// Whoever types while others type asks nobody what he saw, and leaves one edit each.
func TestTypingTogetherAsksNoHistory(t *testing.T) {
	w := &world{}
	last := [2]int{w.add(1, 1, nil, splice("x")), w.add(2, 1, nil, splice("y"))}
	for i := range 20 {
		parents := []int{last[i&1]}
		if i&1 == 1 {
			parents = append(parents, last[0])
		}
		last[i&1] = w.add(byte(i&1+1), int64(i), parents, splice("z"))
	}
	s := &State{}
	f := w.newFold()
	for _, i := range w.creation() {
		v := &w.versions[i]
		if _, err := s.Apply(v.ops, v.stamp, &testPast{fold: f, of: i, set: v.past}, broken{}); err != nil {
			t.Fatal(err)
		}
		f.applied |= 1 << i
	}
	if len(s.text) != len(w.heads()) || s.Linear() {
		t.Errorf("%d edits stand, of %d heads", len(s.text), len(w.heads()))
	}
}
