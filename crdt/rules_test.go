package crdt

import (
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
)

// at is one version of a scenario: who writes it, at which wall time, on top of which others, and what.
type at struct {
	name   string
	author byte
	wall   int64
	on     string // names, separated by spaces
	ops    []Op
}

func build(steps []at) (*world, map[string]int) {
	w, names := &world{}, map[string]int{}
	for _, s := range steps {
		var parents []int
		for _, name := range strings.Fields(s.on) {
			parents = append(parents, names[name])
		}
		names[s.name] = w.add(s.author, s.wall, parents, s.ops...)
	}
	return w, names
}

func one(op ...Op) []Op { return op }

// describe writes a conflict as "path: chosen > other other (why)", each side as name=value, with a + where it is merged.
func describe(c *Conflict, w *world, names map[string]int) string {
	name := func(s Side) string {
		for n, i := range names {
			if w.versions[i].stamp == s.Stamp {
				if s.Merged {
					n = "+" + n
				}
				return n + "=" + text(s.Value)
			}
		}
		return "?"
	}
	others := make([]string, len(c.Others))
	for i, s := range c.Others {
		others[i] = name(s)
	}
	return c.Path + ": " + name(c.Chosen) + " > " + strings.Join(others, " ") + " (" + c.Why + ")"
}

type expectation struct {
	strategy  Strategy
	kind      Kind
	value     string
	at        string
	used      string // strategy really used, if another
	revived   bool
	conflicts []string
}

func TestRules(t *testing.T) {
	for _, c := range slices.Concat(registerRules(), recordRules(), reviveRules(), kindRules(), sequenceRules()) {
		t.Run(c.name, func(t *testing.T) {
			w, names := build(c.steps)
			for _, e := range c.want {
				w.orders(8, func(order []int) {
					view := mustFold(t, w, order).state.View(e.strategy, nil)
					used := e.used
					if used == "" {
						used = e.strategy.Name()
					}
					if view.Kind != e.kind || text(view.Value) != e.value || view.Strategy != used || view.Revived != e.revived {
						t.Errorf("%s: %q %s by %s, revived %v; want %q %s by %s, %v", e.strategy.Name(),
							view.Kind, text(view.Value), view.Strategy, view.Revived, e.kind, e.value, used, e.revived)
					}
					if e.at != "" && view.At != w.versions[names[e.at]].stamp {
						t.Errorf("%s: at %s, want %s", e.strategy.Name(), view.At.Name(), e.at)
					}
					var got []string
					for i := range view.Conflicts {
						got = append(got, describe(&view.Conflicts[i], w, names))
					}
					if !slices.Equal(got, e.conflicts) {
						t.Errorf("%s: conflicts\n got %q\nwant %q", e.strategy.Name(), got, e.conflicts)
					}
				})
			}
		})
	}
}

type rule struct {
	name  string
	steps []at
	want  []expectation
}

