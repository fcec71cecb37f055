package crdt

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// gone is an op whose content was erased.
func gone(op Op) Op {
	op.Body = nil
	return op
}

// What is erased shows nothing, and still takes out what it saw: no older value comes back by it, but where it had written
// over a part alone.
func TestErasedOps(t *testing.T) {
	for name, c := range map[string]struct {
		steps []at
		kind  Kind
		shows string
	}{
		"the only put":        {[]at{{"a", 1, 1, "", one(gone(put("1")))}}, KindNone, "nothing"},
		"the newest put":      {[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(gone(put("2")))}}, KindNone, "nothing"},
		"an older put":        {[]at{{"a", 1, 1, "", one(gone(put("1")))}, {"b", 1, 2, "a", one(put("2"))}}, KindRegister, "2"},
		"the winning sibling": {[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "", one(gone(put("2")))}}, KindRegister, "1"},
		"a put that a delete did not see": {
			[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(gone(put("2")))}, {"c", 2, 3, "a", one(del())}}, KindNone, "nothing",
		},
		"a patch": {
			[]at{{"a", 1, 1, "", one(put(`{"x":1}`))}, {"b", 1, 2, "a", one(gone(patchOp("/x", "2")))}}, KindRegister, `{"x":1}`,
		},
		"the put below a patch": {
			[]at{{"a", 1, 1, "", one(gone(put(`{"x":1}`)))}, {"b", 1, 2, "a", one(patchOp("/y", "2"))}}, KindRecord, `{"y":2}`,
		},
		"an add":          {[]at{{"a", 1, 1, "", one(add(1))}, {"b", 1, 2, "a", one(gone(add(2)))}}, KindCounter, "1"},
		"the only add":    {[]at{{"a", 1, 1, "", one(gone(add(1)))}}, KindNone, "nothing"},
		"a set-add":       {[]at{{"a", 1, 1, "", one(setOp(CodeSetAdd, "1"))}, {"b", 1, 2, "a", one(gone(setOp(CodeSetAdd, "2")))}}, KindSet, "[1]"},
		"a set-remove":    {[]at{{"a", 1, 1, "", one(setOp(CodeSetAdd, "1"))}, {"b", 1, 2, "a", one(gone(setOp(CodeSetRemove, "1")))}}, KindSet, "[1]"},
		"an add on a put": {[]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(gone(add(2)))}}, KindNone, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := build(c.steps)
			w.orders(4, func(order []int) {
				view := mustFold(t, w, order).state.View(LWW(), nil)
				if view.Kind != c.kind || text(view.Value) != c.shows || len(view.Conflicts) > 0 {
					t.Errorf("shows %q %s with %v, want %q %s", view.Kind, text(view.Value), view.Conflicts, c.kind, c.shows)
				}
			})
		})
	}
}

// An erase says something of another op: the key shows what it showed.
func TestEraseOpShowsNothing(t *testing.T) {
	target := Target{Version: clock.Entry{Author: identity.Author{7}, Seq: 1}, Op: 2}
	op := must(Erase(testKey, target))
	if got, err := op.Target(); err != nil || got != target {
		t.Errorf("%+v, %v", got, err)
	}
	w, _ := build([]at{{"a", 1, 1, "", one(put("1"))}, {"b", 2, 2, "a", one(op)}})
	s := mustFold(t, w, w.creation()).state
	if at, v, ok := s.Simple(); !ok || text(v) != "1" || at != w.versions[0].stamp {
		t.Errorf("%s at %s, %v", text(v), at.Name(), ok)
	}
}

// Where all is erased nothing shows, whatever was written and in whatever order it comes.
func TestErasedKeyShowsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 8, opsOf(allCodes))
		for i := range w.versions {
			for j := range w.versions[i].ops {
				w.versions[i].ops[j].Body = nil
			}
		}
		s := mustFold(t, w, w.randomOrder(t)).state
		for _, st := range builtins() {
			if v := s.View(st, nil); v.Kind != KindNone || v.Value != nil || len(v.Conflicts) > 0 {
				t.Fatalf("%s shows %q %s with %v", st.Name(), v.Kind, text(v.Value), v.Conflicts)
			}
		}
	})
}
