package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
)

// write is one side of a conflict.
type write func(ctx context.Context, r *replica.Replica) (replica.Version, error)

func putting(v any) write {
	return func(ctx context.Context, r *replica.Replica) (replica.Version, error) {
		return r.Set(ctx, "notes/1", v)
	}
}

func deleting(ctx context.Context, r *replica.Replica) (replica.Version, error) {
	return r.Delete(ctx, "notes/1")
}

func adding(n int64) write {
	return func(ctx context.Context, r *replica.Replica) (replica.Version, error) {
		return r.Add(ctx, "notes/1", n)
	}
}

func collecting(elements ...any) write {
	return func(ctx context.Context, r *replica.Replica) (replica.Version, error) {
		return r.SetAdd(ctx, "notes/1", elements)
	}
}

// clash is a conflict on notes/1: what was there, what a wrote, what b wrote after it.
type clash struct {
	name, strategy string
	base           any
	a, b           write
	// takenA and takenB are what the key shows when a's or b's side is taken; empty: nothing.
	takenA, takenB string
}

var clashes = []clash{
	{"values", "lww", "base", putting("A"), putting("B"), `"A"`, `"B"`},
	{"delete first", "lww", "base", deleting, putting("B"), ``, `"B"`},
	{"delete last", "lww", "base", putting("A"), deleting, `"A"`, ``},
	{"nothing before", "lww", nil, putting("A"), putting("B"), `"A"`, `"B"`},
	{"all shown", "mv", "base", putting("A"), putting("B"), `"A"`, `"B"`},
	{"greatest shown", "max", 0, putting(2), putting(1), `2`, `1`},
	{"arrays joined", "union", []int{0}, putting([]int{0, 1}), putting([]int{0, 2}), `[0,1]`, `[0,2]`},
	{
		"members", "fields",
		object{"n": 0, "m": 0},
		putting(object{"n": 1, "m": 0}), putting(object{"n": 2, "m": 0}),
		`{"m":0,"n":1}`, `{"m":0,"n":2}`,
	},
	{
		"new records", "fields", nil, putting(object{"n": 1}), putting(object{"n": 2}), `{"n":1}`, `{"n":2}`,
	},
	{
		"member removed", "fields",
		object{"n": 0, "m": 0},
		putting(object{"m": 0}), putting(object{"n": 2, "m": 0}),
		`{"m":0}`, `{"m":0,"n":2}`,
	},
	{
		"above and below", "fields",
		object{"n": object{"x": 0}, "m": 0},
		putting(object{"n": object{"x": 1}, "m": 0}),
		putting(object{"n": 5, "m": 0}), `{"m":0,"n":{"x":1}}`, `{"m":0,"n":5}`,
	},
	{"record deleted", "fields", object{"n": 0}, deleting, putting(object{"n": 1}), ``, `{"n":1}`},
	{"counter and value", "lww", nil, adding(3), putting("B"), `3`, `"B"`},
	{"value and counter", "lww", nil, putting("A"), adding(3), `"A"`, `3`},
	{"counter and set", "lww", nil, adding(3), collecting("x", "y"), `3`, `["x","y"]`},
}

// meet makes the clash on two replicas and returns both sides' versions.
func (c *clash) meet(t *testing.T) (p *pair, va, vb replica.Version) {
	t.Helper()
	p = newPair(t)
	p.strategy("notes", c.strategy)
	if c.base != nil {
		p.do(p.a.Set(t.Context(), "notes/1", c.base))
		p.sync()
	}
	va = p.do(c.a(t.Context(), p.a))
	vb = p.do(c.b(t.Context(), p.b))
	p.sync()
	if len(p.conflicts(p.a, "notes/1", false)) == 0 {
		t.Fatal("the two writes make no conflict")
	}
	return p, va, vb
}

