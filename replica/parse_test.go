package replica_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

func TestParsePointTimes(t *testing.T) {
	p := newPair(t)
	now := pairStart
	for _, c := range []struct {
		text string
		want time.Time
	}{
		{"2026-03-01T09:30:00Z", time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)},
		{"2026-03-01T09:30:00.250+02:00", time.Date(2026, 3, 1, 7, 30, 0, 250e6, time.UTC)},
		{"2026-03-01 09:30:00", time.Date(2026, 3, 1, 9, 30, 0, 999e6, time.Local)},
		{"2026-03-01 09:30:00.250", time.Date(2026, 3, 1, 9, 30, 0, 250e6, time.Local)},
		{"2026-02-28", time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)},
		{"0s ago", now},
		{"90s ago", now.Add(-90 * time.Second)},
		{"5m ago", now.Add(-5 * time.Minute)},
		{"2h ago", now.Add(-2 * time.Hour)},
		{"3d ago", now.AddDate(0, 0, -3)},
		{"1w ago", now.AddDate(0, 0, -7)},
		{"4000000000w ago", time.UnixMilli(now.UnixMilli() - 4000000000*7*86_400_000)},
	} {
		got, err := p.a.ParsePoint(t.Context(), c.text)
		at, ok := got.(replica.TimePoint)
		if err != nil || !ok || !time.Time(at).Equal(c.want) {
			t.Errorf("%q is %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}

func TestParsePointRefuses(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "notes/1", 1))
	for _, text := range []string{
		"", " ", "5m", "m ago", "-5m ago", "5y ago", "5 m ago", "5mm ago", "99999999999s ago", " ago", "1.5h ago",
		"2026-13-01", "2026-02-30", "2026-03-01 25:00:00", "2026-03-01 09:30", "2026-03-01T25:00:00Z", "@1", "nobody@1", "laptop@", "laptop@x", "laptop@-1",
		"no such tag", "abcde", "0123456789abcdef", strings.Repeat("0", 65), "a\x00b", "\xff", strings.Repeat("x", 2000),
	} {
		got, err := p.a.ParsePoint(t.Context(), text)
		if !errors.Is(err, replica.ErrPoint) || errors.Is(err, replica.ErrAmbiguous) || got != nil {
			t.Errorf("%q is %v, %v; want ErrPoint", text, got, err)
		}
	}
}

func TestParsePointVersions(t *testing.T) {
	p := newPair(t)
	p.do(p.a.SetName(t.Context(), "lap@top", "Ann"))
	v := p.do(p.a.Update(t.Context(), func(tx *replica.Tx) error {
		return errors.Join(tx.Set("notes/1", 1), tx.Set("notes/2", 2), tx.Set("notes/3", 3))
	}))
	key := v.Author.Full()
	for _, text := range []string{
		v.String(),                             // AUTHOR@SEQ as it is printed
		fmt.Sprintf("%s@%d", key, v.Seq),       // the whole key
		fmt.Sprintf("%s@%d", key[:3], v.Seq),   // some of it
		fmt.Sprintf("lap@top@%d", v.Seq),       // the device's name
		fmt.Sprintf("%s@%d", key[:8], v.Seq-2), // an inner dot
		v.ID.String(), v.ID.String()[:6], strings.ToUpper(v.ID.String()[:12]),
	} {
		got, err := p.a.ParsePoint(t.Context(), text)
		if gotV, ok := got.(replica.Version); err != nil || !ok || gotV.Stamp != v.Stamp {
			t.Errorf("%q is %v, %v; want %v", text, got, err, v)
		}
	}
	for _, text := range []string{fmt.Sprintf("%s@%d", key[:8], v.Seq+1), key[:8] + "@0"} {
		_, err := p.a.ParsePoint(t.Context(), text)
		if !errors.Is(err, replica.ErrPoint) || !strings.Contains(err.Error(), fmt.Sprintf("1 to %d", v.Seq)) {
			t.Errorf("%q: %v; want ErrPoint that says what there is", text, err)
		}
	}
}

func TestParsePointTag(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "notes/1", 1))
	for _, name := range []string{"release-1", "facade1", "a@b", "x1@7"} {
		p.do(p.a.Tag(t.Context(), name, nil))
		got, err := p.a.ParsePoint(t.Context(), name)
		if err != nil || got != replica.Tag(name) {
			t.Errorf("%q is %v, %v; want the tag", name, got, err)
		}
	}
}

