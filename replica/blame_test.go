package replica_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// blamed is what Blame says, by path: the value and the version.
func blamed(t *testing.T, r *replica.Replica, key string) map[string]string {
	t.Helper()
	lines, err := r.Blame(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string]string)
	for _, l := range lines {
		said[l.Path] = fmt.Sprintf("%s since %s", l.Value, l.Version)
	}
	return said
}

func wantBlame(t *testing.T, r *replica.Replica, key string, want map[string]string) {
	t.Helper()
	if got := blamed(t, r, key); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("blame of %s:\n%v, want\n%v", key, got, want)
	}
}

func TestBlame(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.strategy("notes", "fields")
	v1 := p.do(p.a.Set(ctx, "notes/1", object{"title": "Milk", "n": 1, "by": object{"ann": 1}}))
	p.sync()
	vb := p.do(p.b.Set(ctx, "notes/1", object{"title": "Milk", "n": 2, "by": object{"ann": 1}}))
	va := p.do(p.a.Set(ctx, "notes/1", object{"title": "Milk", "n": 1, "by": object{"ann": 1, "bob": 1}}))
	p.sync()
	for _, r := range []*replica.Replica{p.a, p.b} {
		wantBlame(t, r, "notes/1", map[string]string{
			"/title": `"Milk" since ` + v1.String(), "/n": "2 since " + vb.String(),
			"/by/ann": "1 since " + v1.String(), "/by/bob": "1 since " + va.String(),
		})
	}
	c1 := p.do(p.a.Add(ctx, "stats/n", 1))
	c2 := p.do(p.a.Add(ctx, "stats/n", 1))
	wantBlame(t, p.a, "stats/n", map[string]string{"": "2 since " + c2.String()})
	p.do(p.a.Delete(ctx, "stats/n"))
	c3 := p.do(p.a.Add(ctx, "stats/n", 2))
	wantBlame(t, p.a, "stats/n", map[string]string{"": "2 since " + c3.String()})
	if c1 == c2 {
		t.Fatal("two versions of one name")
	}
	for _, key := range []string{"notes/none", "stats/none"} {
		if _, err := p.a.Blame(ctx, key); !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", key, err)
		}
	}
}

// TestBlameEqualValues: of two who wrote the same at once, both replicas name the same.
func TestBlameEqualValues(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	first := p.do(p.b.Set(ctx, "notes/1", "same"))
	p.do(p.a.Set(ctx, "notes/1", "same"))
	p.sync()
	for _, r := range []*replica.Replica{p.a, p.b} {
		wantBlame(t, r, "notes/1", map[string]string{"": `"same" since ` + first.String()})
	}
}

// TestBlameDeepens: the version is found however far back it is, behind many others on the key.
func TestBlameDeepens(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	first := p.do(p.a.Set(ctx, "notes/1", object{"title": "Milk", "n": 0}))
	last := first
	for i := range 150 {
		last = p.do(p.a.Set(ctx, "notes/1", object{"title": "Milk", "n": i + 1}))
	}
	wantBlame(t, p.a, "notes/1", map[string]string{
		"/title": `"Milk" since ` + first.String(), "/n": "150 since " + last.String(),
	})
}

// TestBlameModel: with one writer, blame says what a walk over the values says.
func TestBlameModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, err := replica.Open(rt.Context(), memory.New(), replica.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		if _, err := r.SetSettings(rt.Context(), "notes", replica.Settings{
			Strategy: rapid.SampledFrom([]string{"lww", "fields"}).Draw(rt, "strategy"),
		}); err != nil {
			rt.Fatal(err)
		}
		since := map[string]string{}
		is := map[string]int{}
		for range rapid.IntRange(1, 80).Draw(rt, "edits") {
			next := rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), rapid.IntRange(0, 2), 1, 3).Draw(rt, "value")
			v, err := r.Set(rt.Context(), "notes/1", next)
			if err != nil {
				rt.Fatal(err)
			}
			for name := range is {
				if _, there := next[name]; !there {
					delete(is, name)
					delete(since, "/"+name)
				}
			}
			for name, n := range next {
				if old, there := is[name]; !there || old != n {
					is[name], since["/"+name] = n, fmt.Sprintf("%d since %s", n, v)
				}
			}
		}
		if got := blamed(t, r, "notes/1"); fmt.Sprint(got) != fmt.Sprint(since) {
			rt.Fatalf("blame says\n%v, want\n%v", got, since)
		}
	})
}

