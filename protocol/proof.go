package protocol

import (
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// Link is what an encrypted link tells of itself, so that a hello can prove that its author is at this very end of it: a
// signature over the role and the binding of one end means nothing on any other link, and nothing from the other end.
type Link interface {
	// Initiator is true at the end that has reached out.
	Initiator() bool
	// Binding is what only the two ends of this link know before the hello of this end, PeerBinding before the other's,
	// which has come when it is asked for. Neither ever repeats.
	Binding() [32]byte
	PeerBinding() [32]byte
	// Confirmed is false as long as the other end may be somebody who sends again what was recorded.
	Confirmed() bool
}

// DomainHello is what an author signs a link's binding for.
const DomainHello identity.Domain = "kdelta/hello/0"

// MaxSkew is how many ms wall clocks may be apart before it shows: see Local.Meet.
const MaxSkew = 300_000

// vow is what an author signs at one end of a link.
func vow(initiator bool, binding [32]byte) []byte {
	return canon.AppendBytes(canon.AppendBool(canon.AppendArray(nil, 2), initiator), binding[:])
}

// prove is our proof, empty where there is nothing to prove or to bind it to.
func (s *Session) prove() []byte {
	if s.link == nil || s.facts.Sign == nil {
		return nil
	}
	sig := s.facts.Sign(DomainHello, vow(s.link.Initiator(), s.link.Binding()))
	return sig[:]
}

// proven checks the proof that the peer is an author: false where there is none.
func (s *Session) proven(author identity.Author, proof []byte) (bool, *failure) {
	if s.link == nil || len(proof) == 0 {
		return false, nil
	}
	if !author.Verify(DomainHello, vow(!s.link.Initiator(), s.link.PeerBinding()), identity.Signature(proof)) {
		return false, &failure{kind: ErrProof, text: "author " + author.String()}
	}
	return true, nil
}
