package replica_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

var errStoreBroke = errors.New("the store broke")

// breakingStore takes some more commits and then none, where it is told how many.
type breakingStore struct {
	*memory.Store
	counts   bool
	left     int
	readOnly bool
}

func (s *breakingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.readOnly {
		return store.ErrReadOnly
	}
	if s.counts {
		if s.left == 0 {
			return errStoreBroke
		}
		s.left--
	}
	return s.Store.Update(ctx, fn)
}

// brokenOff is a store that holds a part of a pack, behind which the work on it broke off, and how many versions are in the pack.
func brokenOff(v *vouched) (st *breakingStore, versions int) {
	v.t.Helper()
	invite, err := v.a.Invite(v.t.Context(), replica.InviteOptions{})
	v.ok(err)
	st = &breakingStore{Store: memory.New()}
	r, err := replica.Join(v.t.Context(), st, invite, replica.Options{Wall: v.wall})
	v.ok(err)
	v.do(r.Set(v.t.Context(), "a/1", 2))

	root := v.h.version(nil, 0)
	sealed := append(v.h.forks(500), v.h.version(&root, 0))
	s, peer := r.LiveSession(v.t.Context()), protocol.New(v.h)
	talk(v.t, s, peer)
	v.h.pushSealed(sealed, append([]history.Version{root}, sealed...)...)
	st.counts, st.left = true, 1
	if err := talkUntil(s, peer); !errors.Is(err, errStoreBroke) {
		v.t.Fatalf("the pack is applied in one commit: %v", err)
	}
	st.counts = false
	return st, len(sealed) + 1
}

// opened is a replica on a store that knows nothing of what went on there.
func (v *vouched) opened(st store.Store) *replica.Replica {
	v.t.Helper()
	r, err := replica.Open(v.t.Context(), st, replica.Options{Wall: v.wall})
	v.ok(err)
	return r
}

// TestBrokenOffInSlices: where the work on a pack breaks off, what of it is here has its seal in what is not. The next session,
// and the next backup, first finish it: nobody may ever hand it out again.
func TestBrokenOffInSlices(t *testing.T) {
	for name, handOut := range map[string]func(*vouched, *replica.Replica) *replica.Replica{
		"a session": (*vouched).joined,
		"a backup":  (*vouched).restored,
	} {
		t.Run(name, func(t *testing.T) {
			v := newVouched(t, false)
			st, versions := brokenOff(v)
			r := v.opened(st)
			if got := statusOf(t, r).Versions; got < 2 || got >= versions {
				t.Fatalf("it holds %d versions: some of the pack, and not all", got)
			}
			v.do(r.Set(t.Context(), "a/1", 3))
			other := handOut(v, r)
			if got := statusOf(t, r).Versions; got < versions+2 {
				t.Errorf("it holds %d versions when all was handed out, and the pack alone has %d", got, versions)
			}
			sameState(t, r, other)
			verified(t, other)
		})
	}
}

// TestBackupOfWhatBrokeOff: who may only read cannot finish a pack, so the backup takes it along, and so does one of what is restored;
// it is finished where somebody may write.
func TestBackupOfWhatBrokeOff(t *testing.T) {
	v := newVouched(t, false)
	st, versions := brokenOff(v)
	st.readOnly = true
	from := v.opened(st)
	part := statusOf(t, from).Versions

	restored := v.restored(from)
	if got := statusOf(t, restored).Versions; got != part {
		t.Errorf("what is restored holds %d versions, want the %d that were there", got, part)
	}
	others := []*replica.Replica{v.joined(restored), v.restored(restored), restored}
	if got := statusOf(t, restored).Versions; got < versions+1 {
		t.Errorf("it holds %d versions in the end, and the pack alone has %d", got, versions)
	}
	sameState(t, others...)
	verified(t, others...)
}

// talkUntil lets two sessions talk until one of them cannot go on.
func talkUntil(a, b *protocol.Session) error {
	a.Changed()
	b.Changed()
	for said := true; said; {
		said = false
		for _, way := range [][2]*protocol.Session{{a, b}, {b, a}} {
			frame, err := way[0].Next()
			if err != nil {
				return err
			}
			if frame == nil {
				continue
			}
			said = true
			if err := way[1].Receive(frame); err != nil {
				return err
			}
		}
	}
	return nil
}
