package protocol

import (
	"strconv"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// What only a session that stays has to say: that nothing has happened for a while, and who its side has become.

// Rest says that nothing has happened for a while. A session that stays then tells the digests of what is held here, unless it
// told the same before, so that both sides see whether they hold the same and whether equal sets have come to equal states.
func (s *Session) Rest() { s.resting = true }

// sayRest gives out what is held here, once all that was sent is acked.
func (s *Session) sayRest() ([]byte, error) {
	if !s.resting || s.credit.packs() > 0 {
		return nil, nil
	}
	s.resting = false
	held, err := s.local.Held()
	if last := &s.own.last; err != nil || held.Tips == last.Tips && held.State == last.State {
		return nil, err
	}
	s.own.last = held
	s.compare()
	return ack{packs: s.own.acked, tips: &held.Tips, state: &held.State}.encode(), nil
}

// atRest reports whether an ack is one that tells digests and nothing else.
func (s *Session) atRest(m *ack) bool {
	return s.live() && !m.end && m.packs == s.peer.acked && m.tips != nil && m.state != nil &&
		(*m.tips != s.peer.last.Tips || *m.state != s.peer.last.State)
}

// Namer is an optional ability of a Local: it says who this replica is by now where Facts named nobody, since it had never
// written. The author is zero as long as that is so.
type Namer interface {
	Name() (identity.Author, func(identity.Domain, []byte) identity.Signature, error)
}

// Leaver is an optional ability of a Local: Left hears, once, that its session was closed.
type Leaver interface{ Left() }

// name tells who its sender is, whose hello named nobody.
type name struct {
	author identity.Author
	proof  []byte
}

func (m name) encode() []byte {
	return canon.AppendBytes(canon.AppendBytes(frame(kindName, 2), m.author[:]), m.proof)
}

func (d *decoder) named() (m name, err *failure) {
	d.expect(2)
	if m.author = d.bytes32(); d.err == nil && m.author == (identity.Author{}) {
		d.refuse("nobody")
	}
	m.proof = d.proof()
	return m, d.end()
}

// proof reads a signature over the link, or nothing. It aliases the frame.
func (d *decoder) proof() []byte {
	b := d.bytes()
	if len(b) > 0 && len(b) != len(identity.Signature{}) {
		d.refuse("a proof of " + strconv.Itoa(len(b)) + " bytes")
	}
	return b
}

// sayName tells who we are as soon as somebody has written here, before the version that says it itself.
func (s *Session) sayName() ([]byte, error) {
	namer, able := s.local.(Namer)
	if !able || !s.changed || s.facts.Author != (identity.Author{}) {
		return nil, nil
	}
	var err error
	if s.facts.Author, s.facts.Sign, err = namer.Name(); err != nil || s.facts.Author == (identity.Author{}) {
		return nil, err
	}
	return name{author: s.facts.Author, proof: s.prove()}.encode(), nil
}

func (s *Session) hearName(m name) error {
	if m.author == s.facts.Author {
		return s.fail(ReasonUnexpected, &failure{kind: ErrUnexpected, text: "the peer calls itself as this replica is called"})
	}
	proven, bad := s.proven(m.author, m.proof)
	if bad != nil {
		return s.fail(ReasonProof, bad)
	}
	s.report.Peer.Author, s.report.Peer.Proven = m.author, proven
	return nil
}
