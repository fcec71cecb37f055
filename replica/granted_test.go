package replica_test

import (
	"errors"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/transport/pipe"
)

// newApart makes a pair that holds the same but for what several databases wrote as one author: a has met the original, which
// wrote x/original, b its copies, which wrote more. Neither knows of what the other one has.
func newApart(t *testing.T, copies int) *pair {
	t.Helper()
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1)) // who has never written has no name to be met by
	p.do(p.b.Set(t.Context(), "b/1", 1))
	p.sync()
	invite, err := p.a.Invite(t.Context(), replica.InviteOptions{})
	p.ok(err)
	opts := replica.Options{Wall: p.wall}
	disk := memory.New()
	original, err := replica.Join(t.Context(), disk, invite, opts)
	p.ok(err)
	p.do(original.Set(t.Context(), "x/both", 1))
	syncPair(t, original, p.a)
	p.sync()
	for range copies {
		copied, err := replica.Open(t.Context(), disk.Clone(), opts)
		p.ok(err)
		for i := range 3 {
			p.do(copied.Set(t.Context(), "x/copy", i))
		}
		carrier, err := replica.Join(t.Context(), memory.New(), invite, opts)
		p.ok(err)
		syncPair(t, copied, carrier) // to meet b itself would tell a copy of the others, and it would part from them
		syncPair(t, carrier, p.b)
	}
	p.do(original.Set(t.Context(), "x/original", 1))
	syncPair(t, original, p.a)
	return p
}

// once holds one session between two replicas.
func (p *pair) once(a, b *replica.Replica) {
	p.t.Helper()
	ca, cb := pipe.New()
	far := make(chan error, 1)
	go func() {
		_, err := b.Sync(p.t.Context(), cb)
		far <- errors.Join(err, cb.Close())
	}()
	_, err := a.Sync(p.t.Context(), ca)
	p.ok(errors.Join(err, ca.Close(), <-far))
}

// behind is how many dots a replica does not know another one to hold.
func (p *pair) behind(r, other *replica.Replica) uint64 {
	p.t.Helper()
	st, err := other.Status(p.t.Context())
	p.ok(err)
	peers, err := r.Peers(p.t.Context())
	p.ok(err)
	for _, peer := range peers {
		if peer.Author == st.Author {
			return peer.Behind
		}
	}
	p.t.Fatal("the two have not met")
	return 0
}

// TestReceiptBesideUnknownCopies: who is ahead of all that is known of an author may be so by what copies wrote, and
// holds nothing then of what the original wrote since. No receipt says that it does, and the next session brings it.
func TestReceiptBesideUnknownCopies(t *testing.T) {
	for copies := 1; copies <= 2; copies++ {
		p := newApart(t, copies)
		p.once(p.a, p.b)
		p.shows(p.b, "x/original", "")
		if n := p.behind(p.a, p.b); n == 0 {
			t.Errorf("%d copies: a believes that b holds all, and b lacks x/original", copies)
		}
		p.once(p.a, p.b)
		p.shows(p.b, "x/original", "1")
		if a, b := p.behind(p.a, p.b), p.behind(p.b, p.a); a+b > 0 {
			t.Errorf("%d copies: both hold the same, and are believed to lack %d and %d dots", copies, b, a)
		}
		sameState(t, p.a, p.b)
	}
}

// TestLiveBesideUnknownCopies: a session that stays brings it, and what stands on it, by itself.
func TestLiveBesideUnknownCopies(t *testing.T) {
	for copies := 1; copies <= 2; copies++ {
		p := newApart(t, copies)
		p.do(p.a.Set(t.Context(), "a/on", 1))
		line, top, next := arrives(t, p.b, "x/original", "1"), arrives(t, p.b, "a/on", "1"), arrives(t, p.b, "a/next", "1")
		la, lb := linked(t, p.a, p.b)
		line()
		top()
		p.do(p.a.Set(t.Context(), "a/next", 1))
		next()
		p.ok(errors.Join(la.Stop(), lb.Stop()))
		if n := p.behind(p.a, p.b); n > 0 {
			t.Errorf("%d copies: all was acked, and b is believed to lack %d dots", copies, n)
		}
		sameState(t, p.a, p.b)
	}
}
