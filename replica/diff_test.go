package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// changed is what Diff lists, a line each.
func changed(t *testing.T, r *replica.Replica, key string, from, to replica.Point) string {
	t.Helper()
	changes, err := r.Diff(t.Context(), key, from, to)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range changes {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", c.Path, orNone(c.Old), orNone(c.New)))
	}
	return strings.Join(lines, "; ")
}

func orNone(v json.RawMessage) string {
	if v == nil {
		return "none"
	}
	return string(v)
}

func TestDiff(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	v1 := p.do(p.a.Set(ctx, "notes/1", object{"title": "Milk", "by": object{"ann": 1}, "old": true}))
	v2 := p.do(p.a.Set(ctx, "notes/1", object{"title": "Oat milk", "by": object{"ann": 1, "bob": 2}}))
	v3 := p.do(p.a.Set(ctx, "notes/1", nil))
	v4 := p.do(p.a.Delete(ctx, "notes/1"))
	for _, c := range []struct {
		name     string
		from, to replica.Point
		want     string
	}{
		{"versions", v1, v2, `/by/bob: none -> 2; /old: true -> none; /title: "Milk" -> "Oat milk"`},
		{"backwards", v2, v1, `/by/bob: 2 -> none; /old: none -> true; /title: "Oat milk" -> "Milk"`},
		{"null is a value", v2, v3, `: {"by":{"ann":1,"bob":2},"title":"Oat milk"} -> null`},
		{"last edit", nil, nil, `: null -> none`},
		{"last edit then", nil, v2, `/by/bob: none -> 2; /old: true -> none; /title: "Milk" -> "Oat milk"`},
		{"first edit", nil, v1, `: none -> {"by":{"ann":1},"old":true,"title":"Milk"}`},
		{"to now", v3, nil, `: null -> none`},
		{"same", v2, v2, ``},
		{"frontier", replica.Frontier{v3}, replica.Frontier{v4}, `: null -> none`},
	} {
		if got := changed(t, p.a, "notes/1", c.from, c.to); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	before := replica.TimePoint(pairStart.Add(-1))
	for name, err := range map[string]error{
		"never written":                errOf(p.a.Diff(ctx, "notes/2", nil, nil)),
		"never written, at two points": errOf(p.a.Diff(ctx, "notes/2", v1, v2)),
		"not yet":                      errOf(p.a.Diff(ctx, "notes/1", nil, before)),
	} {
		if !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
}

func errOf[T any](_ T, err error) error { return err }

// TestDiffLastEditBesideAnother: the last edit is shown by itself, the same on both replicas.
func TestDiffLastEditBesideAnother(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.strategy("notes", "fields")
	p.do(p.a.Set(ctx, "notes/1", object{"title": "Milk", "n": 1}))
	p.sync()
	p.do(p.b.Set(ctx, "notes/1", object{"title": "Milk", "n": 2}))
	p.do(p.a.Set(ctx, "notes/1", object{"title": "Oat milk", "n": 1}))
	p.sync()
	for _, r := range []*replica.Replica{p.a, p.b} {
		if got, want := changed(t, r, "notes/1", nil, nil), `/title: "Milk" -> "Oat milk"`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestPatchSays shows patches, those of texts with what a program needs to make the new one of the old one.
func TestPatchSays(t *testing.T) {
	splices := []sequence.Splice{{Removed: 1, Text: "J"}, {Pos: 5, Text: "\n"}}
	for _, c := range []struct {
		path, from, to string
		splices        []sequence.Splice
		want           string
	}{
		{``, ``, `{"a": 1}`, nil, `[{"op":"add","path":"","value":{"a":1}}]`},
		{``, `1`, ``, nil, `[{"op":"remove","path":""}]`},
		{`/x~1y/~0`, `[1]`, `[1,2]`, nil, `[{"op":"replace","path":"/x~1y/~0","value":[1,2]}]`},
		{
			``, `"hello"`, `"Jello\n"`, splices, `[{"op":"replace","path":"","value":"Jello\n","splices":` +
				`[{"inserted":"J","pos":0,"removed":1},{"inserted":"\n","pos":5,"removed":0}]}]`,
		},
	} {
		change := replica.PathChange{Path: c.path, Splices: c.splices}
		if c.from != "" {
			change.Old = json.RawMessage(c.from)
		}
		if c.to != "" {
			change.New = json.RawMessage(c.to)
		}
		if got, err := replica.Patch([]replica.PathChange{change}); err != nil || string(got) != c.want {
			t.Errorf("%s, %v, want %s", got, err, c.want)
		}
	}
	if got, err := replica.Patch(nil); err != nil || string(got) != `[]` {
		t.Errorf("of nothing: %s, %v", got, err)
	}
}

// TestPatch: a patch applied to the old value gives the new one, by an implementation of RFC 6902 that knows nothing
// else.
func TestPatch(t *testing.T) {
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	value := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "a/b", "~", ""}), rapid.OneOf(
		rapid.IntRange(0, 2).AsAny(),
		rapid.SliceOfN(rapid.IntRange(0, 2), 0, 2).AsAny(),
		rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), rapid.IntRange(0, 1), 0, 2).AsAny(),
		rapid.Just[any](nil),
	), 0, 4)
	rapid.Check(t, func(rt *rapid.T) {
		before := set(rt, r, value.Draw(rt, "before"))
		after := set(rt, r, value.Draw(rt, "after"))
		changes, err := r.Diff(t.Context(), "notes/1", before, after)
		if err != nil {
			rt.Fatal(err)
		}
		patch, err := replica.Patch(changes)
		if err != nil {
			rt.Fatal(err)
		}
		var old, want any
		get(rt, r.At(before), &old)
		get(rt, r.At(after), &want)
		if got, want := toJSON(rt, applyPatch(rt, old, patch)), toJSON(rt, want); got != want {
			rt.Fatalf("%s on %v gives %s, want %s", patch, old, got, want)
		}
	})
}

