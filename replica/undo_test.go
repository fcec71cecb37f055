package replica_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

func TestUndo(t *testing.T) {
	type edit = func(p *pair) (replica.Version, error)
	set := func(value any) edit {
		return func(p *pair) (replica.Version, error) { return p.a.Set(p.t.Context(), "notes/1", value) }
	}
	setB := func(value any) edit {
		return func(p *pair) (replica.Version, error) { return p.b.Set(p.t.Context(), "notes/1", value) }
	}
	add := func(n int64) edit {
		return func(p *pair) (replica.Version, error) { return p.a.Add(p.t.Context(), "notes/1", n) }
	}
	addB := func(n int64) edit {
		return func(p *pair) (replica.Version, error) { return p.b.Add(p.t.Context(), "notes/1", n) }
	}
	collect := func(v ...any) edit {
		return func(p *pair) (replica.Version, error) { return p.a.SetAdd(p.t.Context(), "notes/1", v) }
	}
	discard := func(v ...any) edit {
		return func(p *pair) (replica.Version, error) { return p.a.SetRemove(p.t.Context(), "notes/1", v) }
	}
	collectB := func(v ...any) edit {
		return func(p *pair) (replica.Version, error) { return p.b.SetAdd(p.t.Context(), "notes/1", v) }
	}
	removeB := func(p *pair) (replica.Version, error) { return p.b.Delete(p.t.Context(), "notes/1") }
	remove := func(p *pair) (replica.Version, error) { return p.a.Delete(p.t.Context(), "notes/1") }
	for _, c := range []struct {
		name, strategy string
		edits          []edit
		want           string
	}{
		{"first write", "lww", []edit{set(1)}, ``},
		{"later write", "lww", []edit{set(1), set(2)}, `1`},
		{"delete", "lww", []edit{set(1), remove}, `1`},
		{"equal write", "lww", []edit{set(1), set(2), set(2)}, `1`},
		{"member", "fields", []edit{set(object{"n": 1, "m": 1}), set(object{"n": 2, "m": 1})}, `{"m":1,"n":1}`},
		{
			"member beside another's", "fields",
			[]edit{set(object{"n": 1, "m": 1}), set(object{"n": 2, "m": 1}), setB(object{"n": 2, "m": 5})},
			`{"m":5,"n":1}`,
		},
		{"record deleted", "fields", []edit{set(object{"n": 1}), remove}, `{"n":1}`},
		{"counter", "lww", []edit{add(3), add(4)}, `3`},
		{"counter that began", "lww", []edit{add(3)}, ``},
		{"counter beside another's", "lww", []edit{add(3), add(4), addB(10)}, `13`},
		{"counter that began beside another's", "lww", []edit{add(3), addB(10)}, `10`},
		{"counter deleted", "lww", []edit{add(3), remove}, `3`},
		{"set", "lww", []edit{collect("x"), collect("x", "y")}, `["x"]`},
		{"set that began", "lww", []edit{collect("x")}, ``},
		{"set beside another's", "lww", []edit{collect("x"), collect("y"), collectB("z")}, `["x","z"]`},
		{"element removed", "lww", []edit{collect("x", "y"), discard("x")}, `["x","y"]`},
		{"set deleted", "lww", []edit{collect("x", "y"), remove}, `["x","y"]`},
		{"other kind", "lww", []edit{set(1), remove, add(2), remove, collect("x")}, ``},
		{"record that began beside another's member", "fields", []edit{set(object{"n": 1}), setB(object{"n": 1, "m": 5})}, `{"m":5}`},
		{"record that began, of which another took a member", "fields", []edit{set(object{"n": 1, "m": 1}), setB(object{"n": 1})}, ``},
		{
			"member overwritten by another", "fields",
			[]edit{set(object{"n": 1, "m": 1}), set(object{"n": 2, "m": 2}), setB(object{"n": 3, "m": 2})},
			`{"m":1,"n":3}`,
		},
		{"overwritten by another", "lww", []edit{set(1), set(2), setB(3)}, `3`},
		{"deleted by another", "lww", []edit{set(1), set(2), removeB}, ``},
		{"deleted, then written by another", "lww", []edit{set(1), remove, setB(3)}, `3`},
		{"written by another as before", "lww", []edit{set(1), set(2), setB(3), setB(2)}, `1`},
		{"made another kind by another", "lww", []edit{set(1), set(2), removeB, addB(4)}, `4`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			p.strategy("notes", c.strategy)
			p.do(p.a.Set(t.Context(), "notes/before", 1)) // is taken back where of the others nothing is left to be
			for _, e := range c.edits {
				p.do(e(p))
				p.sync()
			}
			p.undo()
			p.settled("notes/1", c.want)
		})
	}
}

