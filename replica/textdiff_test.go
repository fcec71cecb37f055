package replica_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// TestDiffOfText tells what was done, and not what two texts happen to have in common.
func TestDiffOfText(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	text := p.a.Text(textKey)
	p.types(text, "one two three")
	first := p.commits(text)
	p.ok(text.Splice(ctx, 4, 3, "2"))
	p.ok(text.Insert(ctx, 0, "é "))
	second := p.commits(text)
	p.do(p.a.Delete(ctx, textKey))
	p.types(text, "anew")
	third := p.commits(text)
	p.do(p.a.Revert(ctx, textKey, second))
	p.do(p.a.Delete(ctx, textKey))
	for _, c := range []struct {
		name     string
		from, to replica.Point
		want     []sequence.Splice
	}{
		{"the first edit", nil, first, []sequence.Splice{{Text: "one two three"}}},
		{"two edits", first, second, []sequence.Splice{{Text: "é "}, {Pos: 6, Removed: 3, Text: "2"}}},
		{"backwards", second, first, []sequence.Splice{{Removed: 2}, {Pos: 4, Removed: 1, Text: "two"}}},
		{"begun anew", first, third, []sequence.Splice{{Removed: 13, Text: "anew"}}},
		{"the last edit", nil, nil, []sequence.Splice{{Removed: 13}}},
		{"no edit", second, second, nil},
	} {
		changes, err := p.a.Diff(ctx, textKey, c.from, c.to)
		p.ok(err)
		var got []sequence.Splice
		for _, change := range changes {
			got = append(got, change.Splices...)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	p.do(p.a.Set(ctx, textKey, "a value"))
	changes, err := p.a.Diff(ctx, textKey, second, nil)
	if err != nil || len(changes) != 1 || changes[0].Splices != nil {
		t.Errorf("from a text to a register: %v, %v", changes, err)
	}
}

// TestSplicesMakeTheOtherText: between any two points they do, backwards too, and what was taken out and put back is not told.
func TestSplicesMakeTheOtherText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx := rt.Context()
		r, err := replica.Open(ctx, memory.New(), replica.Options{Typing: replica.Typing{Rest: -1}})
		check(err)
		defer func() { check(r.Close()) }()
		text := r.Text(textKey)
		var versions []replica.Version
		for range rapid.IntRange(2, 6).Draw(rt, "versions") {
			if len(versions) > 0 && rapid.IntRange(0, 4).Draw(rt, "revert") == 0 {
				v, err := r.Revert(ctx, textKey, rapid.SampledFrom(versions).Draw(rt, "to"))
				check(err)
				if !v.IsZero() {
					versions = append(versions, v)
				}
				continue
			}
			n, err := text.Len(ctx)
			check(err)
			pos := rapid.IntRange(0, n).Draw(rt, "pos")
			removed := rapid.IntRange(0, n-pos).Draw(rt, "removed")
			check(text.Splice(ctx, pos, removed, rapid.SampledFrom([]string{"a", "é", "ab🙂", "\n"}).Draw(rt, "inserted")))
			v, err := text.Commit(ctx)
			check(err)
			versions = append(versions, v)
		}
		from, to := rapid.SampledFrom(versions).Draw(rt, "from"), rapid.SampledFrom(versions).Draw(rt, "to")
		changes, err := r.Diff(ctx, textKey, from, to)
		check(err)
		old, want := textAt(rt, r, from), textAt(rt, r, to)
		got := []rune(old)
		for _, c := range changes {
			for _, s := range c.Splices {
				if inserted := []rune(s.Text); len(inserted) > 0 && slices.Equal(got[s.Pos:s.Pos+s.Removed], inserted) {
					rt.Fatalf("%v puts in what it takes out", s)
				}
				got = slices.Replace(got, s.Pos, s.Pos+s.Removed, []rune(s.Text)...)
			}
		}
		if string(got) != want {
			rt.Fatalf("%q by %+v is %q, want %q", old, changes, string(got), want)
		}
	})
}

func textAt(rt *rapid.T, r *replica.Replica, p replica.Point) (text string) {
	_, err := r.At(p).Get(rt.Context(), textKey, &text)
	check(err)
	return text
}
