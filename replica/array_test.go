package replica_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
)

const arrayKey = "lists/shopping"

// lists compares the items of a list, typed and not, with what is wanted, and then what is committed.
func (p *pair) lists(r *replica.Replica, want string) {
	p.t.Helper()
	var items json.RawMessage
	list := r.Array(arrayKey)
	if err := list.Items(p.t.Context(), &items); err != nil || string(items) != want {
		p.t.Fatalf("the list is %s (%v), want %s", items, err, want)
	}
	_, err := list.Commit(p.t.Context())
	p.ok(err)
	p.shows(r, arrayKey, want)
}

func TestArray(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	r := p.a
	list := r.Array(arrayKey)
	p.ok(list.Insert(ctx, 0, "milk", "bread", "salt"))
	p.ok(list.Insert(ctx, 3, "tea"))
	p.ok(list.Replace(ctx, 1, "rye bread"))
	p.ok(list.Move(ctx, 3, 0))
	p.ok(list.Delete(ctx, 3, 1))
	p.lists(r, `["tea","milk","rye bread"]`)

	var item string
	if err := list.Get(ctx, 2, &item); err != nil || item != "rye bread" {
		t.Errorf("item 2 is %q (%v)", item, err)
	}
	var some []string
	if err := list.Slice(ctx, 1, 3, &some); err != nil || !slices.Equal(some, []string{"milk", "rye bread"}) {
		t.Errorf("items 1 and 2 are %q (%v)", some, err)
	}
	if n, err := list.Len(ctx); err != nil || n != 3 {
		t.Errorf("it has %d items (%v)", n, err)
	}
	for row, err := range r.List(ctx, "") {
		if err != nil || row.Kind != crdt.KindList || string(row.Value) != `["tea","milk","rye bread"]` {
			t.Errorf("listed as %s %s (%v)", row.Kind, row.Value, err)
		}
	}
}

// TestArrayRefuses tells what is refused, and that nothing is written then.
func TestArrayRefuses(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	r := p.a
	list := r.Array(arrayKey)
	p.ok(list.Insert(ctx, 0, 1, 2))
	deep := any(1)
	for range 64 {
		deep = []any{deep}
	}
	_, set := r.Set(ctx, arrayKey, 1)
	_, err := r.Set(ctx, "lists/record", 1)
	p.ok(err)
	var none []int
	for _, c := range []struct {
		what      string
		err, want error
	}{
		{"an insert beyond the end", list.Insert(ctx, 3, 1), sequence.ErrPosition},
		{"a negative position", list.Insert(ctx, -1, 1), sequence.ErrPosition},
		{"a delete beyond the end", list.Delete(ctx, 1, 2), sequence.ErrPosition},
		{"a replacement at the end", list.Replace(ctx, 2, 1), sequence.ErrPosition},
		{"a move from the end", list.Move(ctx, 2, 0), sequence.ErrPosition},
		{"a move to the end", list.Move(ctx, 0, 2), sequence.ErrPosition},
		{"a move of nothing to itself", list.Move(ctx, 2, 2), sequence.ErrPosition},
		{"a slice beyond the end", list.Slice(ctx, 1, 3, &none), sequence.ErrPosition},
		{"a get at the end", list.Get(ctx, 2, nil), sequence.ErrPosition},
		{"an item too large", list.Insert(ctx, 0, strings.Repeat("x", replica.MaxItem)), replica.ErrTooLarge},
		{"a set of a list", set, replica.ErrWrongKind},
		{"a text's edit of a list", r.Text(arrayKey).Insert(ctx, 0, "x"), replica.ErrWrongKind},
		{"a list's edit of a record", r.Array("lists/record").Insert(ctx, 0, "x"), replica.ErrWrongKind},
		{"a namespace of kdelta's own", r.Array(".kdelta/x").Insert(ctx, 0, "x"), replica.ErrReserved},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.err, c.want)
		}
	}
	if err := list.Insert(ctx, 0, deep); err == nil {
		t.Error("an item that no array can hold was taken")
	}
	if set == nil || !strings.Contains(set.Error(), "Array (kdelta array)") {
		t.Errorf("who sets a list is told %v", set)
	}
	p.ok(list.Move(ctx, 1, 1))
	if v, err := list.Commit(ctx); err != nil || !v.IsZero() {
		t.Errorf("a move to where the item is made %v (%v)", v, err)
	}
}

