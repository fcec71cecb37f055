package crdt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestCheckKey(t *testing.T) {
	for key, says := range map[string]string{
		"a/b":                                "",
		"notes/a/b/c":                        "",
		"notes//":                            "",
		"é/ü 🙂":                              "",
		"n/" + strings.Repeat("x", MaxKey-2): "",
		"n/" + strings.Repeat("x", MaxKey-1): "at most 1024",
		"":                                   "no '/'",
		"notes":                              "no '/'",
		"/b":                                 "empty namespace",
		"notes/":                             "empty name",
		"a/\x00":                             "U+0000",
		"a/\x1fb":                            "U+001F",
		"a/\x7f":                             "U+007F",
		"a/\u0085":                           "U+0085",
		"a/\xff":                             "not valid UTF-8",
		"a\n/b":                              "U+000A",
	} {
		err := CheckKey(key)
		if says == "" && err != nil || says != "" && (!errors.Is(err, ErrKey) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %v, want %q", key, err, says)
		}
	}
}

func TestPointer(t *testing.T) {
	for pointer, path := range map[string][]string{
		"": {}, "/a": {"a"}, "/a/b": {"a", "b"}, "/": {""}, "//x": {"", "x"}, "/a~1b/~0": {"a/b", "~"}, "/~01": {"~1"},
	} {
		if got := Pointer(path); got != pointer {
			t.Errorf("%q is written %q, want %q", path, got, pointer)
		}
		if got, err := ParsePointer(pointer); err != nil || !slices.Equal(got, path) {
			t.Errorf("%q is read %q, %v", pointer, got, err)
		}
	}
	for _, bad := range []string{"a", "a/b", "/~", "/~2", "/a~"} {
		if _, err := ParsePointer(bad); !errors.Is(err, ErrPointer) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPathsBelowFollowAtOnce(t *testing.T) {
	paths := []string{"/a", "/a!", "/a/b", "/a b/c", "/a", "/a/b/c", "/a~1", "/a\x01", "/", "//"}
	slices.SortFunc(paths, comparePaths)
	for i, p := range paths {
		ended := false
		for _, q := range paths[i+1:] {
			if isWithin(q, p) && ended {
				t.Errorf("%q is within %q, and not with the others: %q", q, p, paths)
			}
			ended = ended || !isWithin(q, p)
		}
	}
}

func nest(depth int) Value { return js(strings.Repeat("[", depth) + strings.Repeat("]", depth)) }

func TestConstructorsRefuse(t *testing.T) {
	path := func(keys ...string) []string { return keys }
	patch := func(edits ...Edit) func() (Op, error) { return func() (Op, error) { return Patch(testKey, edits) } }
	for says, construct := range map[string]func() (Op, error){
		"no '/'":           func() (Op, error) { return Put("k", js("1")) },
		"must be one":      func() (Op, error) { return Put(testKey, Value{0xc1}) },
		"beyond 2^53-1":    func() (Op, error) { return Add(testKey, maxOperand+1) },
		"at least":         func() (Op, error) { return SetAdd(testKey, nil) },
		"name a version":   func() (Op, error) { return Resolve(testKey, nil) },
		"change something": patch(),
		"below the root":   patch(Edit{Value: js("1")}),
		"is the same as":   patch(Edit{Path: path("a"), Value: js("1")}, Edit{Path: path("a"), Value: js("2")}),
		"or below \"/b\"":  patch(Edit{Path: path("b", "c"), Value: js("1")}, Edit{Path: path("b")}),
		"\"$bytes\"":       patch(Edit{Path: path("a", "$bytes"), Value: js(`"AA=="`)}),
		"32 keys":          patch(Edit{Path: strings.Split(strings.Repeat("a", 33), "")}),
		"nests more":       patch(Edit{Path: path("a", "b"), Value: nest(31)}),
		"the value at /q":  patch(Edit{Path: path("q"), Value: Value{0xc1}}),
	} {
		if op, err := construct(); err == nil || !errors.Is(err, ErrOp) && !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q: %x, %v", says, op.Body, err)
		}
	}
	for _, op := range []Op{
		must(Put(testKey, nest(32))), must(Add(testKey, -maxOperand)),
		must(Patch(testKey, []Edit{{Path: path("a"), Value: nest(31)}})), must(SetAdd(testKey, []Value{nest(31)})),
	} {
		if err := op.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	text := canon.AppendString
	array := func(n int) []byte { return canon.AppendArray(nil, n) }
	for name, op := range map[string]Op{
		"a delete with a body":      {Code: CodeDelete, Body: []byte{1}},
		"a delete without its nil":  {Code: CodeDelete},
		"trailing bytes":            {Code: CodePut, Body: []byte{1, 1}},
		"a set out of order":        {Code: CodeSetAdd, Body: []byte{0x92, 2, 1}},
		"a set with a duplicate":    {Code: CodeSetRemove, Body: []byte{0x92, 1, 1}},
		"a patch that is no array":  {Code: CodePatch, Body: []byte{1}},
		"a patch without a value":   {Code: CodePatch, Body: text(append(array(2), 0x90), "/a")},
		"a patch with an object":    {Code: CodePatch, Body: append(text(append(array(3), 0x90), "/a"), js(`{"b":1}`)...)},
		"paths that descend":        {Code: CodePatch, Body: text(text(append(array(1), 0x92), "/b"), "/a")},
		"a path that is no pointer": {Code: CodePatch, Body: text(append(array(1), 0x91), "a")},
		"a patch with more behind":  {Code: CodePatch, Body: append(text(append(array(1), 0x91), "/a"), 1)},
		"an add of text":            {Code: CodeAdd, Body: text(nil, "1")},
		"an erase of nothing":       {Code: CodeErase, Body: array(0)},
		"an erase of no version":    {Code: CodeErase, Body: append(array(2), 1, 1)},
		"an erase of no dot":        {Code: CodeErase, Body: append((&clock.Entry{}).Append(array(2)), 1)},
		"an erase beyond all ops":   {Code: CodeErase, Body: canon.AppendUint((&clock.Entry{Seq: 1}).Append(array(2)), 1<<16)},
		"an erase with more behind": {Code: CodeErase, Body: append((&clock.Entry{Seq: 1}).Append(array(2)), 1, 1)},
		"two dots":                  {Code: CodeErase, Width: 2},
	} {
		op.Key = testKey
		if op.Width == 0 {
			op.Width = 1
		}
		if err := op.Check(); !errors.Is(err, ErrOp) {
			t.Errorf("%s: %v", name, err)
		}
	}
	unknown := Op{Code: codeUnknown, Width: 900, Key: testKey, Body: []byte{0xc1}}
	if err := unknown.Check(); err != nil {
		t.Errorf("an unknown op was looked into: %v", err)
	}
}

func TestOperands(t *testing.T) {
	op := patchOp("/b", `{"y":1,"x":{"~":[2],"e":{}}}`, "/a", "-", "/c", `{"$bytes":1,"z":2}`)
	edits, err := op.Edits()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range edits {
		got = append(got, Pointer(e.Path)+"="+text(e.Value))
	}
	want := []string{"/a=nothing", "/b/x/e={}", "/b/x/~0=[2]", "/b/y=1", `/c={"$bytes":1,"z":2}`}
	if !slices.Equal(got, want) {
		t.Errorf("the edits are %q, want %q", got, want)
	}
	set := setOp(CodeSetAdd, `"b"`, "2", `"a"`, "2", "10")
	elements, err := set.Elements()
	if err != nil || text(Value(set.Body)) != `[2,10,"a","b"]` || len(elements) != 4 {
		t.Errorf("the elements are %s, %v", text(Value(set.Body)), err)
	}
}

// vector is one line of the golden file of ops, for other implementations.
type vector struct {
	Op   string `json:"op"`
	Args string `json:"args"`
	Code uint64 `json:"code"`
	// Width is left out where it is 1.
	Width uint64 `json:"width,omitempty"`
	Body  string `json:"body"`
	// Structure is what stands in place of the body where that is detached, if anything.
	Structure string `json:"structure,omitempty"`
}

func TestOpVectors(t *testing.T) {
	first := clock.Entry{Author: identity.Author{1}, Seq: 7, ID: clock.Prefix{0xaa}}
	second := clock.Entry{Author: identity.Author{2}, Seq: 300, ID: clock.Prefix{0xbb}}
	var got []vector
	note := func(args string, op Op) {
		v := vector{Op: op.Code.String(), Args: args, Code: uint64(op.Code), Body: hex.EncodeToString(op.Body)}
		if v.Structure = hex.EncodeToString(Structure(op.Code, op.Body)); op.Width > 1 {
			v.Width = op.Width
		}
		got = append(got, v)
	}
	note(`{"a":1}`, put(`{"a":1}`))
	note("", del())
	note(`set /b/x 1, set /b/y [], remove /a`, patchOp("/b", `{"x":1,"y":[]}`, "/a", "-"))
	note(`set /m~1n {}`, patchOp("/m~1n", "{}"))
	note("-1", add(-1))
	note("9007199254740991", add(maxOperand))
	note(`"b", 2, "a"`, setOp(CodeSetAdd, `"b"`, "2", `"a"`))
	note("2", setOp(CodeSetRemove, "2"))
	note("02000…@300 bb000…, 01000…@7 aa000…", must(Resolve(testKey, []clock.Entry{second, first})))
	note("op 3 of 02000…@300 bb000…", must(Erase(testKey, Target{Version: second, Op: 3})))
	note(`at 3, remove 2, insert "añ🙂"`, must(TextSplice(testKey, 3, 2, "añ🙂")))
	note(`at 70000, remove 1`, must(TextSplice(testKey, 70000, 1, "")))
	note(`at 0, insert 1, {"a":[]}`, must(ListSplice(testKey, 0, 0, []Value{js("1"), js(`{"a":[]}`)})))
	note(`from 300 to 0`, must(ListMove(testKey, 300, 0)))
	note(`at 2, "x"`, must(ListReplace(testKey, 2, js(`"x"`))))
	golden(t, "testdata/ops.json", got)
}

type stateVector struct {
	What   string `json:"what"`
	State  string `json:"state"`
	Digest string `json:"digest"`
	Shows  string `json:"shows"`
}

func TestStateVectors(t *testing.T) {
	var got []stateVector
	for _, c := range slices.Concat(registerRules(), recordRules(), reviveRules(), kindRules(), sequenceRules()) {
		w, _ := build(c.steps)
		s := mustFold(t, w, w.creation()).state
		view := s.View(Fields(), nil)
		got = append(got, stateVector{c.name, hex.EncodeToString(s.Append(nil)), hex.EncodeToString(s.AppendDigest(nil)), text(view.Value)})
	}
	golden(t, "testdata/states.json", got)
}

// golden compares with a file, or writes it with -update. What is in there is stored and hashed by others: it may only
// grow while the format byte is the same.
func golden(t *testing.T, path string, got any) {
	t.Helper()
	b, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(bytes.ReplaceAll(b, []byte(`\u003e`), []byte(">")), '\n')
	if *update {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Errorf("%s differs; look at what -update changes", path)
	}
}