func set(rt *rapid.T, r *replica.Replica, value any) replica.Version {
	v, err := r.Set(rt.Context(), "notes/1", value)
	if err != nil {
		rt.Fatal(err)
	}
	return v
}

func get(rt *rapid.T, r replica.Reader, into any) {
	if _, err := r.Get(rt.Context(), "notes/1", into); err != nil {
		rt.Fatal(err)
	}
}

func toJSON(rt *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		rt.Fatal(err)
	}
	return string(b)
}

// applyPatch applies add, remove and replace of object members.
func applyPatch(rt *rapid.T, doc any, patch []byte) any {
	var ops []struct {
		Op, Path string
		Value    any
	}
	if err := json.Unmarshal(patch, &ops); err != nil {
		rt.Fatal(err)
	}
	for _, op := range ops {
		if op.Path == "" {
			doc = op.Value
			continue
		}
		segments := strings.Split(op.Path, "/")[1:]
		at, _ := doc.(map[string]any)
		for i, s := range segments {
			s = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
			old, there := at[s]
			switch {
			case at == nil, i == len(segments)-1 && there != (op.Op != "add"), i < len(segments)-1 && !there:
				rt.Fatalf("%s %q does not fit %v", op.Op, op.Path, doc)
			case i < len(segments)-1:
				at, _ = old.(map[string]any)
			case op.Op == "remove":
				delete(at, s)
			default:
				at[s] = op.Value
			}
		}
	}
	return doc
}

func TestPatchRefuses(t *testing.T) {
	for _, c := range []replica.PathChange{
		{Path: "no pointer", New: json.RawMessage("1")},
		{Path: "/a", New: json.RawMessage("{")},
		{Path: "/a", Old: json.RawMessage("1e999")},
	} {
		if got, err := replica.Patch([]replica.PathChange{c}); err == nil {
			t.Errorf("%+v gave %s", c, got)
		}
	}
}