// TestArrayTogether has two devices do what concerns one item at once.
func TestArrayTogether(t *testing.T) {
	for _, c := range []struct {
		what string
		a, b func(context.Context, *replica.Array) error
		want []string
	}{
		{
			"two moves of one item leave one item",
			func(ctx context.Context, l *replica.Array) error { return l.Move(ctx, 0, 1) },
			func(ctx context.Context, l *replica.Array) error { return l.Move(ctx, 0, 2) },
			nil,
		},
		{
			"a move and a replacement do both",
			func(ctx context.Context, l *replica.Array) error { return l.Move(ctx, 0, 2) },
			func(ctx context.Context, l *replica.Array) error { return l.Replace(ctx, 0, "A") },
			[]string{"b", "c", "A"},
		},
		{
			"inserts at one place stay together",
			func(ctx context.Context, l *replica.Array) error { return l.Insert(ctx, 3, "x", "y") },
			func(ctx context.Context, l *replica.Array) error { return l.Delete(ctx, 0, 3) },
			[]string{"x", "y"},
		},
	} {
		p := newPair(t)
		a, b := p.a, p.b
		ctx := t.Context()
		p.ok(a.Array(arrayKey).Insert(ctx, 0, "a", "b", "c"))
		p.sync()
		p.ok(c.a(ctx, a.Array(arrayKey)))
		p.ok(c.b(ctx, b.Array(arrayKey)))
		p.sync()
		var one, other []string
		p.ok(a.Array(arrayKey).Items(ctx, &one))
		p.ok(b.Array(arrayKey).Items(ctx, &other))
		if !slices.Equal(one, other) || c.want != nil && !slices.Equal(one, c.want) {
			t.Errorf("%s: %q and %q, want %q", c.what, one, other, c.want)
		}
		if sorted := slices.Sorted(slices.Values(one)); c.want == nil && !slices.Equal(sorted, []string{"a", "b", "c"}) {
			t.Errorf("%s: %q", c.what, one)
		}
	}
}

// TestArrayHistory asks what the history tells of a list.
func TestArrayHistory(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	r := p.a
	list := r.Array(arrayKey)
	commit := func() replica.Version {
		t.Helper()
		v, err := list.Commit(ctx)
		p.ok(err)
		return v
	}
	p.ok(list.Insert(ctx, 0, "a", "b", "c"))
	first := commit()
	p.ok(list.Move(ctx, 0, 2))
	moved := commit()
	p.ok(list.Replace(ctx, 0, "B"))
	replaced := commit()

	lines, err := r.Blame(ctx, arrayKey)
	p.ok(err)
	var blamed []string
	for _, l := range lines {
		blamed = append(blamed, fmt.Sprintf("%s %s %d", l.Path, l.Value, l.Version.Seq))
	}
	want := []string{fmt.Sprint(`/0 "B" `, replaced.Seq), fmt.Sprint(`/1 "c" `, first.Seq), fmt.Sprint(`/2 "a" `, moved.Seq)}
	if !slices.Equal(blamed, want) {
		t.Errorf("blamed %q, want %q", blamed, want)
	}

	var then []string
	if _, err := r.At(moved).Get(ctx, arrayKey, &then); err != nil || !slices.Equal(then, []string{"b", "c", "a"}) {
		t.Errorf("at the move it was %q (%v)", then, err)
	}
	changes, err := r.Diff(ctx, arrayKey, first, nil)
	p.ok(err)
	patch, err := replica.Patch(changes)
	p.ok(err)
	const wantPatch = `[{"op":"replace","path":"/1","value":"B"},{"op":"remove","path":"/0"},{"op":"add","path":"/2","value":"a"}]`
	if string(patch) != wantPatch {
		t.Errorf("it differs by %s, want %s", patch, wantPatch)
	}

	_, err = r.Undo(ctx)
	p.ok(err)
	p.lists(r, `["b","c","a"]`)
	_, err = r.Undo(ctx)
	p.ok(err)
	p.lists(r, `["a","b","c"]`)
	_, err = r.Revert(ctx, arrayKey, replaced)
	p.ok(err)
	p.lists(r, `["B","c","a"]`)
	_, err = r.Delete(ctx, arrayKey)
	p.ok(err)
	p.ok(list.Insert(ctx, 0, "anew"))
	p.lists(r, `["anew"]`)
	if rep, err := r.Verify(ctx, nil); err != nil || len(rep.Damage) > 0 {
		t.Errorf("verify: %v, %v", rep, err)
	}
}

