package protocol

import (
	"errors"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// bound is one end of a link that both hellos are bound to.
type bound struct {
	initiator, echo bool
	own, peer       byte
}

func (b bound) Initiator() bool       { return b.initiator }
func (b bound) Binding() [32]byte     { return [32]byte{b.own} }
func (b bound) PeerBinding() [32]byte { return [32]byte{b.peer} }
func (b bound) Confirmed() bool       { return !b.echo }

// signing is a replica that has the key of an author.
type signing struct {
	*reticent
	key identity.AuthorKey
}

func (s signing) Facts() (Facts, error) {
	facts, err := s.reticent.Facts()
	facts.Sign = s.key.Sign
	return facts, err
}

func newSigning(w *world, name string) signing {
	r := &reticent{crowd: newCrowd(w, name, 1)}
	r.tells = r.held
	return signing{reticent: r, key: authorKey(r.author)}
}

// TestProof: a hello proves its author to the other end of the very link that it was made for, and to nobody else.
func TestProof(t *testing.T) {
	for _, c := range []struct {
		name   string
		key    byte // who signs for author a
		at, to bound
		proven bool
		want   error
	}{
		{"proven", 'a', bound{initiator: true, own: 1, peer: 2}, bound{own: 2, peer: 1}, true, nil},
		{"the other way round", 'a', bound{own: 2, peer: 1}, bound{initiator: true, own: 1, peer: 2}, true, nil},
		{"somebody else's key", 'b', bound{initiator: true, own: 1, peer: 2}, bound{own: 2, peer: 1}, false, ErrProof},
		{"made for another link", 'a', bound{initiator: true, own: 3, peer: 2}, bound{own: 2, peer: 1}, false, ErrProof},
		{"sent back", 'a', bound{own: 1, peer: 2}, bound{own: 2, peer: 1}, false, ErrProof},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			a, b := newSigning(w, "A"), newSigning(w, "B")
			a.key = authorKey(c.key)
			hello, err := NewOver(a, c.at).Next()
			if err != nil {
				t.Fatal(err)
			}
			s := NewOver(b, c.to)
			if err := s.Receive(hello); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if r := s.Report(); r.Peer.Proven != c.proven || (c.want != nil) != (r.State == Denied) {
				t.Errorf("proven %t, %s", r.Peer.Proven, r.State)
			}
		})
	}
}

// TestNoProof: where nothing binds, or nobody signs, a hello proves nothing and is taken all the same.
func TestNoProof(t *testing.T) {
	w := newWorld()
	a, b := newSigning(w, "A"), newSigning(w, "B")
	bare, err := New(a).Next()
	if err != nil {
		t.Fatal(err)
	}
	silent, err := NewOver(a.reticent, bound{initiator: true, own: 1, peer: 2}).Next()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := NewOver(a, bound{initiator: true, own: 1, peer: 2}).Next()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hello []byte
		s     *Session
	}{
		{bare, New(b)},
		{bare, NewOver(b, bound{own: 2, peer: 1})},
		{silent, NewOver(b, bound{own: 2, peer: 1})},
		{proof, New(b)},
	} {
		if err := c.s.Receive(c.hello); err != nil || c.s.Report().Peer.Proven {
			t.Errorf("proven %t, %v", c.s.Report().Peer.Proven, err)
		}
	}
}

// TestEcho: a hello that somebody recorded and sends again makes nobody believe that clocks are wrong. Only behind the next
// frame, which nobody can record, is Local told of it.
func TestEcho(t *testing.T) {
	for _, c := range []struct {
		wall  int64
		calls []string
	}{
		{1_000 + MaxSkew, []string{"meet"}},
		{1_001 + MaxSkew, nil},
	} {
		w := newWorld()
		a, b := newSigning(w, "A"), newSigning(w, "B")
		b.wall = c.wall
		hello, err := NewOver(a, bound{initiator: true, own: 1, peer: 2}).Next()
		if err != nil {
			t.Fatal(err)
		}
		s := NewOver(b, bound{own: 2, peer: 1, echo: true})
		if err := s.Receive(hello); err != nil {
			t.Fatal(err)
		}
		silence(t, s)
		if !slices.Equal(b.calls, c.calls) || s.own.have != (c.calls != nil) {
			t.Errorf("%d ms ahead: Local was asked %v, have said %t", c.wall-1_000, b.calls, s.own.have)
		}
		if err := s.Receive(have{last: true}.encode()); err != nil {
			t.Fatal(err)
		}
		if silence(t, s); len(b.calls) == 0 || b.calls[0] != "meet" || !s.own.have {
			t.Errorf("%d ms ahead, and no echo: Local was asked %v", c.wall-1_000, b.calls)
		}
	}
}
