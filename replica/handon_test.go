package replica_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
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

// TestHandOnWhatWasSetBack: a database that was set back below much that others wrote, and writes much again itself, hands on all of
// that so that nothing of it has to wait for a seal.
func TestHandOnWhatWasSetBack(t *testing.T) {
	wall, text := standing(pairStart), newIncompressible()
	opts := replica.Options{Wall: wall}
	disk := memory.New()
	a, err := replica.Open(t.Context(), disk, opts)
	if err != nil {
		t.Fatal(err)
	}
	invite, err := a.Invite(t.Context(), replica.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var others [2]*replica.Replica
	for i := range others {
		if others[i], err = replica.Join(t.Context(), memory.New(), invite, opts); err != nil {
			t.Fatal(err)
		}
	}
	sync := func(x, y *replica.Replica) replica.SyncReport {
		t.Helper()
		_, rep, err := replica.SyncPair(t.Context(), x, y)
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	wrote(t)(a.Set(t.Context(), "a/0", 0))
	sync(a, others[0])
	copied, err := replica.Open(t.Context(), disk.Clone(), opts)
	if err != nil {
		t.Fatal(err)
	}
	wall.move(time.Second)
	for i := range 12 {
		wrote(t)(a.Set(t.Context(), fmt.Sprint("a/", i), text.text(200_000)))
		wrote(t)(others[0].Set(t.Context(), fmt.Sprint("b/", i), text.text(200_000)))
	}
	wrote(t)(copied.Set(t.Context(), "a/copied", 1))
	sync(copied, others[0])
	sync(others[0], a)
	if all, err := a.Reissues(t.Context()); err != nil || len(all) != 1 || all[0].Versions != 12 {
		t.Fatalf("written again: %v, %v; want 12 versions", all, err)
	}
	if rep := sync(a, others[1]); rep.Received != 26 || rep.Pending > 0 {
		t.Errorf("%d versions came and %d had to wait, want 26 and none", rep.Received, rep.Pending)
	}
	sameState(t, a, others[1])
	verified(t, a, others[1])
}

// TestHandOnContents: versions whose contents stand beside them go on from whoever wrote or took in many of them at once, who still has
// no row that no frame has room for.
func TestHandOnContents(t *testing.T) {
	p, text := newPair(t), newIncompressible()
	p.do(p.a.SetSettings(t.Context(), "files", replica.Settings{Erasable: true}))
	_, err := p.a.Import(t.Context(), func(yield func(string, any) bool) {
		for i := range 4 {
			if !yield(fmt.Sprint("files/imported ", i), text.text(700_000)) {
				return
			}
		}
	})
	p.ok(err)
	for i := range 15 {
		p.do(p.a.Set(t.Context(), fmt.Sprint("files/", i), text.text(200_000)))
	}
	p.sync()
	late := p.joinLate()
	sameState(t, p.a, p.b, late)
	verified(t, p.b, late)
}
