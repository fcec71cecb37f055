package replica_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// handTo lets a replica take all that a hostile member has to hand out.
func (h *hostile) handTo(r *replica.Replica) {
	h.t.Helper()
	s := r.LiveSession(h.t.Context())
	talk(h.t, s, protocol.New(h))
	if err := s.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// vouched is a space in which a hostile member has made a chain of three versions, the last of which is written on another
// author's late one.
type vouched struct {
	*pair
	h     *hostile
	late  *hostile
	chain []history.Version
	on    history.Version // the late one
}

// newVouched makes the chain. It is older than what its last version is written on, or newer.
func newVouched(t *testing.T, older bool) *vouched {
	t.Helper()
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	v := &vouched{pair: p, h: newHostile(t, p.a), late: newHostile(t, p.a)}
	v.late.key, v.late.prefix = identity.AuthorKeyFromSeed([32]byte{'l'}), "late"
	if older {
		v.late.made = 1_000
	}
	v.on = v.late.version(nil, 0)
	first := v.h.version(nil, 0)
	second := v.h.version(&first, 0)
	v.chain = []history.Version{first, second, v.h.version(&second, 0, v.on.Ref())}
	return v
}

// joined is a replica that has nothing but what another one has handed to it.
func (v *vouched) joined(from *replica.Replica) *replica.Replica {
	v.t.Helper()
	invite, err := v.a.Invite(v.t.Context(), replica.InviteOptions{})
	v.ok(err)
	r, err := replica.Join(v.t.Context(), memory.New(), invite, replica.Options{Wall: v.wall})
	v.ok(err)
	_, _, err = replica.SyncPair(v.t.Context(), from, r)
	v.ok(err)
	return r
}

// restored is a replica that is restored from a backup of another one.
func (v *vouched) restored(from *replica.Replica) *replica.Replica {
	v.t.Helper()
	var b bytes.Buffer
	_, err := from.Backup(v.t.Context(), &b, replica.BackupOptions{})
	v.ok(err)
	r, _, err := replica.Restore(v.t.Context(), memory.New(), &b, replica.Options{Wall: v.wall}, nil)
	v.ok(err)
	return r
}

// handedOn asserts that whoever has nothing gets all that a replica holds: from it, and from what is restored of it.
func (v *vouched) handedOn(r *replica.Replica, versions int) {
	v.t.Helper()
	if got := statusOf(v.t, r).Versions; got != versions {
		v.t.Errorf("it holds %d versions, want %d", got, versions)
	}
	restored := v.restored(r)
	others := []*replica.Replica{v.joined(r), v.joined(restored), v.restored(restored)}
	sameState(v.t, append(others, r)...)
	verified(v.t, append(others, r)...)
}

// TestSealOverWhatIsNotTaken: where the version that a seal is over is refused, or waits, those before it wait as well: nobody
// builds on what cannot be handed on. Where somebody got them under a seal of their own, all get them so.
func TestSealOverWhatIsNotTaken(t *testing.T) {
	for name, refused := range map[string]bool{"refused for its time": true, "waits for a parent": false} {
		t.Run(name, func(t *testing.T) {
			v := newVouched(t, refused)
			certificates := []identity.Certificate{v.h.certificate(), v.late.certificate()}
			seals := []identity.Seal{v.h.seal(v.chain[2])}
			versions := 2 // a's own
			if refused {
				v.h.push(certificates, append(seals, v.late.seal(v.on)), append([]history.Version{v.on}, v.chain...)...)
				versions++
			} else {
				v.h.push(certificates, seals, v.chain...)
			}
			v.h.handTo(v.a)
			v.do(v.a.Set(t.Context(), "a/1", 2))
			v.handedOn(v.a, versions)

			v.h.pushGood(v.chain[:2]...)
			v.h.handTo(v.b)
			v.do(v.b.Set(t.Context(), "a/1", 3)) // on top of two of the chain
			v.sync()
			v.sync()
			sameState(t, v.a, v.b)
			v.handedOn(v.a, versions+3)

			v.late.pushGood(v.on)
			v.late.handTo(v.a)
			if !refused {
				versions += 2 // what was waited for, and the last of the chain
			}
			v.handedOn(v.a, versions+3)
		})
	}
}

// TestWaitingForWhatWaits: what others have written on top of such a chain waits with it, whichever came first, and comes with
// it; also where chains wait for each other.
func TestWaitingForWhatWaits(t *testing.T) {
	v := newVouched(t, false)
	other := newHostile(t, v.a)
	other.key, other.prefix, other.made = identity.AuthorKeyFromSeed([32]byte{'o'}), "other", 10
	first := other.version(nil, 0, v.chain[1].Ref())
	second := other.version(&first, 0, v.on.Ref())
	v.h.made = 20
	last := v.h.version(&v.chain[2], 0, first.Ref())
	certificates := []identity.Certificate{v.h.certificate(), other.certificate()}

	v.h.push(certificates, []identity.Seal{v.h.seal(last), other.seal(second)}, append(v.chain, first, second, last)...)
	v.h.handTo(v.a)
	v.handedOn(v.a, 1)
	v.late.pushGood(v.on)
	v.late.handTo(v.a)
	v.handedOn(v.a, 1+len(v.chain)+4)
	if waits := statusOf(t, v.a).Pending; len(waits) > 0 {
		t.Errorf("it still waits: %+v", waits)
	}

	v.h.push(certificates, nil, v.chain...) // the seal comes with what follows
	v.h.push(certificates, []identity.Seal{v.h.seal(last), other.seal(second)}, first, second, last)
	v.h.handTo(v.b)
	v.late.pushGood(v.on)
	v.late.handTo(v.b)
	v.sync()
	sameState(t, v.a, v.b)
	v.handedOn(v.b, 1+len(v.chain)+4)
}

// TestSealsOfOthers: a seal that somebody signs over a version of another author, or over another dot than the version's, proves
// nothing and takes no place: what is here can be handed on as before.
func TestSealsOfOthers(t *testing.T) {
	v := newVouched(t, true)
	v.h.pushGood(v.chain[:2]...)
	v.h.handTo(v.a)
	tip := v.chain[1]
	other := newHostile(t, v.a)
	other.key = identity.AuthorKeyFromSeed([32]byte{'o'})
	for name, seal := range map[string]identity.Seal{
		"of another author": other.key.Seal(other.member.Space(), tip.Seq, tip.ID),
		"over another dot":  v.h.key.Seal(v.h.member.Space(), tip.Seq, v.chain[0].ID),
	} {
		t.Run(name, func(t *testing.T) {
			other.push(nil, []identity.Seal{seal}, v.chain[:2]...)
			other.handTo(v.a)
			v.handedOn(v.a, 3)
		})
	}
}

// TestSealOverVeryMuch: what a pack unfolds to under one seal is handed on, or not taken where it might be more than may wait for a seal
// elsewhere: nobody writes on top of what cannot be handed on.
func TestSealOverVeryMuch(t *testing.T) {
	var ops []history.Op
	for i := range 900 {
		op, err := crdt.Delete(fmt.Sprintf("h/%01000d", i))
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, history.Op{Op: op})
	}
	for _, c := range []struct {
		name     string
		versions int
		taken    bool
	}{{"much", 4, true}, {"too much", 6, false}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			p.do(p.a.Set(t.Context(), "a/1", 1))
			h := newHostile(t, p.a)
			var chain []history.Version
			var before *history.Version
			for range c.versions { // whose keys a pack tells once
				chain = append(chain, h.make(ops, before))
				before = &chain[len(chain)-1]
			}
			h.pushSealed(chain[c.versions-1:], chain...)
			s := p.a.LiveSession(t.Context())
			talk(t, s, protocol.New(h))
			if rep := s.Report(); (rep.Received.Versions == c.versions) != c.taken || (rep.RefusedCount == 0) != c.taken {
				t.Errorf("%d versions were taken, %+v was refused", rep.Received.Versions, rep.Refused)
			}
			p.ok(s.Close())
			p.do(p.a.Set(t.Context(), "a/1", 2))
			p.sync()
			sameState(t, p.a, p.b, p.joinLate())
		})
	}
}
