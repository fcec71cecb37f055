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
	counts bool
	left   int
}

func (s *breakingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.counts {
		if s.left == 0 {
			return errStoreBroke
		}
		s.left--
	}
	return s.Store.Update(ctx, fn)
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
			invite, err := v.a.Invite(t.Context(), replica.InviteOptions{})
			v.ok(err)
			st := &breakingStore{Store: memory.New()}
			r, err := replica.Join(t.Context(), st, invite, replica.Options{Wall: v.wall})
			v.ok(err)
			v.do(r.Set(t.Context(), "a/1", 2))

			root := v.h.version(nil, 0)
			forks := v.h.forks(500)
			last := v.h.version(&root, 0)
			sealed := append(forks, last)
			s, peer := r.LiveSession(t.Context()), protocol.New(v.h)
			talk(t, s, peer)
			v.h.pushSealed(sealed, append([]history.Version{root}, sealed...)...)
			st.counts, st.left = true, 1
			if err := talkUntil(s, peer); !errors.Is(err, errStoreBroke) {
				t.Fatalf("the pack is applied in one commit: %v", err)
			}

			st.counts = false
			r, err = replica.Open(t.Context(), st, replica.Options{Wall: v.wall}) // who knows nothing of that session
			v.ok(err)
			if got := statusOf(t, r).Versions; got < 2 || got > len(forks) {
				t.Fatalf("it holds %d versions: some of the pack, and not all", got)
			}
			v.do(r.Set(t.Context(), "a/1", 3))
			other := handOut(v, r)
			if got := statusOf(t, r).Versions; got < len(sealed)+3 {
				t.Errorf("it holds %d versions when all was handed out, and the pack alone has %d", got, len(sealed)+1)
			}
			sameState(t, r, other)
			verified(t, other)
		})
	}
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
