package protocol

import (
	"strconv"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// Receive takes a frame from the peer. It keeps no reference to it. An error breaks the session (Denied or Broken) and
// is what Close will return; the Next after it yields the bye that tells the peer why, unless it was the peer that
// ended it. Further frames get the same error and change nothing.
func (s *Session) Receive(frame []byte) error {
	if s.report.Err != nil {
		return s.report.Err
	}
	if s.Done() {
		return &failure{kind: ErrUnexpected, text: "a frame after the end of the session"}
	}
	s.report.Received.Frames++
	s.report.Received.Bytes += int64(len(frame))
	if s.asks && s.peer.have {
		return nil // it is answered, and what follows the answer is for a session that goes on
	}
	d, err := open(frame)
	if err != nil {
		return s.fail(ReasonMalformed, err)
	}
	if why := s.unexpected(d.kind); why != "" {
		return s.failUnexpected(d.kind, why)
	}
	if s.peer.hello && !s.own.met { // and it was no echo
		if err := s.meet(); err != nil {
			return s.failLocal(err)
		}
	}
	if err := s.hear(d); err != nil {
		return err
	}
	s.progress()
	return s.report.Err
}

// unexpected says why a frame of that kind may not come now, or "". Each kind has its place behind what its sender
// must have said and heard before.
func (s *Session) unexpected(k kind) string {
	switch {
	case s.peer.bye:
		return "after its bye"
	case k == kindBye:
		return ""
	case k == kindHello && s.peer.hello:
		return "a second one"
	case k != kindHello && !s.peer.hello:
		return "before its hello"
	case k != kindHello && !s.own.hello:
		return "before ours"
	case k == kindHave && s.peer.have:
		return "after the last part of its clock"
	case (k == kindPack || k == kindEnd) && (!s.peer.have || !s.own.have):
		return "before both clocks were told"
	case (k == kindPack && !s.live() || k == kindEnd) && s.peer.end:
		return "after its end"
	case k == kindPack && s.peer.packs-s.own.acked >= MaxUnacked:
		return "beyond the credit"
	case k == kindAck && s.peer.final && !s.live():
		return "for nothing"
	case (k == kindPresence || k == kindName) && !s.live():
		return "before the session is live"
	case k == kindName && s.report.Peer.Author != (identity.Author{}):
		return "from who has a name"
	default:
		return ""
	}
}

func (s *Session) failUnexpected(k kind, why string) error {
	text := k.String() + " while " + s.report.State.String() + ": " + why
	return s.fail(ReasonUnexpected, &failure{kind: ErrUnexpected, text: text})
}

// hear decodes the rest of a frame that may come now, and acts on it.
func (s *Session) hear(d *decoder) error {
	var err *failure
	switch d.kind {
	case kindHello:
		var m hello
		if m, err = d.hello(); err == nil {
			return s.hearHello(m)
		}
	case kindHave:
		var m have
		if m, err = d.have(); err == nil {
			return s.hearHave(m)
		}
	case kindPack:
		var m Pack
		if m, err = d.pack(); err == nil {
			return s.hearPack(m)
		}
	case kindEnd:
		var m end
		if m, err = d.endOfPacks(); err == nil {
			return s.hearEnd(m)
		}
	case kindPresence:
		var m Presence
		if m, err = d.presence(); err == nil {
			s.hearPresence(m)
			return nil
		}
	case kindName:
		var m name
		if m, err = d.named(); err == nil {
			return s.hearName(m)
		}
	case kindAck:
		var m ack
		if m, err = d.ack(); err == nil {
			return s.hearAck(m)
		}
	default:
		var m bye
		if m, err = d.bye(); err == nil {
			return s.hearBye(m)
		}
	}
	return s.fail(ReasonMalformed, err)
}

func (s *Session) hearHello(m hello) error {
	if m.version != Version {
		return s.fail(ReasonVersion, &failure{kind: ErrVersion, text: "this replica speaks " +
			strconv.FormatUint(Version, 10) + ", the peer " + strconv.FormatUint(m.version, 10)})
	}
	if err := s.start(); err != nil {
		return s.failLocal(err)
	}
	if m.space != s.facts.Space {
		return s.fail(ReasonForeignSpace, &failure{kind: ErrForeignSpace, text: "this replica is in " +
			shortSpace(s.facts.Space) + ", the peer in " + shortSpace(m.space)})
	}
	proven, bad := s.proven(m.author, m.proof)
	if bad != nil {
		return s.fail(ReasonProof, bad)
	}
	named := m.author != (identity.Author{}) // who has never written has no name to be told by
	if named && m.author == s.facts.Author && m.instance == s.facts.Instance {
		return s.fail(ReasonSelf, &failure{kind: ErrSelf, text: "author " + m.author.String()})
	}
	s.report.Peer = Peer{Author: m.author, Instance: m.instance, Strategies: m.strategies, Proven: proven}
	s.report.Copy = named && m.author == s.facts.Author
	s.report.Skew = m.wall - s.facts.Wall
	s.peer.hello, s.peer.stay = true, m.stay
	s.peer.last = Held{Tips: m.tips, State: m.state}
	if m.tips == s.facts.Held.Tips {
		s.nothingMissing(m)
		return nil
	}
	if !s.asks && -s.report.Skew > MaxSkew && s.link != nil && !s.link.Confirmed() {
		return nil // who sends an old hello again must not make us believe that our clock is ahead: the next frame tells
	}
	if err := s.meet(); err != nil {
		return s.failLocal(err)
	}
	return nil
}

// meet tells Local whom the session is with.
func (s *Session) meet() error {
	s.own.met = true
	held, err := s.local.Meet(s.report.Peer, s.report.Skew)
	if err == nil && held != nil {
		s.own.clock = held.Clock
		err = held.check()
	}
	if held != nil {
		s.common = held.Common
	}
	s.unsaid = s.own.clock
	if len(s.common) >= worthBase {
		if differs, ok := since(s.own.clock, s.common); ok && len(differs) < len(s.own.clock) {
			s.unsaid, s.base = differs, digestOf(s.common)
		}
	}
	return err
}

// nothingMissing skips what equal tips make superfluous: each side knows the other's clock, and has no packs to send.
func (s *Session) nothingMissing(m hello) {
	s.own.met, s.own.have, s.own.end = true, true, true
	s.peer.have, s.peer.end = true, true
	s.peer.clock = s.own.clock
	s.report.Diverged = differ(m.state, s.facts.Held.State)
}

func (s *Session) hearHave(m have) error {
	switch {
	case m.base != nil && s.retold:
		return s.failUnexpected(kindHave, "by a base again")
	case m.base == nil && s.based:
		s.peer.clock = nil // what was told by a base is told anew
	}
	s.based = m.base != nil
	known := s.peer.clock
	switch {
	case len(m.clock) == 0 && !m.last:
		return s.failMalformed("have: an empty part")
	case len(known)+len(m.clock) > MaxTips:
		return s.failMalformed("have: more than " + strconv.Itoa(MaxTips) + " tips")
	case len(known) > 0 && len(m.clock) > 0 && known[len(known)-1].Compare(m.clock[0]) >= 0:
		return s.failMalformed("have: parts that are not in order")
	}
	s.peer.clock = append(known, m.clock...)
	if !m.last {
		return nil
	}
	return s.heardHave(m.base)
}

// heardHave looks at the bases once the peer's clock was told. Both remember the same where they are equal. Where they are
// not, each side knows that of the other, and who has told its clock by a base tells it whole.
func (s *Session) heardHave(base *Digest) error {
	if s.base != nil && (base == nil || *base != *s.base) {
		s.own.have, s.unsaid, s.base = false, s.own.clock, nil
	}
	switch {
	case base == nil:
	case len(s.common) > 0 && *base == *digestOf(s.common) && (s.base != nil || s.asks):
		if s.peer.clock = over(s.common, s.peer.clock); len(s.peer.clock) > MaxTips {
			return s.failMalformed("have: more than " + strconv.Itoa(MaxTips) + " tips")
		}
	case s.asks:
		return s.failUnexpected(kindHave, "by a base that is not known here; sync to hear all")
	default:
		s.peer.clock, s.retold = nil, true
		return nil
	}
	s.peer.have = true
	return nil
}

func (s *Session) hearPack(m Pack) error {
	if err := s.openFeed(); err != nil { // what the peer lacks is known before anything of it is applied
		return s.failLocal(err)
	}
	applied, err := s.local.Apply(m.Bytes)
	if err != nil {
		return s.failLocal(err)
	}
	s.peer.packs++
	s.owed += len(m.Bytes)
	s.waiting += applied.Pending
	s.report.Received.Packs++
	s.report.Received.Versions += applied.Versions
	s.report.Duplicates += applied.Duplicates
	s.report.Pending += applied.Pending
	s.report.Conflicts += applied.Conflicts
	s.report.Forks += applied.Forks
	s.report.RefusedCount += len(applied.Refused)
	s.applied += uint64(applied.Versions)
	s.refused += uint64(len(applied.Refused))
	named := firstRefusals(nil, applied.Refused)
	for i := range named {
		named[i].Text = clean(named[i].Text, MaxText)
	}
	s.refusals = firstRefusals(s.refusals, named)
	s.report.Refused = firstRefusals(s.report.Refused, named)
	return nil
}

func (s *Session) hearEnd(m end) error {
	if m.packs != s.peer.packs {
		return s.failUnexpected(kindEnd, "behind "+strconv.FormatUint(m.packs, 10)+" packs, of which "+
			strconv.FormatUint(s.peer.packs, 10)+" came")
	}
	s.peer.end = true
	return nil
}

func (s *Session) hearAck(m ack) error {
	switch {
	case m.end && (s.peer.final || !s.own.end || m.packs != s.own.packs):
		return s.failUnexpected(kindAck, "of an end that was not said")
	case m.whole && !m.end && !s.peer.final:
		return s.failUnexpected(kindAck, "the short one before its last")
	case m.packs > s.own.packs:
		return s.failUnexpected(kindAck, "of packs that were not sent")
	case s.atRest(&m):
		s.peer.last = Held{Tips: *m.tips, State: *m.state}
		s.compare()
		return nil
	case !m.end && m.packs <= s.peer.acked:
		return s.failUnexpected(kindAck, "for nothing")
	}
	receipt := Ack{Final: m.end, Live: s.peer.final, Whole: m.end && m.whole}
	tips := s.credit.give(m.packs - s.peer.acked)
	s.report.Unacked = s.credit.packs()
	s.peer.acked, s.peer.final = m.packs, s.peer.final || m.end
	if m.tips != nil {
		s.peer.last = Held{Tips: *m.tips, State: *m.state}
	}
	if m.tips != nil || !receipt.Live {
		receipt.Tips, receipt.State = s.peer.last.Tips, s.peer.last.State
		s.compare()
	}
	s.report.AppliedByPeer += m.applied
	s.report.RefusedByPeerCount += m.refused
	s.report.RefusedByPeer = firstRefusals(s.report.RefusedByPeer, m.refusals)
	receipt.Clock = m.clock
	switch {
	case !receipt.Live:
		receipt.Clock, receipt.Equal = s.clockOf(m), s.report.Equal
	case m.whole:
		receipt.Clock = tips.Join(m.clock)
	}
	if err := s.local.Acknowledge(s.report.Peer, receipt); err != nil {
		return s.failLocal(err)
	}
	return nil
}

// clockOf completes the clock of an ack by what was told before: it is exact where both hold the same.
func (s *Session) clockOf(m ack) clock.Vector {
	if s.report.Equal {
		return s.own.last.Clock
	}
	held := s.peer.clock.Join(m.clock)
	if m.whole {
		held = held.Join(s.own.clock)
	}
	return held
}

func (s *Session) hearBye(m bye) error {
	if m.reason != ReasonDone {
		state := Broken
		if m.reason.denies() {
			state = Denied
		}
		s.stop(state, &peerError{reason: m.reason, text: m.text})
		return s.report.Err
	}
	if !s.peer.end || !s.peer.final {
		return s.failUnexpected(kindBye, "before its end and its last ack")
	}
	s.peer.bye = true
	return nil
}

// firstRefusals appends to a list of refusals, up to MaxRefusals.
func firstRefusals(list, more []Refusal) []Refusal {
	room := min(MaxRefusals-len(list), len(more))
	return append(list, more[:room]...)
}