// TestArrayUndoLeavesOthers undoes one's own edit of a list in which somebody else has done something since.
func TestArrayUndoLeavesOthers(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, b := p.a, p.b
	p.ok(a.Array(arrayKey).Insert(ctx, 0, "a", "b", "c"))
	_, err := a.Array(arrayKey).Commit(ctx)
	p.ok(err)
	p.ok(a.Array(arrayKey).Move(ctx, 0, 2))
	p.sync()
	p.ok(b.Array(arrayKey).Insert(ctx, 1, "x"))
	p.ok(b.Array(arrayKey).Replace(ctx, 3, "A"))
	p.sync()
	_, err = a.Undo(ctx)
	p.ok(err)
	p.lists(a, `["A","b","x","c"]`)
}

// TestArrayEdits replays what one handle is told of what another one does.
func TestArrayEdits(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p := newPair(t)
	r := p.a
	writer := r.Array(arrayKey)
	p.ok(writer.Insert(ctx, 0, "a", "b"))
	do := []func() error{
		func() error { return writer.Insert(ctx, 1, "x", 7) },
		func() error { return writer.Move(ctx, 0, 3) },
		func() error { return writer.Replace(ctx, 0, []int{1}) },
		func() error { return writer.Delete(ctx, 1, 1) },
		func() error { writer.Discard(); return nil },
	}
	var mirror []string
	for edits, err := range r.Array(arrayKey).Edits(ctx) {
		p.ok(err)
		for _, e := range edits {
			mirror = replayItems(mirror, e)
		}
		var items []json.RawMessage
		p.ok(writer.Items(ctx, &items))
		var texts []string
		for _, item := range items {
			texts = append(texts, string(item))
		}
		if !slices.Equal(mirror, texts) {
			t.Fatalf("the edits give %s, the list is %s", mirror, texts)
		}
		if len(do) == 0 {
			break
		}
		p.ok(do[0]())
		do = do[1:]
	}
}

func replayItems(items []string, e sequence.ListEdit) []string {
	var put []string
	for _, element := range e.Elements {
		put = append(put, string(element))
	}
	switch e.Kind {
	case sequence.ListMove:
		item := items[e.Pos]
		return slices.Insert(slices.Delete(slices.Clone(items), e.Pos, e.Pos+1), e.To, item)
	case sequence.ListReplace:
		items = slices.Clone(items)
		items[e.Pos] = put[0]
		return items
	default:
		return slices.Concat(items[:e.Pos], put, items[e.Pos+e.Removed:])
	}
}

// TestArrayMerge merges what was done to a copy of a list elsewhere.
func TestArrayMerge(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	r := p.a
	list := r.Array(arrayKey)
	p.ok(list.Insert(ctx, 0, "a", "b", "c"))
	var seen []string
	at, err := list.Seen(ctx, &seen)
	p.ok(err)
	p.ok(list.Insert(ctx, 0, "first"))
	_, err = list.Merge(ctx, at, []sequence.ListEdit{
		{Kind: sequence.ListMove, Pos: 0, To: 2},
		{Kind: sequence.ListReplace, Pos: 0, Elements: [][]byte{[]byte(`"B"`)}},
		{Pos: 1, Removed: 1, Elements: [][]byte{[]byte(`"new"`)}},
	})
	p.ok(err)
	p.lists(r, `["first","B","new","a"]`)
	if _, err := list.Merge(ctx, at, []sequence.ListEdit{{Elements: [][]byte{[]byte(`{`)}}}); err == nil {
		t.Error("what is no JSON was merged")
	}
}

