package replica_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
)

// A range is what its second point holds and its first one does not, whatever the points are.
func TestParseRange(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	v1 := p.do(p.a.Set(ctx, "notes/1", 1))
	v2 := p.do(p.a.Set(ctx, "notes/1", 2))
	v3 := p.do(p.a.Set(ctx, "notes/1", 3))
	p.do(p.a.Tag(ctx, "second", v2))
	p.wall.move(-time.Hour) // now is what is here, also where the clock says that it is not yet
	for text, want := range map[string]string{
		v1.String() + ".." + v2.String(): "2",
		v1.String() + "..now":            "23",
		v1.String() + "..":               "23",
		".." + v2.String():               "12",
		"..now":                          "123",
		"second..":                       "3",
		v3.String() + ".." + v1.String(): "",
		v2.ID.String()[:6] + ".." + v3.ID.String()[:10]:   "3",
		"2026-03-01.." + v1.String():                      "1",
		"1w ago..2026-03-01T09:00:01Z":                    "12",
		"now..":                                           "",
		"2026-03-01T09:00:01Z..2026-03-01T10:00:02+01:00": "3",
	} {
		since, until, err := p.a.ParseRange(ctx, text)
		if err != nil || !replica.IsRange(text) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		shown := ""
		for e, err := range p.a.Log(ctx, "notes/1", replica.LogQuery{Since: since, Until: until}) {
			p.ok(err)
			shown = string(e.Ops[0].Value) + shown
		}
		if shown != want {
			t.Errorf("%q holds %q, want %q", text, shown, want)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	p := newPair(t)
	v := p.do(p.a.Set(t.Context(), "notes/1", 1))
	for text, want := range map[string]error{
		"": replica.ErrPointText, "..": replica.ErrPointText, v.String(): replica.ErrPointText, "a...b": replica.ErrPointText,
		v.String() + "..5y ago": replica.ErrPointText, "nobody@1..": replica.ErrPoint, v.String() + "..nobody@1": replica.ErrPoint,
	} {
		since, until, err := p.a.ParseRange(t.Context(), text)
		if !errors.Is(err, want) || since != nil || until != nil {
			t.Errorf("%q is %v, %v, %v; want %v", text, since, until, err, want)
		}
	}
	for _, name := range []string{"now", "a..b"} {
		if _, err := p.a.Tag(t.Context(), name, nil); !errors.Is(err, replica.ErrPointText) {
			t.Errorf("the tag %q: %v, want ErrPointText", name, err)
		}
	}
}

// Now is what a replica holds, as a point for whatever takes one.
func TestNow(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	v1 := p.do(p.a.Set(ctx, "notes/1", 1))
	p.do(p.b.Set(ctx, "notes/2", 2))
	p.sync()
	p.shows(p.a.At(replica.Now()), "notes/1", "1")
	p.shows(p.a.At(replica.Now()), "notes/2", "2")
	p.do(p.a.Tag(ctx, "here", replica.Now()))
	tags, err := p.a.Tags(ctx)
	p.ok(err)
	if len(tags) != 1 || len(tags[0].Frontier) != 2 {
		t.Fatalf("the tag names %v, want both heads", tags)
	}
	p.do(p.a.Set(ctx, "notes/1", 3))
	if got, want := changed(t, p.a, "notes/1", v1, replica.Now()), ": 1 -> 3"; got != want {
		t.Fatal(got)
	}
	n := 0
	for e, err := range p.a.Graph(ctx, "notes/1", replica.LogQuery{Since: v1, Until: replica.Now()}) {
		p.ok(err)
		if n++; fmt.Sprint(e.Below) != fmt.Sprint([]replica.Version{v1}) && !e.Hidden {
			t.Fatalf("beneath %s: %v", e.Version, e.Below)
		}
	}
	if n == 0 {
		t.Fatal("the graph is empty")
	}
}