// TestBlameOfMany: whatever two replicas wrote, both blame the same, and what the states at the versions' times say.
func TestBlameOfMany(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t)
		p.strategy("notes", rapid.SampledFrom([]string{"lww", "fields", "mv", "union"}).Draw(rt, "strategy"))
		for range rapid.IntRange(1, 12).Draw(rt, "writes") {
			r := rapid.SampledFrom([]*replica.Replica{p.a, p.b}).Draw(rt, "replica")
			var err error
			switch rapid.IntRange(0, 9).Draw(rt, "op") {
			case 0:
				_, err = r.Delete(t.Context(), "notes/1")
			case 1, 2:
				_, err = r.Add(t.Context(), "notes/1", int64(rapid.IntRange(1, 3).Draw(rt, "amount")))
			case 3:
				_, err = r.SetAdd(t.Context(), "notes/1", []any{rapid.IntRange(0, 2).Draw(rt, "element")})
			case 4:
				p.sync()
			default:
				_, err = r.Set(t.Context(), "notes/1", rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}),
					rapid.OneOf(rapid.IntRange(0, 1).AsAny(), rapid.Just[any](object{"x": 1})), 0, 3).Draw(rt, "value"))
			}
			if err != nil && !errors.Is(err, replica.ErrWrongKind) && !errors.Is(err, replica.ErrNotFound) {
				rt.Fatal(err)
			}
			p.wall.move(time.Second)
		}
		p.sync()
		if shown(t, p.a, "notes/1") == "" {
			return
		}
		want := fmt.Sprint(blamedByTimes(rt, p.a))
		for _, r := range []*replica.Replica{p.a, p.b} {
			if got := fmt.Sprint(blamed(t, r, "notes/1")); got != want {
				rt.Fatalf("blame says\n%s, want\n%s", got, want)
			}
		}
	})
}

// blamedByTimes is what blamed is, computed by reading the key at the time of each of its versions. No two have the same.
func blamedByTimes(rt *rapid.T, r *replica.Replica) map[string]string {
	var versions []replica.Version
	for e, err := range r.Log(rt.Context(), "notes/1") {
		if err != nil {
			rt.Fatal(err)
		}
		versions = append(versions, e.Version)
	}
	slices.SortFunc(versions, func(v, w replica.Version) int { return v.Compare(w.Stamp) })
	is, since := map[string]string{}, map[string]string{}
	for _, v := range versions {
		var value any
		leaves := map[string]string{}
		_, err := r.At(replica.TimePoint(v.Wall())).Get(rt.Context(), "notes/1", &value)
		switch {
		case err == nil:
			leavesOf(rt, leaves, "", value)
		case !errors.Is(err, replica.ErrNotFound):
			rt.Fatal(err)
		}
		for path := range is {
			if leaves[path] == "" {
				delete(since, path)
			}
		}
		for path, leaf := range leaves {
			if is[path] != leaf {
				since[path] = leaf + " since " + v.String()
			}
		}
		is = leaves
	}
	return since
}

func leavesOf(rt *rapid.T, into map[string]string, path string, value any) {
	if members, ok := value.(map[string]any); ok && len(members) > 0 {
		for name, member := range members {
			leavesOf(rt, into, path+"/"+name, member)
		}
		return
	}
	into[path] = toJSON(rt, value)
}