// TestUndoOfALostSide: an edit that lost against a concurrent one is not shown, so there is nothing to take back; the one before
// is undone.
func TestUndoOfALostSide(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.a.Set(ctx, "notes/before", 1))
	p.sync()
	p.do(p.a.Set(ctx, "notes/1", "mine"))
	p.do(p.b.Set(ctx, "notes/1", "the other's, which is later"))
	p.sync()
	if edit := p.undo().Edit; edit.Ops[0].Key != "notes/before" {
		t.Errorf("took back %+v", edit.Ops)
	}
	p.sync()
	for _, r := range []*replica.Replica{p.a, p.b} {
		p.shows(r, "notes/1", `"the other's, which is later"`)
		p.shows(r, "notes/before", ``)
	}
}

// TestUndoGoesBack: each Undo takes back one edit more, until there is none; what others wrote, and settings, do not count.
func TestUndoGoesBack(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.b.Set(ctx, "notes/b", "b"))
	p.sync()
	p.do(p.a.Set(ctx, "notes/1", 1))
	p.do(p.a.Update(ctx, func(tx *replica.Tx) error {
		return errors.Join(tx.Set("notes/1", 2), tx.Set("notes/2", 2), tx.Delete("notes/b"))
	}))
	p.do(p.a.SetName(ctx, "laptop", ""))
	p.do(p.a.Set(ctx, "notes/1", 3))
	for _, want := range []string{
		`2 2 `,
		`1  "b"`,
		`  "b"`,
	} {
		p.undo(replica.Message("back"))
		p.sync()
		got := fmt.Sprintf("%s %s %s", shown(t, p.b, "notes/1"), shown(t, p.b, "notes/2"), shown(t, p.b, "notes/b"))
		if got != want {
			t.Fatalf("after Undo: %q, want %q", got, want)
		}
	}
	for range 2 {
		if _, err := p.a.Undo(ctx); !errors.Is(err, replica.ErrNoUndo) {
			t.Fatalf("nothing is left: %v, want ErrNoUndo", err)
		}
	}
	p.do(p.a.Set(ctx, "notes/1", 4))
	p.undo()
	p.shows(p.a, "notes/1", ``)
	if device, _ := p.b.Name(ctx, p.do(p.a.Set(ctx, "x/y", 1)).Author); device != "laptop" {
		t.Errorf("the name is %q: Undo took a setting back", device)
	}
	fresh := newPair(t)
	if _, err := fresh.a.Undo(ctx); !errors.Is(err, replica.ErrNoUndo) {
		t.Errorf("on a fresh database: %v, want ErrNoUndo", err)
	}
}

// undo takes an edit of a back.
func (p *pair) undo(opts ...replica.WriteOption) replica.Undone {
	p.t.Helper()
	undone, err := p.a.Undo(p.t.Context(), opts...)
	p.do(undone.Version, err)
	return undone
}

// Undo says what it took back.
func TestUndoNamesTheEdit(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	first := p.do(p.a.Set(ctx, "notes/1", 1))
	second := p.do(p.a.Set(ctx, "notes/2", "two", replica.Message("the second")))
	edit := p.undo().Edit
	if edit.ID != second.ID || edit.Message != "the second" || len(edit.Ops) != 1 || edit.Ops[0].Key != "notes/2" {
		t.Errorf("took back %+v, want %s", edit, second)
	}
	if edit := p.undo().Edit; edit.ID != first.ID {
		t.Errorf("then took back %s, want %s", edit, first)
	}
	p.do(p.a.Revert(ctx, "notes/2", second))
	p.shows(p.a, "notes/2", `"two"`)
}

// TestUndoModel: with one writer, Undo after Undo shows every earlier state again.
func TestUndoModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, err := replica.Open(rt.Context(), memory.New(), replica.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		strategy := rapid.SampledFrom([]string{"lww", "fields", "mv"}).Draw(rt, "strategy")
		if _, err := r.SetSettings(rt.Context(), "n", replica.Settings{Strategy: strategy}); err != nil {
			rt.Fatal(err)
		}
		states := []string{shownTo(rt, r)}
		for range rapid.IntRange(1, 12).Draw(rt, "edits") {
			if drawEdit(rt, r); shownTo(rt, r) != states[len(states)-1] {
				states = append(states, shownTo(rt, r))
			}
		}
		for len(states) > 1 {
			states = states[:len(states)-1]
			if _, err := r.Undo(rt.Context()); err != nil {
				rt.Fatal(err)
			}
			if got := shownTo(rt, r); got != states[len(states)-1] {
				rt.Fatalf("Undo shows\n%s, want\n%s", got, states[len(states)-1])
			}
		}
		if _, err := r.Undo(rt.Context()); !errors.Is(err, replica.ErrNoUndo) {
			rt.Fatalf("nothing is left: %v", err)
		}
	})
}