// TestArrayRevertKeepsItems has somebody replace an item while it is moved back by a revert: it is the same item.
func TestArrayRevertKeepsItems(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	list := p.a.Array(arrayKey)
	p.ok(list.Insert(ctx, 0, "a", "b", "c"))
	first, err := list.Commit(ctx)
	p.ok(err)
	p.ok(list.Move(ctx, 0, 2))
	p.sync()
	_, err = p.a.Revert(ctx, arrayKey, first)
	p.ok(err)
	p.ok(p.b.Array(arrayKey).Replace(ctx, 2, "A"))
	p.sync()
	p.lists(p.a, `["A","b","c"]`)
	p.lists(p.b, `["A","b","c"]`)
}

// TestArrayErased destroys what was written to a list: what is written around it stays where it is, on both replicas.
func TestArrayErased(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	_, err := p.a.SetSettings(ctx, "lists", replica.Settings{Strategy: "lww", Erasable: true})
	p.ok(err)
	p.ok(p.a.Array(arrayKey).Insert(ctx, 0, "secret", "b"))
	p.ok(p.a.Array(arrayKey).Move(ctx, 1, 0))
	p.sync()
	p.ok(p.b.Array(arrayKey).Insert(ctx, 1, "kept"))
	_, err = p.a.Erase(ctx, arrayKey)
	p.ok(err)
	p.sync()
	p.lists(p.a, `[null,"kept",null]`)
	p.lists(p.b, `[null,"kept",null]`)
	for _, r := range []*replica.Replica{p.a, p.b} {
		if rep, err := r.Verify(ctx, nil); err != nil || len(rep.Damage) > 0 {
			t.Errorf("verify: %v, %v", rep, err)
		}
	}
}

// TestUpdateOfArrays: an Update edits lists beside other keys as one version, sees what it did, and goes on after a refusal.
func TestUpdateOfArrays(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	p.ok(p.a.Array(arrayKey).Insert(ctx, 0, "a", "b", "c"))
	p.sync()
	p.ok(p.b.Array(arrayKey).Replace(ctx, 0, "A"))
	v, err := p.a.Update(ctx, func(tx *replica.Tx) error {
		list := tx.Array(arrayKey)
		p.ok(list.Move(0, 2))
		p.ok(list.Insert(0, "first"))
		p.ok(list.Replace(1, "B"))
		p.ok(list.Delete(2, 1))
		p.ok(list.Move(1, 1))
		if err := list.Move(0, 3); !errors.Is(err, sequence.ErrPosition) {
			t.Errorf("a move beyond the end: %v", err)
		}
		if err := tx.Set(arrayKey, 1); !errors.Is(err, replica.ErrWrongKind) {
			t.Errorf("a set of a list: %v", err)
		}
		var items, got, some []string
		var last string
		n, err := list.Len()
		p.ok(err)
		p.ok(list.Items(&items))
		p.ok(list.Get(2, &last))
		p.ok(list.Slice(1, 3, &some))
		_, err = tx.Get(arrayKey, &got)
		p.ok(err)
		if want := []string{"first", "B", "a"}; n != 3 || last != "a" || !slices.Equal(items, want) || !slices.Equal(got, want) {
			t.Errorf("inside it is %q, Get says %q, want %q", items, got, want)
		}
		if !slices.Equal(some, items[1:]) {
			t.Errorf("items 1 and 2 are %q", some)
		}
		if err := list.Slice(2, 4, &some); !errors.Is(err, sequence.ErrPosition) {
			t.Errorf("a slice beyond the end: %v", err)
		}
		return tx.Set("lists/count", n)
	})
	p.do(v, err)
	p.lists(p.a, `["first","B","a"]`)
	p.sync()
	p.lists(p.a, `["first","B","A"]`)
	p.lists(p.b, `["first","B","A"]`)
}