func registerRules() []rule {
	concurrent := []at{{"a", 1, 1, "", one(put("[1,2]"))}, {"b", 2, 2, "", one(put("5"))}, {"c", 3, 2, "", one(put("[2,3]"))}}
	return []rule{
		{"nothing", nil, []expectation{{strategy: LWW(), value: "nothing"}}},
		{
			"a successor wins though its clock is behind",
			[]at{{"a", 1, 9, "", one(put("1"))}, {"b", 2, 0, "a", one(put("2"))}},
			[]expectation{{strategy: LWW(), kind: KindRegister, value: "2", at: "b"}, {strategy: MV(), kind: KindRegister, value: "2", at: "b"}},
		},
		{
			"null is a value",
			[]at{{"a", 1, 1, "", one(put("null"))}},
			[]expectation{{strategy: LWW(), kind: KindRegister, value: "null", at: "a"}},
		},
		{
			"three concurrent puts",
			concurrent,
			[]expectation{
				{strategy: LWW(), kind: KindRegister, value: "[2,3]", at: "c", conflicts: []string{": c=[2,3] > a=[1,2] b=5 (lww/1: same time, greater author)"}},
				{strategy: MV(), kind: KindRegister, value: "[[1,2],5,[2,3]]", at: "c", conflicts: []string{": +c=[[1,2],5,[2,3]] > +a=[1,2] +b=5 +c=[2,3] (mv/1: all values)"}},
				{strategy: Max(), kind: KindRegister, value: "[2,3]", at: "c", conflicts: []string{": c=[2,3] > a=[1,2] b=5 (max/1: greatest value)"}},
				{strategy: Min(), kind: KindRegister, value: "5", at: "b", conflicts: []string{": b=5 > a=[1,2] c=[2,3] (min/1: least value)"}},
				{strategy: Union(), kind: KindRegister, value: "[1,2,5,3]", at: "c", conflicts: []string{": +c=[1,2,5,3] > +a=[1,2] +b=5 +c=[2,3] (union/1: elements of all values)"}},
				{strategy: Fields(), kind: KindRegister, value: "[2,3]", at: "c", conflicts: []string{": c=[2,3] > a=[1,2] b=5 (fields/1: same time, greater author)"}},
			},
		},
		{
			"union without arrays is the newest value",
			[]at{{"a", 1, 2, "", one(put("1"))}, {"b", 2, 1, "", one(put("2"))}, {"d", 3, 3, "", one(del())}},
			[]expectation{{strategy: Union(), kind: KindRegister, value: "1", at: "a", conflicts: []string{": a=1 > b=2 d=nothing (union/1: later time)"}}},
		},
		{
			"an array that has all elements is the union",
			[]at{{"a", 1, 1, "", one(put("[1,2]"))}, {"b", 2, 2, "", one(put("[2]"))}, {"d", 3, 3, "", one(del())}},
			[]expectation{{strategy: Union(), kind: KindRegister, value: "[1,2]", at: "a", conflicts: []string{": a=[1,2] > +b=[2] d=nothing (union/1: elements of all values)"}}},
		},
		{
			"equal values are no conflict",
			[]at{{"a", 1, 1, "", one(put("7"))}, {"b", 2, 2, "", one(put("7"))}},
			[]expectation{{strategy: LWW(), kind: KindRegister, value: "7", at: "b"}, {strategy: MV(), kind: KindRegister, value: "7", at: "b"}, {strategy: Fields(), kind: KindRegister, value: "7", at: "b"}},
		},
		{
			"a later concurrent delete wins under lww alone",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(put("2"))}, {"d", 2, 5, "a", one(del())}},
			[]expectation{
				{strategy: LWW(), value: "nothing", at: "d", conflicts: []string{": d=nothing > b=2 (lww/1: later time)"}},
				{strategy: Max(), kind: KindRegister, value: "2", at: "b", conflicts: []string{": b=2 > d=nothing (max/1: a value beats a delete)"}},
				{strategy: MV(), kind: KindRegister, value: "2", at: "b", conflicts: []string{": b=2 > d=nothing (mv/1: a value beats a delete)"}},
				{strategy: Fields(), kind: KindRegister, value: "2", at: "b", conflicts: []string{": b=2 > d=nothing (fields/1: a value beats a delete)"}},
			},
		},
		{
			"an earlier concurrent delete loses",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"d", 2, 2, "a", one(del())}, {"b", 1, 5, "a", one(put("2"))}},
			[]expectation{{strategy: LWW(), kind: KindRegister, value: "2", at: "b", conflicts: []string{": b=2 > d=nothing (lww/1: later time)"}}},
		},
		{
			"two concurrent deletes",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"d", 2, 2, "a", one(del())}, {"e", 3, 3, "a", one(del())}},
			[]expectation{{strategy: LWW(), value: "nothing", at: "e"}, {strategy: Fields(), value: "nothing", at: "e"}},
		},
		{
			"a mixture is from the newest value, not from a delete",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "", one(put("2"))}, {"d", 3, 3, "", one(del())}},
			[]expectation{{strategy: MV(), kind: KindRegister, value: "[1,2]", at: "b", conflicts: []string{": +b=[1,2] > +a=1 +b=2 d=nothing (mv/1: all values)"}}},
		},
		{
			"a delete and a put in one version",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(del(), put("2"))}},
			[]expectation{{strategy: LWW(), kind: KindRegister, value: "2", at: "b"}},
		},
		{
			"a put and a delete in one version",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(put("2"), del())}},
			[]expectation{{strategy: LWW(), value: "nothing", at: "b"}},
		},
	}
}

