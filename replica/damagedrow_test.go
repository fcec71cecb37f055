package replica_test

import (
	"errors"
	"testing"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// damageRow changes the row of a key in a store.
func damageRow(t *testing.T, st store.Store, key string, damage func(*store.Doc)) {
	t.Helper()
	err := st.Update(t.Context(), func(tx store.Tx) error {
		b, err := tx.Get(store.Docs, []byte(key))
		if err != nil {
			return err
		}
		d, err := store.DecodeDoc(b)
		damage(&d)
		return errors.Join(err, tx.Put(store.Docs, []byte(key), d.Append(nil)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ofNoVersion is damage to a row: the newest version on the key is not here.
func ofNoVersion(d *store.Doc) { d.Last = 1 << 40 }

// TestDamagedRow: a row of a key that names versions which are not here is found where something is written to the key, be it here
// or by others: an error that says so, and nothing is written.
func TestDamagedRow(t *testing.T) {
	for name, damage := range map[string]func(*store.Doc){
		"the newest version is none":        func(d *store.Doc) { d.Last = 0 },
		"the newest version is not here":    ofNoVersion,
		"no versions":                       func(d *store.Doc) { d.Count = 0 },
		"more versions apart than versions": func(d *store.Doc) { d.Apart = d.Count + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			st := memory.New()
			r := p.joinOn(st)
			p.do(r.Set(t.Context(), "a/1", 1))
			_, _, err := replica.SyncPair(t.Context(), p.a, r)
			p.ok(err)
			p.do(p.a.Set(t.Context(), "a/1", 2))
			p.do(r.Set(t.Context(), "a/2", 2))
			damageRow(t, st, "a/1", damage)
			r, err = replica.Open(t.Context(), st, replica.Options{Wall: p.wall})
			p.ok(err)
			if _, err := r.Set(t.Context(), "a/1", 3); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("a write returned %v", err)
			}
			if err := inTurns(r.Session(t.Context()), p.a.Session(t.Context())); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("a sync returned %v", err)
			}
			if _, _, err := replica.SyncPair(t.Context(), p.a, r); !errors.Is(err, store.ErrCorrupt) || errors.Is(err, protocol.ErrPeer) {
				t.Errorf("a sync of both returned %v, want what was wrong and not who heard of it", err)
			}
			if got := statusOf(t, r).Versions; got != 2 {
				t.Errorf("%d versions are here, want 2", got)
			}
		})
	}
}
