package pack_test

import (
	"bytes"
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
		o := pack.Options{Plain: rapid.Bool().Draw(t, "plain")}
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
