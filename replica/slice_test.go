package replica_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
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

// forks are branches of a hostile member on one key, of two versions each: the second of each has to be compared with all that
// stand there.
func (h *hostile) forks(n int) (made []history.Version) {
	for range n {
		first := h.version(nil, 0)
		made = append(made, first, h.version(&first, 0))
	}
	return made
}

// strangers are versions on one key of authors who saw nobody: none of them has to be compared with any other.
func (h *hostile) strangers(n int) (certs []identity.Certificate, seals []identity.Seal, made []history.Version) {
	own := h.key
	defer func() { h.key = own }()
	for i := range n {
		h.key = identity.AuthorKeyFromSeed([32]byte{'s', byte(i), byte(i >> 8)})
		v := h.version(nil, 0)
		certs, seals, made = append(certs, h.certificate()), append(seals, h.seal(v)), append(made, v)
	}
	return certs, seals, made
}

// TestSlices: a pack whose versions all stand beside each other on one key is applied in several commits, wherever its seals
// stand, and comes to the same.
func TestSlices(t *testing.T) {
	const forks, strangers = 500, 1_000
	for _, c := range []struct {
		name string
		push func(h *hostile) (versions int)
	}{
		{"sealed one by one", func(h *hostile) int {
			versions := h.forks(forks)
			h.pushGood(versions...)
			return len(versions)
		}},
		{"a chain around them that is sealed at the end", func(h *hostile) int {
			versions := h.forks(forks)
			root := h.version(nil, 0)
			last := h.version(&root, 0)
			versions = append(append([]history.Version{root}, versions...), last)
			h.pushSealed(versions[1:], versions...)
			return len(versions)
		}},
		{"of authors who saw nobody", func(h *hostile) int {
			certs, seals, versions := h.strangers(strangers)
			h.push(certs, seals, versions...)
			return len(versions)
		}},
	} {
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
			versions := c.push(h)
			st.n.Store(0)
			talk(t, s, peer)
			if rep := s.Report(); rep.Received.Versions != versions || rep.Received.Packs != 1 {
				t.Fatalf("%d versions in %d packs came, want %d in one", rep.Received.Versions, rep.Received.Packs, versions)
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
	h.pushGood(h.forks(1_200)...)
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

// TestOneByOne: a key on which very much stands is kept from commit to commit, and is what its versions come to whatever is put on it,
// with whom, and whatever becomes of the memory that it came in.
func TestOneByOne(t *testing.T) {
	replicas, _ := newSpace(t, 2, replica.Options{Wall: standing(pairStart)})
	r, other := replicas[0], replicas[1]
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	s, peer := r.LiveSession(t.Context()), protocol.New(h)
	talk(t, s, peer)
	var base []history.Version
	for range 300 {
		base = append(base, h.forks(1)...)
	}
	h.pushGood(base...)
	talk(t, s, peer)
	refs := make([]history.Ref, 0, history.MaxDeps)
	for i := 3; i < len(base); i += 10 {
		refs = append(refs, base[i].Ref())
	}
	for i := range 12 {
		switch i {
		case 4: // on top of some
			h.pushGood(h.version(&base[1], 10, refs[:40]...), h.version(&base[1], 10, refs[:40]...))
		case 6:
			h.pushGood(h.version(&base[1], 10, refs[:40]...))
			talk(t, s, peer)
			wrote(t)(r.Set(t.Context(), "a/1", i))
		case 8: // on top of all
			wrote(t)(r.Set(t.Context(), "h/1", "all"))
		case 9:
			h.pushGood(h.version(&base[1], 10, refs...))
		}
		h.pushGood(h.version(nil, 100))
		talk(t, s, peer)
		if i%4 == 3 {
			verified(t, r)
		}
	}
	if _, _, err := replica.SyncPair(t.Context(), r, other); err != nil {
		t.Fatal(err)
	}
	sameState(t, r, other)
	verified(t, r, other)
}