func recordRules() []rule {
	start := at{"a", 1, 1, "", one(put(`{"x":1,"y":1}`))}
	return []rule{
		{
			"patches of different members merge",
			[]at{start, {"b", 1, 2, "a", one(patchOp("/x", "2"))}, {"c", 2, 3, "a", one(patchOp("/y", "3", "/z/q", "4"))}},
			[]expectation{
				{strategy: Fields(), kind: KindRecord, value: `{"x":2,"y":3,"z":{"q":4}}`, at: "c"},
				{strategy: MV(), used: "lww/1", kind: KindRecord, value: `{"x":2,"y":3,"z":{"q":4}}`, at: "c"},
			},
		},
		{
			"patches of one member",
			[]at{start, {"b", 1, 2, "a", one(patchOp("/x", "2"))}, {"c", 2, 3, "a", one(patchOp("/x", "3"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":3,"y":1}`, conflicts: []string{"/x: c=3 > b=2 (fields/1: later time)"}}},
		},
		{
			"equal patches are no conflict",
			[]at{start, {"b", 1, 2, "a", one(patchOp("/x", "2"))}, {"c", 2, 3, "a", one(patchOp("/x", "2"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":2,"y":1}`}},
		},
		{
			"a member removed and changed",
			[]at{start, {"b", 1, 2, "a", one(patchOp("/x", "2"))}, {"c", 2, 3, "a", one(patchOp("/x", "-"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"y":1}`, conflicts: []string{"/x: c=nothing > b=2 (fields/1: later time)"}}},
		},
		{
			"a put that is concurrent with a patch",
			[]at{start, {"b", 1, 2, "a", one(patchOp("/x", "2"))}, {"c", 2, 3, "a", one(put(`{"x":3,"n":1}`))}},
			[]expectation{
				{strategy: Fields(), kind: KindRecord, value: `{"n":1,"x":3}`, conflicts: []string{"/x: c=3 > b=2 (fields/1: later time)"}},
				{strategy: LWW(), kind: KindRecord, value: `{"n":1,"x":3}`, conflicts: []string{"/x: c=3 > b=2 (lww/1: later time)"}},
			},
		},
		{
			"a patch that saw the put it changes is no conflict with it",
			[]at{start, {"c", 2, 3, "", one(put(`{"x":3,"n":1}`))}, {"b", 1, 4, "a c", one(patchOp("/x", "2"))}},
			[]expectation{
				{strategy: Fields(), kind: KindRecord, value: `{"n":1,"x":2,"y":1}`, at: "b"},
				{strategy: LWW(), kind: KindRecord, value: `{"n":1,"x":2}`, at: "b", conflicts: []string{`: c={"n":1,"x":3} > a={"x":1,"y":1} (lww/1: later time)`}},
			},
		},
		{
			"a put equal to one that a patch wrote over",
			[]at{{"a", 1, 5, "", one(put("7"))}, {"b", 1, 6, "a", one(patchOp("/x", "2"))}, {"c", 2, 1, "", one(put("7"))}},
			[]expectation{{strategy: LWW(), kind: KindRecord, value: `{"x":2}`, at: "b", conflicts: []string{`: b={"x":2} > c=7 (lww/1: later time)`}}},
		},
		{
			"keys that are escaped in paths keep their order",
			[]at{{"a", 1, 1, "", one(put(`{"a/b":1,"a0":2}`))}, {"b", 1, 6, "a", one(patchOp("/a~0", "2"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"a/b":1,"a0":2,"a~":2}`, at: "b"}},
		},
		{
			"concurrent creates merge",
			[]at{{"a", 1, 1, "", one(put(`{"n":{"p":1},"e":{}}`))}, {"b", 2, 2, "", one(put(`{"n":{"q":2,"p":1},"e":{"k":1}}`))}},
			[]expectation{{strategy: Fields(), kind: KindRegister, value: `{"e":{"k":1},"n":{"p":1,"q":2}}`, at: "b"}},
		},
		{
			"a leaf over members, later",
			[]at{start, {"b", 1, 2, "a", one(patchOp("/z/q", "1"))}, {"c", 2, 3, "a", one(patchOp("/z", "[1]"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":1,"y":1,"z":[1]}`, conflicts: []string{"/z/q: c=nothing > b=1 (fields/1: later time)"}}},
		},
		{
			"members over a leaf, later",
			[]at{start, {"c", 2, 2, "a", one(patchOp("/z", "[1]"))}, {"b", 1, 3, "a", one(patchOp("/z/q", "1"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":1,"y":1,"z":{"q":1}}`, conflicts: []string{`/z: b={"q":1} > c=[1] (fields/1: later time)`}}},
		},
		{
			"a member of what was removed",
			[]at{{"a", 1, 1, "", one(put(`{"z":{"p":1,"q":1}}`))}, {"b", 1, 2, "a", one(patchOp("/z", "-"))}, {"c", 2, 3, "a", one(patchOp("/z/q", "2"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"z":{"q":2}}`, conflicts: []string{`/z: c={"q":2} > b=nothing (fields/1: later time)`}}},
		},
		{
			"what a leaf replaced does not come back when members replace the leaf",
			[]at{{"a", 1, 1, "", one(put(`{"z":{"p":1}}`))}, {"b", 1, 2, "a", one(patchOp("/z", "5"))}, {"c", 1, 3, "b", one(patchOp("/z/q", "2"))}, {"d", 1, 4, "c", one(patchOp("/z/q", "-"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{}`, at: "d"}},
		},
	}
}

func reviveRules() []rule {
	start := []at{{"a", 1, 1, "", one(put(`{"x":1,"y":1}`))}, {"b", 1, 2, "a", one(patchOp("/y", "2"))}}
	scenario := func(more ...at) []at { return slices.Concat(start, more) }
	return []rule{
		{
			"an edit revives the whole record",
			scenario(at{"d", 2, 9, "b", one(del())}, at{"e", 3, 3, "b", one(patchOp("/x", "3"))}),
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":3,"y":2}`, revived: true, at: "e", conflicts: []string{`: e={"x":3,"y":2} > d=nothing (fields/1: edit revives deleted record)`}}},
		},
		{
			"an edit revives a value",
			[]at{start[0], {"d", 2, 9, "a", one(del())}, {"e", 3, 3, "a", one(patchOp("/x", "3"))}},
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":3,"y":1}`, revived: true, at: "e", conflicts: []string{`: e={"x":3,"y":1} > d=nothing (fields/1: edit revives deleted record)`}}},
		},
		{
			"a later patch shows itself alone",
			scenario(at{"d", 2, 9, "b", one(del())}, at{"e", 3, 3, "d", one(patchOp("/x", "3"))}),
			[]expectation{{strategy: Fields(), kind: KindRecord, value: `{"x":3}`, at: "e"}},
		},
		{
			"a delete of the revived record deletes it",
			scenario(at{"d", 2, 9, "b", one(del())}, at{"e", 3, 3, "b", one(patchOp("/x", "3"))}, at{"f", 1, 4, "d e", one(del())}),
			[]expectation{{strategy: Fields(), value: "nothing", at: "f"}},
		},
		{
			"a put of the revived record keeps it",
			scenario(at{"d", 2, 9, "b", one(del())}, at{"e", 3, 3, "b", one(patchOp("/x", "3"))}, at{"f", 1, 4, "d e", one(put(`{"x":3,"y":9}`))}),
			[]expectation{{strategy: Fields(), kind: KindRegister, value: `{"x":3,"y":9}`, at: "f"}},
		},
	}
}

func kindRules() []rule {
	return []rule{
		{
			"a counter",
			[]at{{"a", 1, 1, "", one(add(5))}, {"b", 2, 1, "", one(add(-7))}, {"c", 1, 2, "a", one(add(1), add(1))}},
			[]expectation{{strategy: LWW(), kind: KindCounter, value: "0", at: "c"}},
		},
		{
			"a delete concurrent with adds leaves those that it did not see",
			[]at{{"a", 1, 1, "", one(add(5))}, {"b", 2, 2, "a", one(add(2))}, {"d", 1, 9, "a", one(del())}, {"c", 1, 9, "d", one(add(1))}},
			[]expectation{{strategy: LWW(), kind: KindCounter, value: "3", at: "c"}},
		},
		{
			"deletes concurrent with adds take out what their own version added before",
			[]at{{"a", 1, 1, "", one(add(3))}, {"b", 2, 2, "", one(del(), add(5), del(), add(1))}},
			[]expectation{{strategy: LWW(), kind: KindCounter, value: "4", at: "b"}},
		},
		{
			"a counter that was deleted",
			[]at{{"a", 1, 1, "", one(add(5))}, {"d", 1, 9, "a", one(del())}},
			[]expectation{{strategy: LWW(), value: "nothing", at: "d"}},
		},
		{
			"a counter beyond 2^53",
			[]at{{"a", 1, 1, "", one(add(maxOperand))}, {"b", 2, 1, "", one(add(maxOperand), add(5))}},
			[]expectation{{strategy: LWW(), kind: KindCounter, value: `"18014398509481987"`, at: "b"}},
		},
		{
			"a set: add wins",
			[]at{{"a", 1, 1, "", one(setOp(CodeSetAdd, `"x"`, "3", "1"))}, {"b", 2, 2, "a", one(setOp(CodeSetAdd, "1"))}, {"c", 1, 9, "a", one(setOp(CodeSetRemove, "1", "3", "8"))}},
			[]expectation{{strategy: LWW(), kind: KindSet, value: `[1,"x"]`, at: "b"}},
		},
		{
			"an empty set shows nothing",
			[]at{{"a", 1, 1, "", one(setOp(CodeSetAdd, "1"))}, {"b", 2, 2, "a", one(setOp(CodeSetRemove, "1"))}},
			[]expectation{{strategy: LWW(), value: "nothing"}},
		},
		{
			"the kind of the greatest live op is visible",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 2, 3, "", one(add(4))}, {"c", 3, 2, "", one(setOp(CodeSetAdd, "9"))}},
			[]expectation{{strategy: LWW(), kind: KindCounter, value: "4", at: "b", conflicts: []string{
				": b=4 > a=1 c=[9] (kinds: later operation)",
			}}},
		},
		{
			"an add after a delete shows, and the tombstone is gone",
			[]at{{"a", 1, 1, "", one(put("1"))}, {"d", 1, 2, "a", one(del())}, {"b", 1, 3, "d", one(add(4))}},
			[]expectation{{strategy: LWW(), kind: KindCounter, value: "4", at: "b"}},
		},
	}
}

func TestClosed(t *testing.T) {
	start := []at{{"a", 1, 1, "", one(put(`{"x":1}`))}, {"b", 2, 2, "", one(put(`{"x":2}`))}}
	cases := []struct {
		name  string
		more  []at
		path  string
		by    string
		noted bool
	}{
		{"overwritten by a put", []at{{"c", 1, 3, "a b", one(put("3"))}}, "", "c", false},
		{"overwritten by a delete", []at{{"c", 1, 3, "a b", one(del())}}, "", "c", false},
		{"overwritten by a patch", []at{{"c", 1, 3, "a b", one(patchOp("/x", "3"))}}, "/x", "c", false},
		{"overwritten by an add", []at{{"c", 1, 3, "a b", one(add(3))}}, "", "c", false},
		{"overwritten by an op on a set", []at{{"c", 1, 3, "a b", one(setOp(CodeSetRemove, "3"))}}, "", "c", false},
		{"by a patch below", []at{{"c", 1, 3, "a b", one(patchOp("/x/y", "3"))}}, "/x", "c", false},
		{"by the earlier of two", []at{{"d", 2, 4, "a b", one(put("3"))}, {"c", 1, 3, "a b", one(put("3"))}}, "", "c", false},
		{"by the one that resolves", []at{{"c", 1, 3, "a b", one(put("3"))}, {"d", 2, 4, "a b", one(put("3"), resolveAB())}}, "", "d", true},
		{"by the one that resolves, op first", []at{{"d", 2, 4, "a b", one(resolveAB(), put("3"))}}, "", "d", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, names := build(slices.Concat(start, c.more))
			w.orders(8, func(order []int) {
				f := mustFold(t, w, order)
				if len(f.closed) != 1 {
					t.Fatalf("closed %+v, want one conflict", f.closed)
				}
				for _, got := range f.closed {
					sides := []string{got.Sides[0].Name(), got.Sides[1].Name()}
					if got.Path != c.path || got.By != w.versions[names[c.by]].stamp || got.Resolved != c.noted || len(got.Sides) != 2 ||
						got.Sides[0] != w.versions[0].stamp || got.Sides[1] != w.versions[1].stamp {
						t.Errorf("closed %q of %v by %s, resolved %v", got.Path, sides, got.By.Name(), got.Resolved)
					}
					if got.Chosen.Stamp != got.Sides[1] || len(got.Others) != 1 || got.Others[0].Stamp != got.Sides[0] || !strings.HasSuffix(got.Why, "/1: later time") {
						t.Errorf("closed %s over %+v: %s", got.Chosen.Stamp.Name(), got.Others, got.Why)
					}
				}
			})
		})
	}
}

func resolveAB() Op {
	w, _ := build([]at{{"a", 1, 1, "", one(put(`{"x":1}`))}, {"b", 2, 2, "", one(put(`{"x":2}`))}})
	return must(Resolve(testKey, []clock.Entry{w.versions[1].stamp.Entry(), w.versions[0].stamp.Entry()}))
}

func TestNotClosed(t *testing.T) {
	start := []at{{"a", 1, 1, "", one(put(`{"x":1}`))}, {"b", 2, 2, "", one(put(`{"x":2}`))}}
	for name, more := range map[string][]at{
		"a write that saw one side":    {{"c", 1, 3, "a", one(put("3"))}},
		"a patch of another member":    {{"c", 1, 3, "a b", one(patchOp("/y", "3"))}},
		"an add that saw one side":     {{"c", 1, 3, "a", one(add(3))}},
		"a resolve op without a write": {{"c", 1, 3, "a b", one(resolveAB())}},
	} {
		w, _ := build(slices.Concat(start, more))
		if f := mustFold(t, w, w.creation()); len(f.closed) != 0 {
			t.Errorf("%s closed %+v", name, f.closed)
		}
	}
}
