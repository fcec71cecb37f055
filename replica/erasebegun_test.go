package replica

import (
	"context"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// scrubbedMemory is a store whose files would have to be scrubbed, if it had any.
type scrubbedMemory struct{ *memory.Store }

func (scrubbedMemory) Scrub(context.Context) error { return nil }

// TestEraseOfABegunPack: a pack that is kept until all of it is applied holds what is erased meanwhile. One on which the work has broken
// off is finished first; one that is being applied leaves a debt when it goes.
func TestEraseOfABegunPack(t *testing.T) {
	for name, brokeOff := range map[string]bool{"under way": false, "broken off": true} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			opts := testOptions(1)
			opts.ManualCompaction = true
			r, err := Open(ctx, scrubbedMemory{memory.New()}, opts)
			if err == nil {
				_, err = r.SetSettings(ctx, "p", Settings{Erasable: true})
			}
			if err != nil {
				t.Fatal(err)
			}
			u, err := r.unpack(ctx, secretBesideForks(t, r))
			if err == nil {
				err = r.applySome(ctx, &train{packs: []*unpacked{u}, behind: alone}, func(*unpacked, *slice) {})
			}
			if err != nil || u.through() {
				t.Fatalf("a part of the pack was to be applied: %v", err)
			}
			if brokeOff {
				r.underway.end(u.begun)
			}
			if _, err := r.Erase(ctx, "p/1"); err != nil {
				t.Fatal(err)
			}
			if brokeOff == r.keepsBegun(t) {
				t.Errorf("after the erase a pack is kept: %t", !brokeOff)
			}
			if !brokeOff {
				if err := r.applyPacks(ctx, u, alone, func(*unpacked, *slice) {}); err != nil {
					t.Fatal(err)
				}
			}
			err = r.view(ctx, func(s *snap) error {
				since, _, err := owedScrub(s.tx)
				if owed := since > 0; owed == brokeOff {
					t.Errorf("in the end a scrub is owed: %t", owed)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			mustVerify(t, r)
		})
	}
}

// keepsBegun reports whether a pack is kept of which not all is applied.
func (r *Replica) keepsBegun(t *testing.T) (kept bool) {
	t.Helper()
	err := r.view(t.Context(), func(s *snap) error {
		return s.eachBegun(func(string, []byte) error { kept = true; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// secretBesideForks is a pack of a value that may be erased, and of so many versions beside each other that it takes several commits.
func secretBesideForks(t *testing.T, r *Replica) []byte {
	t.Helper()
	const forks = 500
	key := identity.AuthorKeyFromSeed([32]byte{'f'})
	var m *mem
	err := r.view(t.Context(), func(s *snap) (err error) {
		m, err = r.snapshot(s.tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	proofs := pack.Options{}
	var versions []history.Version
	add := func(prev *history.Version, op history.Op) *history.Version {
		d := history.Draft{Space: m.member.Space(), Author: key.Author(), Ops: []history.Op{op}, Time: m.tip.own.time + 1 + clock.Time(len(versions))}
		if prev != nil {
			d.Prev = prev.Ref()
		}
		v, err := history.New(d)
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, v)
		proofs.Seals = append(proofs.Seals, key.Seal(d.Space, v.Seq, v.ID))
		return &versions[len(versions)-1]
	}
	put := func(key string, n int64) crdt.Op {
		value, err := canon.Int(n)
		if err != nil {
			t.Fatal(err)
		}
		op, err := crdt.Put(key, value)
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	add(nil, history.Op{Op: put("p/1", 1), Detached: &history.Detached{}})
	for i := range int64(forks) {
		add(add(nil, history.Op{Op: put("h/1", 2*i)}), history.Op{Op: put("h/1", 2*i+1)})
	}
	cert, err := m.member.Certify(key.Author())
	if err != nil {
		t.Fatal(err)
	}
	proofs.Certificates = []identity.Certificate{cert}
	b, err := pack.Encode(nil, versions, proofs)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var _ store.Scrubbing = scrubbedMemory{}