func TestResolveTake(t *testing.T) {
	for _, c := range clashes {
		t.Run(c.name, func(t *testing.T) {
			for _, side := range []string{"a", "b"} {
				p, va, vb := c.meet(t)
				v, want := va, c.takenA
				if side == "b" {
					v, want = vb, c.takenB
				}
				p.do(p.b.ResolveTake(t.Context(), "notes/1", v, replica.Message("looked at")))
				p.settled("notes/1", want)
				if _, err := p.a.ResolveTake(t.Context(), "notes/1", v); !errors.Is(err, replica.ErrNoConflict) {
					t.Errorf("again: %v, want ErrNoConflict", err)
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	for _, c := range clashes {
		t.Run(c.name, func(t *testing.T) {
			for _, value := range []any{"C", object{"n": 9, "z": object{"y": 1}}, object{"n": object{"x": 7}}, nil, []int{4}} {
				p, _, _ := c.meet(t)
				before := len(p.conflicts(p.a, "notes/1", false))
				p.do(p.a.Resolve(t.Context(), "notes/1", value))
				want := toText(t, value)
				p.settled("notes/1", want)
				if got := p.conflicts(p.a, "notes/1", false); len(got) > 0 {
					t.Errorf("%d conflicts were open; still listed after %s: %+v", before, want, got)
				}
			}
		})
	}
}

// toText is a value as kdelta shows it.
func toText(t *testing.T, value any) string {
	t.Helper()
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "x/1", value))
	return shown(t, p.a, "x/1")
}

// TestResolvedIsRemembered: a resolved conflict leaves the ordinary listing at once and stays in the whole one, on both
// replicas the same.
func TestResolvedIsRemembered(t *testing.T) {
	for _, c := range clashes {
		t.Run(c.name, func(t *testing.T) {
			p, va, _ := c.meet(t)
			v := p.do(p.a.ResolveTake(t.Context(), "notes/1", va))
			p.sync()
			all := p.conflicts(p.a, "notes/1", true)
			if len(all) != 1 || all[0].Status != replica.ConflictResolved || !all[0].ClosedBy.Equal(v) {
				t.Fatalf("all conflicts: %+v", all)
			}
			if there := p.conflicts(p.b, "notes/1", true); fmt.Sprint(there) != fmt.Sprint(all) {
				t.Errorf("the other replica lists %+v, this one %+v", there, all)
			}
		})
	}
}

// TestClosedAsItWasOpen: what a conflict was, and why it was decided so, is told of a closed one as it was while it was open, on
// the replica that closed it, on the other one, and on one that never saw it open.
func TestClosedAsItWasOpen(t *testing.T) {
	told := func(all []replica.Conflict) (out []string) {
		for _, c := range all {
			out = append(out, fmt.Sprintf("%s: %s over %s, since %s; before it was %s", c.Path, side(c.Chosen), side(c.Others...), c.Why, c.Base))
		}
		return out
	}
	cases := slices.Clone(clashes)
	for _, strategy := range []string{"mv", "max", "min", "union"} {
		for name, b := range map[string]write{" of two values": putting([]int{2}), " of a value and a delete": deleting} {
			cases = append(cases, clash{name: strategy + name, strategy: strategy, base: 0, a: putting([]int{1, 2}), b: b})
		}
	}
	for _, c := range cases {
		for name, end := range map[string]func(p *pair, va replica.Version) (replica.Version, error){
			"overwritten": func(p *pair, _ replica.Version) (replica.Version, error) {
				if v, err := p.b.Delete(t.Context(), "notes/1"); !errors.Is(err, replica.ErrNotFound) {
					return v, err
				}
				return p.b.Set(t.Context(), "notes/1", "C")
			},
			"resolved": func(p *pair, va replica.Version) (replica.Version, error) {
				return p.b.ResolveTake(t.Context(), "notes/1", va)
			},
		} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				p, va, _ := c.meet(t)
				want := told(p.conflicts(p.a, "notes/1", false))
				if c.name == "new records" && name == "overwritten" { // who overwrites them has seen two records, not two members
					records := strings.NewReplacer("/n", "", "register 1", `register {"n":1}`, "register 2", `register {"n":2}`)
					want = []string{records.Replace(want[0])}
				}
				p.do(end(p, va))
				p.sync()
				late := p.joinLate()
				for i, r := range []*replica.Replica{p.a, p.b, late} {
					if got := told(p.conflicts(r, "notes/1", true)); !slices.Equal(got, want) {
						t.Errorf("replica %d tells\n%s, while it was open it was\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
					}
				}
			})
		}
	}
}

// TestClosedUnderAnotherStrategy: a strategy that comes later has decided nothing.
func TestClosedUnderAnotherStrategy(t *testing.T) {
	p, _, _ := clashes[0].meet(t)
	why := p.conflicts(p.a, "notes/1", false)[0].Why
	p.do(p.a.Set(t.Context(), "notes/1", "C"))
	p.strategy("notes", "mv")
	all := p.conflicts(p.a, "notes/1", true)
	if len(all) != 1 || all[0].Why != why || !strings.HasPrefix(why, "lww/1: ") {
		t.Errorf("%+v, want one that was decided by %s", all, why)
	}
}

// TestClosedMemberByMember: whole values that were written over are told as what a strategy made of their members, where it did not
// choose between the two.
func TestClosedMemberByMember(t *testing.T) {
	for name, c := range map[string]struct {
		a, b             object
		shown, why, mark string
	}{
		"other members":    {object{"a": 1}, object{"b": 2}, `{"a":1,"b":2}`, "fields/1: member by member", "true true"},
		"members of both":  {object{"a": 1, "x": 1}, object{"b": 2, "x": 2}, `{"a":1,"b":2,"x":2}`, "fields/1: later time", "true true"},
		"one has them all": {object{"a": 1}, object{"a": 1, "b": 2}, `{"a":1,"b":2}`, "fields/1: member by member", "false true"},
		"the same members": {object{"a": 1}, object{"a": 2}, `{"a":2}`, "fields/1: later time", "false false"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.strategy("notes", "fields")
			va := p.do(p.a.Set(t.Context(), "notes/1", c.a))
			p.do(p.b.Set(t.Context(), "notes/1", c.b))
			p.sync()
			p.do(p.b.Delete(t.Context(), "notes/1"))
			p.sync()
			all := p.conflicts(p.a, "notes/1", true)
			if len(all) != 1 || string(all[0].Chosen.Value) != c.shown || all[0].Why != c.why || len(all[0].Others) == 0 {
				t.Fatalf("%+v, want %s shown: %s", all, c.shown, c.why)
			}
			first := all[0].Others[0]
			if got := fmt.Sprint(all[0].Chosen.Merged, first.Merged); got != c.mark || !first.Version.Equal(va) {
				t.Errorf("merged are %s, the first of %s: want %s", got, side(all[0].Others...), c.mark)
			}
		})
	}
}

