package pack_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
)

// TestRoundTrip packs any part of any versions and reads the same versions, with the same ids, from the bytes.
func TestRoundTrip(t *testing.T) {
	var d pack.Decoder
	var e pack.Encoder
	rapid.Check(t, func(t *rapid.T) {
		all := drawVersions(t)
		part := all[rapid.IntRange(0, len(all)-1).Draw(t, "from"):]
		o := pack.Options{Plain: rapid.Bool().Draw(t, "plain"), Fast: rapid.Bool().Draw(t, "fast")}
		b, err := e.Append([]byte("before"), part, o)
		if err != nil {
			t.Fatal(err)
		}
		b = b[len("before"):]
		got, err := read(&d, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(part) {
			t.Fatalf("%d versions, want %d", len(got), len(part))
		}
		for i := range got {
			if !same(&got[i], &part[i]) {
				t.Fatalf("version %d: %+v, want %+v", i, got[i], part[i])
			}
		}
		again, err := pack.Encode(nil, got, o)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("packed again: %x, want %x (%v)", again, b, err)
		}
	})
}

// TestUnhashed reads a pack without hashing: all but the ids is there, and the pack of what was read, its tips among it, is the same.
// Where an author has forked only ids tell its versions apart.
func TestUnhashed(t *testing.T) {
	hashed, unhashed := new(pack.Decoder), &pack.Decoder{Unhashed: true}
	var e pack.Encoder
	rapid.Check(t, func(t *rapid.T) {
		all := drawVersions(t)
		part := all[rapid.IntRange(0, len(all)-1).Draw(t, "from"):]
		b := must(pack.Encode(nil, part, plain))
		if err := unhashed.Reset(testSpace, b); err != nil {
			t.Fatal(err)
		}
		forked := anyForked(all)
		e.Reset(len(part))
		for i := range part {
			v := must(unhashed.Next())
			if !sameButID(v, &part[i]) || !v.ID.IsZero() && v.ID != part[i].ID {
				t.Fatalf("version %d: %+v, want %+v", i, v, part[i])
			}
			if !forked {
				must(e.Add(v))
			}
		}
		if _, err := unhashed.Next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if again, err := e.Finish(nil, plain); !forked && (err != nil || !bytes.Equal(again, b)) {
			t.Fatalf("packed again: %x, want %x (%v)", again, b, err)
		}
		if _, err := read(hashed, b); err != nil {
			t.Fatal(err)
		}
	})
}

// anyForked reports whether two versions go on from one of their author.
func anyForked(versions []history.Version) bool {
	followed := make(map[history.ID]bool)
	return slices.ContainsFunc(versions, func(v history.Version) bool {
		was := followed[v.Prev]
		followed[v.Prev] = true
		return was
	})
}

// TestNoIDs: what a pack cannot do without is asked for.
func TestNoIDs(t *testing.T) {
	a, b := &writer{author: author(0)}, &writer{author: author(1)}
	first := a.write(nil, put("notes/1", "1"))
	second := a.write(nil, put("notes/1", "2"))
	other := b.write([]history.Ref{first.Ref()}, put("notes/1", "3"))
	for name, strip := range map[string]func() history.Version{
		"a tip":              func() history.Version { v := first; v.ID = history.ID{}; return v },
		"before a chain":     func() history.Version { v := second; v.Prev = history.ID{}; return v },
		"an outside version": func() history.Version { v := other.Clone(); v.Deps[0].ID = history.ID{}; return v },
	} {
		if _, err := pack.Encode(nil, []history.Version{strip()}, plain); !errors.Is(err, pack.ErrPack) {
			t.Errorf("%s without id: %v", name, err)
		}
	}
	var e pack.Encoder
	e.Reset(2)
	unnamed := second
	unnamed.ID = history.ID{}
	must(e.Add(&first))
	e.NameTip(must(e.Add(&unnamed)), second.ID)
	want := must(pack.Encode(nil, []history.Version{first, second}, plain))
	if got, err := e.Finish(nil, plain); err != nil || !bytes.Equal(got, want) || e.Len() != 2 || e.Tip(0) != second.Ref() {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
}

// TestKept reads packs of one after the other whole before it looks: payloads stay where they are, however large they come, and the
// ops at hand are those that each version says it has.
func TestKept(t *testing.T) {
	d := pack.Decoder{Keep: true}
	rapid.Check(t, func(t *rapid.T) {
		versions := drawVersions(t)
		w := &writer{author: author(99)}
		for range rapid.IntRange(0, 8).Draw(t, "large ones") {
			size := rapid.SampledFrom([]int{100, 5_000, 70_000, 500_000}).Draw(t, "size")
			versions = append(versions, w.write(nil, put("n/large", `"`+strings.Repeat("x", size)+`"`)))
		}
		b := must(pack.Encode(nil, versions, plain))
		if err := d.Reset(testSpace, b); err != nil {
			t.Fatal(err)
		}
		var kept []history.Version
		for range versions {
			v := *must(d.Next())
			if err := sameOps(d.Ops(), &v); err != nil {
				t.Fatalf("version %d: %v", len(kept), err)
			}
			v.Deps, v.Contents = slices.Clone(v.Deps), slices.Clone(v.Contents)
			kept = append(kept, v)
		}
		for i := range versions {
			if !same(&kept[i], &versions[i]) {
				t.Fatalf("version %d: %+v, want %+v", i, kept[i], versions[i])
			}
		}
	})
}
