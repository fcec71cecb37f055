package replica

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// TestGatheredSize: versions on top of many others make no pack that is larger than they count for, or it would fit into no frame.
func TestGatheredSize(t *testing.T) {
	var g gatherer
	g.reset()
	key := identity.AuthorKeyFromSeed([32]byte{1})
	var d history.Draft
	for i := range 50 {
		d = history.Draft{Author: key.Author(), Time: d.Time + 1, Prev: d.Prev}
		for j := range history.MaxDeps {
			other := identity.Author(sha256.Sum256([]byte{byte(j)}))
			d.Deps = append(d.Deps, history.Ref{Author: other, Seq: uint64(i + 1), ID: sha256.Sum256([]byte{byte(i), byte(j)})})
		}
		v, err := history.New(d)
		if err != nil {
			t.Fatal(err)
		}
		g.add(&v)
		d.Prev = v.Ref()
	}
	b, err := pack.Encode(nil, g.versions, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > g.size {
		t.Errorf("%d versions count for %d bytes and take %d", len(g.versions), g.size, len(b))
	}
}

// TestRowsEndWhereSealed: of what came from many authors a row ends where all are sealed, about as often as rows are full, so that
// it goes on in packs of few authors.
func TestRowsEndWhereSealed(t *testing.T) {
	const authors = packedAuthors + 1
	src, err := Open(t.Context(), memory.New(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	invite, err := src.Invite(t.Context(), InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	take := func(into, from *Replica) {
		for _, pack := range allPacks(t, from) {
			if _, err := (&local{ctx: t.Context(), r: into}).Apply(pack); err != nil {
				t.Fatal(err)
			}
		}
	}
	for a := range authors {
		each := 2
		if a == 0 {
			each = 400 // more than go into one row
		}
		r, err := Join(t.Context(), memory.New(), invite, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range each {
			if _, err := r.Set(t.Context(), fmt.Sprintf("notes/%d-%d", a, i), strings.Repeat("note ", 60)); err != nil {
				t.Fatal(err)
			}
		}
		take(src, r)
	}
	dst, err := Join(t.Context(), memory.New(), invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	take(dst, src)
	if packs := allPacks(t, dst); len(packs) != 2 {
		t.Errorf("it goes on in %d packs", len(packs))
	}
	err = dst.view(t.Context(), func(s *snap) error {
		unsealed := make(map[identity.Author]bool)
		for row, err := range s.tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			first := history.LV(store.KeyInt(row.Key))
			parts, err := parseRunRow(first, row.Value)
			if err != nil {
				return err
			}
			versions, err := parts.versions(s.space, first)
			if err != nil {
				return err
			}
			for _, v := range versions {
				unsealed[v.Author] = true
				if _, sealed, err := s.keptSeal(v.Author, v.Seq, v.ID); sealed || err != nil {
					delete(unsealed, v.Author)
				}
			}
			if !parts.open && len(unsealed) > 0 {
				t.Errorf("the row of dot %d is not open, and %d authors are not sealed in it", first, len(unsealed))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
