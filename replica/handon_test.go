package replica_test

import (
	"math/rand/v2"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
)

// What a replica has taken in it can hand on, however it came.

// incompressible makes texts that no pack makes much smaller.
type incompressible struct{ *rand.Rand }

func newIncompressible() incompressible { return incompressible{rand.New(rand.NewPCG(1, 2))} }

func (r incompressible) text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(r.IntN(64))
	}
	for i, c := range b {
		if c == '\\' {
			b[i] = 'z'
		}
	}
	return string(b)
}

// TestSealThatComesLate: versions wait for a seal over them, until there are more of them than go into one pack.
func TestSealThatComesLate(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	h, text := newHostile(t, p.a), newIncompressible()
	s, peer := p.a.LiveSession(t.Context()), protocol.New(h)
	talk(t, s, peer)
	var last history.Version
	var before *history.Version
	for range 4 {
		last = h.put("h/1", `"`+text.text(900_000)+`"`, before)
		h.push([]identity.Certificate{h.certificate()}, nil, last)
		before = &last
	}
	h.pushGood(h.put("h/1", "1", before))
	talk(t, s, peer)
	if rep := s.Report(); rep.Received.Versions != 5 {
		t.Errorf("%d versions were taken, want 5", rep.Received.Versions)
	}
	p.ok(s.Close())
	p.do(p.a.Set(t.Context(), "a/1", 2))
	p.sync()
	sameState(t, p.a, p.b)
	verified(t, p.a, p.b)
}
