package protocol

import (
	"strconv"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// Presence is something that is true for the moment: who is here, where a cursor stands. It is passed on to whoever is linked
// and never stored.
type Presence struct {
	// Author is who says it, as the origin has it: nothing proves that.
	Author identity.Author
	// Origin is the process that says it, Seq rises with each thing that it says: who has heard a later one drops it.
	Origin Instance
	Seq    uint64
	// Hops is over how many more links it may go.
	Hops uint64
	// Body is for the application, at most MaxPresence bytes.
	Body []byte
}

// Listener is an optional ability of a Local: it hears what the peer of a session that stays says of the moment. The body
// aliases the frame and is valid during the call only.
type Listener interface {
	Hear(p Presence)
}

func (p Presence) encode() []byte {
	b := canon.AppendBytes(frame(kindPresence, 5), p.Author[:])
	b = canon.AppendBytes(b, p.Origin[:])
	b = canon.AppendUint(b, p.Seq)
	b = canon.AppendUint(b, p.Hops)
	return canon.AppendBytes(b, p.Body)
}

// presence aliases the frame.
func (d *decoder) presence() (p Presence, err *failure) {
	d.expect(5)
	p.Author = d.bytes32()
	p.Origin = d.instance()
	p.Seq = d.uint()
	if p.Hops = d.uint(); p.Hops >= MaxHops {
		d.refuse(strconv.FormatUint(p.Hops, 10) + " hops, the limit is " + strconv.Itoa(MaxHops-1))
	}
	if p.Body = d.bytes(); len(p.Body) > MaxPresence {
		d.refuse(strconv.Itoa(len(p.Body)) + " bytes, the limit is " + strconv.Itoa(MaxPresence))
	}
	return p, d.end()
}

// Present lets a session that stays tell its peer something of the moment. What is not said yet is replaced by what the same
// origin says later; of more than maxQueued origins the oldest is dropped. It takes p over.
func (s *Session) Present(p Presence) {
	for i := range s.presences {
		if s.presences[i].Origin == p.Origin {
			s.presences[i] = p
			return
		}
	}
	if len(s.presences) >= maxQueued {
		s.presences = s.presences[1:]
	}
	s.presences = append(s.presences, p)
}

func (s *Session) sayPresence() []byte {
	p := s.presences[0]
	s.presences = s.presences[1:]
	return p.encode()
}

// allowance is what may still be heard of a second.
type allowance struct {
	since int64 // when it began, in ms
	heard int
}

// take counts something that is heard at a time, and is false where that second has had enough. A clock that was set back begins a
// new one.
func (a *allowance) take(now int64) bool {
	if now < a.since || now-a.since >= 1000 {
		*a = allowance{since: now}
	}
	a.heard++
	return a.heard <= MaxPresences
}

// Tick says what time it is, in ms by a clock of the caller's. A session to which nobody says it lives in one second.
func (s *Session) Tick(now int64) { s.now = now }

func (s *Session) hearPresence(p Presence) {
	if !s.allowance.take(s.now) {
		s.report.PresencesDropped++
		return
	}
	if l, ok := s.local.(Listener); ok {
		l.Hear(p)
	}
}
