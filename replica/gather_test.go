package replica

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// TestGatheredSize: versions on top of many others make no pack that is larger than they count for, or it would fit into no frame.
func TestGatheredSize(t *testing.T) {
	var g gatherer
	g.reset(nil)
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
		if err := g.add(&snap{tip: &tip{}}, &v, history.LV(i+1)); err != nil {
			t.Fatal(err)
		}
		d.Prev = v.Ref()
	}
	b, err := g.packer.Finish(nil, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > g.size {
		t.Errorf("%d versions count for %d bytes and take %d", g.packer.Len(), g.size, len(b))
	}
}

// TestGatheredWithoutHashes: what is left unhashed where packs are made does not show in them, of whatever part of a history: one with
// forks, merges and versions of several dots, in rows of both forms.
func TestGatheredWithoutHashes(t *testing.T) {
	src, invite := threePacks(t)
	all := &local{ctx: t.Context(), r: src}
	apply := func(from ...*Replica) {
		for _, r := range from {
			for _, pack := range allPacks(t, r) {
				if applied, err := all.Apply(pack); err != nil || len(applied.Refused) > 0 {
					t.Fatalf("%+v, %v", applied, err)
				}
			}
		}
	}
	disk := memory.New()
	twin, err := Join(t.Context(), disk, invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write := func(r *Replica, what string) {
		for i := range 20 {
			_, err := r.Update(t.Context(), func(tx *Tx) error {
				for k := range i%3 + 1 {
					if err := tx.Set(fmt.Sprintf("notes/%d", (i+k)%7), fmt.Sprint(what, i)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write(twin, "before")
	copied, err := Open(t.Context(), disk.Clone(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		write(src, "source")
		write(twin, "twin")
		write(copied, "copy")
		apply(twin)
		if i >= 3 {
			apply(copied)
		}
		for _, pack := range allPacks(t, src) {
			if _, err := (&local{ctx: t.Context(), r: twin}).Apply(pack); err != nil {
				t.Fatal(err)
			}
		}
		if i == 1 {
			if err := src.Compact(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = src.view(t.Context(), func(s *snap) error {
		if !s.forked(copied.mem.author.key.Author()) {
			t.Error("nobody has forked: the test proves less than it should")
		}
		rapid.Check(t, func(t *rapid.T) {
			var ranges []history.Range
			for from := history.LV(1); ; {
				from += history.LV(rapid.IntRange(0, 60).Draw(t, "gap"))
				to := from + history.LV(rapid.IntRange(0, 200).Draw(t, "width"))
				if to >= s.tip.next {
					break
				}
				ranges = append(ranges, history.Range{From: from, To: to})
				from = to + 2
			}
			packs := func(lists bool) (packs [][]byte) {
				f := &feed{l: all, remainder: remainder{ranges: ranges}, gather: &gatherer{lists: lists}}
				for {
					p, err := f.pack(s)
					if errors.Is(err, io.EOF) {
						return packs
					}
					if err != nil {
						t.Fatal(err)
					}
					packs = append(packs, bytes.Clone(p.Bytes))
				}
			}
			if hashed, not := packs(true), packs(false); !slices.EqualFunc(hashed, not, bytes.Equal) {
				t.Fatalf("%d packs of hashed versions, %d of others, and they differ", len(hashed), len(not))
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamagedRowIsNotSealed: a row whose bytes have changed on the disk is handed out as it is, with the seal over what was written.
// Nobody takes it for that.
func TestDamagedRowIsNotSealed(t *testing.T) {
	for name, newest := range map[string]bool{"the newest": true, "an older one": false} {
		t.Run(name, func(t *testing.T) {
			disk := memory.New()
			src, err := Open(t.Context(), disk, Options{})
			if err != nil {
				t.Fatal(err)
			}
			set := func(key string) {
				if _, err := src.Set(t.Context(), key, "as it was written"); err != nil {
					t.Fatal(err)
				}
			}
			set("notes/1")
			set("notes/2")
			damage(t, disk, src.mem.tip.next-1)
			if !newest {
				set("notes/3")
			}
			invite, err := src.Invite(t.Context(), InviteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			dst, err := Join(t.Context(), memory.New(), invite, Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, rep, err := SyncPair(t.Context(), src, dst)
			if err != nil || rep.Received > 0 || rep.Equal || len(rep.Refused) == 0 {
				t.Errorf("%v, %+v", err, rep)
			}
			found, err := src.Verify(t.Context(), nil)
			if err != nil || len(found.Damage) == 0 {
				t.Errorf("%v, %v", err, found)
			}
		})
	}
}

// damage changes the text in a row of Runs.
func damage(t *testing.T, disk *memory.Store, first history.LV) {
	t.Helper()
	err := disk.Update(t.Context(), func(tx store.Tx) error {
		row, err := tx.Get(store.Runs, store.IntKey(uint64(first)))
		if err != nil {
			return err
		}
		return tx.Put(store.Runs, store.IntKey(uint64(first)), bytes.Replace(row, []byte("was written"), []byte("was altered"), 1))
	})
	if err != nil {
		t.Fatal(err)
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