// A tag moves, goes, and never stands in the way of a time.
func TestTag(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	v1 := p.do(p.a.Set(ctx, "notes/1", 1))
	v2 := p.do(p.a.Set(ctx, "notes/1", 2))
	p.do(p.a.Tag(ctx, "release", v1))
	p.shows(p.a.At(replica.Tag("release")), "notes/1", `1`)
	p.do(p.a.Tag(ctx, "release", v2))
	p.sync()
	p.shows(p.b.At(replica.Tag("release")), "notes/1", `2`)
	p.do(p.b.Untag(ctx, "release"))
	p.sync()
	if tags, err := p.a.Tags(ctx); err != nil || len(tags) > 0 {
		t.Errorf("%v, %v; want no tag", tags, err)
	}
	for name, c := range map[string]struct{ err, want error }{
		"gone":     {errOf(p.a.Untag(ctx, "release")), replica.ErrNotFound},
		"a date":   {errOf(p.a.Tag(ctx, "2026-03-01", v1)), replica.ErrPointText},
		"a length": {errOf(p.a.Tag(ctx, "5m ago", v1)), replica.ErrPointText},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
}

func TestParsePointAmbiguous(t *testing.T) {
	p := newPair(t)
	v := p.do(p.a.SetName(t.Context(), "laptop", ""))
	w := p.do(p.b.SetName(t.Context(), "laptop", ""))
	p.sync()
	id := v.ID.String()[:8]
	p.do(p.a.Tag(t.Context(), id, nil))
	for text, candidates := range map[string][]string{
		"laptop@1": {v.Author.Full() + "@1", w.Author.Full() + "@1"},
		id:         {v.String(), "the tag " + id},
	} {
		got, err := p.a.ParsePoint(t.Context(), text)
		if !errors.Is(err, replica.ErrAmbiguous) || !errors.Is(err, replica.ErrPoint) || got != nil {
			t.Fatalf("%q is %v, %v; want ErrAmbiguous", text, got, err)
		}
		for _, c := range candidates {
			if !strings.Contains(err.Error(), c) {
				t.Errorf("%q does not list %q", err, c)
			}
		}
	}
	// A key's eight characters are never ambiguous because of somebody's choice of name.
	p.do(p.b.SetName(t.Context(), v.Author.String(), ""))
	p.sync()
	if got, err := p.a.ParsePoint(t.Context(), v.String()); err != nil || got.(replica.Version).Stamp != v.Stamp {
		t.Errorf("%s is %v, %v", v, got, err)
	}
}

// TestParsePointFork: both branches of an author whose database was copied have the dot.
func TestParsePointFork(t *testing.T) {
	p := newPair(t)
	st := memory.New()
	a, err := replica.Open(t.Context(), st, replica.Options{Wall: p.wall})
	p.ok(err)
	first := p.do(a.Set(t.Context(), "notes/1", 0))
	twin, err := replica.Open(t.Context(), st.Clone(), replica.Options{Wall: p.wall})
	p.ok(err)
	p.do(a.Set(t.Context(), "notes/1", 1))
	p.do(twin.Set(t.Context(), "notes/1", 2))
	invite, err := a.Invite(t.Context(), replica.InviteOptions{})
	p.ok(err)
	var others [2]*replica.Replica
	for i := range others {
		others[i], err = replica.Join(t.Context(), memory.New(), invite, replica.Options{Wall: p.wall})
		p.ok(err)
	}
	third, fourth := others[0], others[1]
	for _, pair := range [][2]*replica.Replica{{a, third}, {twin, fourth}, {third, fourth}} {
		_, _, err := replica.SyncPair(t.Context(), pair[0], pair[1])
		p.ok(err)
	}
	if got, err := third.ParsePoint(t.Context(), first.String()); err != nil || got.(replica.Version).Stamp != first.Stamp {
		t.Errorf("the shared dot %s is %v, %v", first, got, err)
	}
	_, err = third.ParsePoint(t.Context(), first.Author.String()+"@2")
	if !errors.Is(err, replica.ErrAmbiguous) || strings.Count(err.Error(), first.Author.String()+"@2") != 3 {
		t.Errorf("the forked dot: %v; want ErrAmbiguous with both branches", err)
	}
}

// FuzzParsePoint: every text is a point that can be read at, or ErrPoint.
func FuzzParsePoint(f *testing.F) {
	for _, text := range []string{
		"2026-03-01", "9999-12-31T23:59:59Z", "0001-01-01", "5m ago", "4294967295w ago", "laptop@1", "aaaa@1",
		"00000000", "release", "@", "a@18446744073709551615",
	} {
		f.Add(text)
	}
	r, err := replica.Open(f.Context(), memory.New(), replica.Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, err := range []error{
		errOf(r.SetName(f.Context(), "laptop", "")), errOf(r.Set(f.Context(), "notes/1", 1)),
		errOf(r.Tag(f.Context(), "release", nil)),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := r.ParsePoint(t.Context(), text)
		if err != nil {
			if !errors.Is(err, replica.ErrPoint) || p != nil {
				t.Fatalf("%q: %v, %v", text, p, err)
			}
			return
		}
		if _, err := r.At(p).Get(t.Context(), "notes/1", nil); err != nil && !errors.Is(err, replica.ErrNotFound) {
			t.Fatalf("%q is %v, at which nothing can be read: %v", text, p, err)
		}
	})
}
