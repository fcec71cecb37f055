package pack_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
)

// TestReader asks a reader for each version and each key of a pack.
func TestReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawVersions(t)
		part := all[rapid.IntRange(0, len(all)-1).Draw(t, "from"):]
		r, err := pack.Open(testSpace, must(pack.Encode(nil, part, pack.Options{Plain: rapid.Bool().Draw(t, "plain")})))
		if err != nil {
			t.Fatal(err)
		}
		ids, err := r.IDs()
		if err != nil || r.Len() != len(part) || len(ids) != len(part) {
			t.Fatalf("%d versions, %d ids, want %d (%v)", r.Len(), len(ids), len(part), err)
		}
		touching := map[string][]uint32{}
		for i := range part {
			v, bare := r.Version(i, ids), r.Bare(i)
			if !same(&v, &part[i]) || !sameButID(&bare, &part[i]) {
				t.Fatalf("version %d: %+v, want %+v", i, v, part[i])
			}
			stamp := part[i].Stamp()
			stamp.ID = history.ID{}
			if r.Stamp(i) != stamp {
				t.Fatalf("stamp %d: %+v, want %+v", i, r.Stamp(i), stamp)
			}
			for _, op := range part[i].Ops() {
				if at := touching[op.Key]; len(at) == 0 || at[len(at)-1] != uint32(i) {
					touching[op.Key] = append(at, uint32(i))
				}
			}
		}
		for key, want := range touching {
			if got := r.Touching(key); !slices.Equal(got, want) {
				t.Fatalf("key %q: versions %v, want %v", key, got, want)
			}
		}
		for key, got := range r.Keys() {
			if !slices.Equal(got, touching[key]) {
				t.Fatalf("key %q: versions %v, want %v", key, got, touching[key])
			}
			delete(touching, key)
		}
		if len(touching) > 0 || r.Touching("notes/") != nil {
			t.Fatalf("keys that were not listed: %v", touching)
		}
	})
}

// TestReaderSeesDamage changes a value in a stored pack: the versions no longer lead to the tip.
func TestReaderSeesDamage(t *testing.T) {
	w := &writer{author: author(0)}
	b := must(pack.Encode(nil, []history.Version{w.write(nil, put("n/1", "1")), w.write(nil, put("n/1", "2"))}, pack.Options{Plain: true}))
	b[len(b)-1] = 3
	r, err := pack.Open(testSpace, b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.IDs(); !errors.Is(err, pack.ErrPack) {
		t.Errorf("ids of a damaged pack: %v", err)
	}
}