// shownTo is all that a replica shows.
func shownTo(rt *rapid.T, r replica.Reader) string {
	text := ""
	for row, err := range r.List(rt.Context(), "") {
		if err != nil {
			rt.Fatal(err)
		}
		kind := row.Kind
		if kind == crdt.KindRecord {
			kind = crdt.KindRegister // the same value, seen by its members
		}
		text += fmt.Sprintf("%s %s %s\n", row.Key, kind, row.Value)
	}
	return text
}

// drawEdit makes an edit of one to three keys, if it fits what they hold.
func drawEdit(rt *rapid.T, r *replica.Replica) {
	key := rapid.SampledFrom([]string{"n/1", "n/2", "n/3"})
	_, err := r.Update(rt.Context(), func(tx *replica.Tx) error {
		for range rapid.IntRange(1, 3).Draw(rt, "writes") {
			k := key.Draw(rt, "key")
			element := rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "element")
			var err error
			switch rapid.IntRange(0, 5).Draw(rt, "op") {
			case 0:
				err = tx.Delete(k)
			case 1:
				err = tx.Add(k, int64(rapid.IntRange(-2, 2).Draw(rt, "amount")))
			case 2:
				err = tx.SetAdd(k, element)
			case 3:
				err = tx.SetRemove(k, element)
			case 4:
				err = tx.Set(k, rapid.IntRange(0, 2).Draw(rt, "number"))
			case 5:
				err = tx.Set(k, object{element: rapid.IntRange(0, 2).Draw(rt, "member")})
			}
			if err != nil && !errors.Is(err, replica.ErrWrongKind) && !errors.Is(err, replica.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
}

func TestRevert(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	v1 := p.do(p.a.Set(ctx, "notes/1", 1))
	c1 := p.do(p.a.Add(ctx, "notes/2", 5))
	s1 := p.do(p.a.SetAdd(ctx, "notes/3", []any{"x", "y"}))
	p.do(p.a.Set(ctx, "notes/1", 2))
	p.do(p.a.Add(ctx, "notes/2", 5))
	p.do(p.a.SetRemove(ctx, "notes/3", []any{"x"}))
	p.do(p.a.SetAdd(ctx, "notes/3", []any{"z"}))
	p.do(p.a.Tag(ctx, "before", nil))
	p.sync()
	p.do(p.b.Add(ctx, "notes/2", 100)) // not seen by the reverts
	p.do(p.b.SetAdd(ctx, "notes/3", []any{"b"}))
	p.do(p.a.Revert(ctx, "notes/1", v1, replica.Message("as it was")))
	p.do(p.a.Revert(ctx, "notes/2", c1))
	p.do(p.a.Revert(ctx, "notes/3", s1))
	p.shows(p.a, "notes/2", `5`)
	p.shows(p.a, "notes/3", `["x","y"]`)
	p.settled("notes/1", `1`)
	p.settled("notes/2", `105`)
	p.settled("notes/3", `["b","x","y"]`)
	if v := p.do(p.a.Revert(ctx, "notes/1", v1)); !v.IsZero() {
		t.Errorf("reverting to what is shown made %s", v)
	}
	p.do(p.a.Delete(ctx, "notes/1"))
	p.do(p.a.Revert(ctx, "notes/1", replica.Tag("before")))
	p.settled("notes/1", `2`)
	p.do(p.a.Delete(ctx, "notes/2"))
	p.do(p.a.Set(ctx, "notes/2", "now a value"))
	p.do(p.a.Revert(ctx, "notes/2", c1))
	p.settled("notes/2", `5`)
	p.do(p.a.Revert(ctx, "notes/2", replica.TimePoint(pairStart.Add(-1))))
	p.settled("notes/2", ``)
	for name, err := range map[string]error{
		"never there":       errOf(p.a.Revert(ctx, "notes/9", v1)),
		"not then, not now": errOf(p.a.Revert(ctx, "notes/2", replica.TimePoint(pairStart.Add(-1)))),
	} {
		if !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	for name, err := range map[string]error{
		"no such tag":   errOf(p.a.Revert(ctx, "notes/1", replica.Tag("x"))),
		"no tag at all": errOf(p.a.Revert(ctx, "notes/1", replica.Tag(""))),
		"no point":      errOf(p.a.Revert(ctx, "notes/1", nil)),
	} {
		if !errors.Is(err, replica.ErrPoint) {
			t.Errorf("%s: %v, want ErrPoint", name, err)
		}
	}
}
