package replica_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// commitCounter counts commits of a store, and does something in the middle of them.
type commitCounter struct {
	*memory.Store
	n      atomic.Int64
	during func()
}

func (s *commitCounter) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.n.Add(1)
	return s.Store.Update(ctx, func(tx store.Tx) error {
		if s.during != nil {
			s.during()
		}
		return fn(tx)
	})
}

// forks are versions of a hostile member under one dot, on one key.
func (h *hostile) forks(n int) []history.Version {
	made := make([]history.Version, n)
	for i := range made {
		made[i] = h.version(nil, 0)
	}
	return made
}

// TestSlices: a pack whose versions all stand beside each other on one key is applied in several commits, wherever its seals
// stand, and comes to the same.
func TestSlices(t *testing.T) {
	const forks = 700
	for _, c := range []struct {
		name   string
		behind bool // a chain around the forks whose only seal is at the end
	}{{"sealed one by one", false}, {"a chain that is sealed at the end", true}} {
		t.Run(c.name, func(t *testing.T) {
			st := &commitCounter{Store: memory.New()}
			r, err := replica.Open(t.Context(), st, replica.Options{Wall: standing(pairStart)})
			if err != nil {
				t.Fatal(err)
			}
			wrote(t)(r.Set(t.Context(), "a/1", 1))
			invite, err := r.Invite(t.Context(), replica.InviteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			h := newHostile(t, r)
			s, peer := r.LiveSession(t.Context()), protocol.New(h)
			talk(t, s, peer)
			versions := h.forks(forks)
			if c.behind {
				root := h.version(nil, 0)
				last := h.version(&root, 0)
				versions = append(append([]history.Version{root}, versions...), last)
				h.pushSealed(versions[1:], versions...)
			} else {
				h.pushGood(versions...)
			}
			st.n.Store(0)
			talk(t, s, peer)
			if rep := s.Report(); rep.Received.Versions != len(versions) || rep.Received.Packs != 1 {
				t.Fatalf("%d versions in %d packs came, want %d in one", rep.Received.Versions, rep.Received.Packs, len(versions))
			}
			if n := st.n.Load(); n < 2 {
				t.Errorf("%d commits", n)
			}
			other, err := replica.Join(t.Context(), memory.New(), invite, replica.Options{Wall: standing(pairStart)})
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := replica.SyncPair(t.Context(), r, other); err != nil { // which hands it on
				t.Fatal(err)
			}
			sameState(t, r, other)
			verified(t, r, other)
		})
	}
}

// TestWriteBetweenSlices: whoever wants to write while such a pack is applied waits for one of its commits.
func TestWriteBetweenSlices(t *testing.T) {
	st := &commitCounter{Store: memory.New()}
	r, err := replica.Open(t.Context(), st, replica.Options{Wall: standing(pairStart)})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	s, peer := r.LiveSession(t.Context()), protocol.New(h)
	talk(t, s, peer)
	h.pushGood(h.forks(2_000)...)
	st.n.Store(0)
	waited, failed := int64(0), make(chan error, 1)
	st.during = func() {
		st.during = nil
		go func() {
			_, err := r.Set(t.Context(), "a/1", 2)
			waited = st.n.Load()
			failed <- err
		}()
		for replica.WaitingWrites(r) < 1 {
			runtime.Gosched()
		}
	}
	talk(t, s, peer)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if total := st.n.Load(); waited > 3 || total < 6 {
		t.Errorf("the write was done when commit %d of %d began, and should have been the second", waited, total)
	}
	verified(t, r)
}