// side is what sides of a conflict say.
func side(sides ...replica.ConflictSide) string {
	var all []string
	for _, s := range sides {
		all = append(all, fmt.Sprintf("%s %s %s deleted %t merged %t", s.Version, s.Kind, s.Value, s.Deleted, s.Merged))
	}
	return strings.Join(all, " and ")
}

// TestKindsOverwritten: an ordinary write that covers a conflict of kinds leaves the entry, as overwritten, on the replica
// that made it, on the one that learns of it, and on one that never saw the conflict open.
func TestKindsOverwritten(t *testing.T) {
	ordinary := map[string]func(kind string) write{
		"written": func(kind string) write {
			switch kind {
			case "counter":
				return adding(2)
			case "set":
				return collecting("z")
			}
			return putting("w")
		},
		"deleted": func(string) write { return deleting },
	}
	sides := []struct {
		kind, shows string
		write       write
	}{
		{"register", `"v"`, putting("v")},
		{"counter", `3`, adding(3)},
		{"set", `["x"]`, collecting("x")},
	}
	for _, x := range sides {
		for _, y := range sides {
			if x.kind == y.kind {
				continue
			}
			for name, next := range ordinary {
				t.Run(x.kind+" and "+y.kind+" "+name, func(t *testing.T) {
					c := clash{strategy: "lww", a: x.write, b: y.write}
					p, va, vb := c.meet(t)
					v := p.do(next(y.kind)(t.Context(), p.b))
					late := p.joinLate()
					p.sync()
					for _, r := range []*replica.Replica{p.a, p.b, late} {
						all := p.conflicts(r, "notes/1", false)
						if len(all) != 1 || all[0].Status != replica.ConflictOverwritten || !all[0].ClosedBy.Equal(v) || len(all[0].Others) != 1 {
							t.Fatalf("the listing is %+v", all)
						}
						lost, chosen := all[0].Others[0], all[0].Chosen
						if !lost.Version.Equal(va) || string(lost.Value) != x.shows || !chosen.Version.Equal(vb) || string(chosen.Value) != y.shows {
							t.Errorf("the entry is of %s %s over %s %s", chosen.Version, chosen.Value, lost.Version, lost.Value)
						}
						if rep, err := r.Verify(t.Context(), nil); err != nil || len(rep.Damage) > 0 {
							t.Errorf("verify: %v %v", rep.Damage, err)
						}
					}
				})
			}
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	p, va, _ := clashes[0].meet(t)
	ctx := t.Context()
	other := p.do(p.a.Set(ctx, "notes/2", 1))
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"no conflict":   {errOf(p.a.Resolve(ctx, "notes/2", 1)), replica.ErrNoConflict},
		"no key":        {errOf(p.a.Resolve(ctx, "notes/3", 1)), replica.ErrNoConflict},
		"no side of it": {errOf(p.a.ResolveTake(ctx, "notes/1", other)), replica.ErrNoConflict},
		"nil side":      {errOf(p.a.ResolveTake(ctx, "notes/1", nil)), replica.ErrPoint},
		"no such tag":   {errOf(p.a.ResolveTake(ctx, "notes/1", replica.Tag("x"))), replica.ErrPoint},
		"bad key":       {errOf(p.a.Resolve(ctx, "notes", 1)), crdt.ErrKey},
		"not as read":   {errOf(p.a.Resolve(ctx, "notes/1", 1, replica.IfVersion(va))), replica.ErrVersionMismatch},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if err := errOf(p.a.Resolve(ctx, "notes/1", func() {})); err == nil {
		t.Error("a function was taken for a value")
	}
}

// TestResolveTakePoint: a point that is no side resolves to what the key showed there.
func TestResolveTakePoint(t *testing.T) {
	c := clashes[0]
	p, _, _ := c.meet(t)
	p.do(p.a.ResolveTake(t.Context(), "notes/1", replica.TimePoint(pairStart.Add(1e9))))
	p.settled("notes/1", `"base"`)
}

// TestResolveOneMember: taking a side of one conflict leaves the other open, and what nobody was shown is not lost.
func TestResolveOneMember(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.strategy("notes", "fields")
	p.do(p.a.Set(ctx, "notes/1", object{"n": 0, "m": 0, "k": 0}))
	p.sync()
	na := p.do(p.a.Set(ctx, "notes/1", object{"n": 1, "m": 0, "k": 0}))
	p.do(p.a.Set(ctx, "notes/1", object{"n": 1, "m": 1, "k": 0}))
	p.do(p.b.Set(ctx, "notes/1", object{"n": 2, "m": 0, "k": 0}))
	p.do(p.b.Set(ctx, "notes/1", object{"n": 2, "m": 2, "k": 0}))
	p.sync()
	p.do(p.b.Set(ctx, "notes/1", object{"n": 2, "m": 2, "k": 3})) // not seen by the one who resolves
	p.do(p.a.ResolveTake(ctx, "notes/1", na))
	p.sync()
	p.shows(p.a, "notes/1", `{"k":3,"m":2,"n":1}`)
	p.shows(p.b, "notes/1", `{"k":3,"m":2,"n":1}`)
	open := p.conflicts(p.b, "notes/1", false)
	if len(open) != 1 || open[0].Path != "/m" || open[0].Status != "open" {
		t.Errorf("conflicts: %+v, want /m open", open)
	}
}

// TestResolveBesideUnseen: what the resolver had not seen is in conflict with the resolution, not lost under it.
func TestResolveBesideUnseen(t *testing.T) {
	p, va, _ := clashes[0].meet(t)
	p.do(p.b.Set(t.Context(), "notes/1", "unseen"))
	v := p.do(p.a.ResolveTake(t.Context(), "notes/1", va))
	p.sync()
	p.shows(p.b, "notes/1", `"A"`)
	for _, c := range p.conflicts(p.b, "notes/1", false) {
		if c.Status == replica.ConflictOpen && c.Chosen.Version.Equal(v) && bytes.Equal(c.Others[0].Value, []byte(`"unseen"`)) {
			return
		}
	}
	t.Errorf("conflicts: %+v", p.conflicts(p.b, "notes/1", false))
}

// TestResolveErasable: what is written in an erasable namespace is kept apart from the version, resolutions too.
func TestResolveErasable(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.a.SetSettings(ctx, "notes", replica.Settings{Erasable: true}))
	p.sync()
	va := p.do(p.a.Set(ctx, "notes/1", "A"))
	p.do(p.b.Set(ctx, "notes/1", "B"))
	p.sync()
	p.do(p.b.ResolveTake(ctx, "notes/1", va))
	p.settled("notes/1", `"A"`)
}

// TestResolveAny: whatever is in conflict, Resolve leaves the value and no conflict, on both replicas.
func TestResolveAny(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t)
		p.strategy("notes", rapid.SampledFrom([]string{"lww", "mv", "max", "fields", "union"}).Draw(rt, "strategy"))
		value := rapid.Custom(func(rt *rapid.T) any {
			leaf := rapid.IntRange(0, 2).AsAny()
			inner := rapid.MapOfN(rapid.SampledFrom([]string{"x", "y"}), leaf, 0, 2).AsAny()
			member := rapid.OneOf(leaf, inner, rapid.SliceOfN(leaf, 0, 2).AsAny())
			return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "$bytes"}), member, 0, 3).Draw(rt, "object")
		})
		write := func(r *replica.Replica) {
			var err error
			switch rapid.IntRange(0, 9).Draw(rt, "op") {
			case 0:
				_, err = r.Delete(t.Context(), "notes/1")
			case 1:
				_, err = r.Add(t.Context(), "notes/1", 2)
			case 2:
				_, err = r.SetAdd(t.Context(), "notes/1", []any{1, "a"})
			default:
				_, err = r.Set(t.Context(), "notes/1", value.Draw(rt, "value"))
			}
			if err != nil && !errors.Is(err, replica.ErrWrongKind) && !errors.Is(err, replica.ErrNotFound) {
				rt.Fatal(err)
			}
			p.wall.move(1e9)
		}
		for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
			for range rapid.IntRange(1, 3).Draw(rt, "writes") {
				write(p.a)
				write(p.b)
			}
			p.sync()
		}
		next := value.Draw(rt, "resolution")
		if _, err := p.a.Resolve(t.Context(), "notes/1", next); errors.Is(err, replica.ErrNoConflict) {
			return
		} else if err != nil {
			rt.Fatal(err)
		}
		p.settled("notes/1", toText(t, next))
	})
}
