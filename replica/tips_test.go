package replica_test

import (
	"strings"
	"testing"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
)

// TestMoreLinesThanAClockTells: replicas that hold more lines than a clock can tell come to hold the same, and once somebody has
// written on top of all of them nothing is sent twice.
func TestMoreLinesThanAClockTells(t *testing.T) {
	const tips, forks = 20, 100
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	p.sync()
	for _, r := range []*replica.Replica{p.a, p.b} {
		replica.TellTips(r, tips)
	}
	h := newHostile(t, p.a)
	h.pushGood(h.forks(forks)...)
	s, peer := p.a.LiveSession(t.Context()), protocol.New(h)
	talk(t, s, peer)
	p.ok(s.Close())
	p.sync()
	sameState(t, p.a, p.b)
	st := statusOf(t, p.b)
	if st.Versions != 1+2*forks || len(st.Forks) != 1 || !strings.Contains(st.Forks[0].String(), "means harm") {
		t.Fatalf("%d versions, forks: %v", st.Versions, st.Forks)
	}
	p.do(p.a.Set(t.Context(), "a/1", 2))
	p.do(p.b.Set(t.Context(), "a/2", 2))
	p.sync()
	for range 2 {
		p.do(p.b.Set(t.Context(), "a/1", 3))
		ra, rb, err := replica.SyncPair(t.Context(), p.a, p.b)
		if err != nil || rb.Sent == 0 || rb.Sent > 3 || ra.Sent+ra.Duplicates+rb.Duplicates > 0 {
			t.Errorf("%+v and %+v, %v; want what was written alone to go over", ra, rb, err)
		}
	}
	sameState(t, p.a, p.b)
	verified(t, p.a, p.b)
}
