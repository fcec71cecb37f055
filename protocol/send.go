package protocol

import (
	"errors"
	"io"
	"strconv"
)

// Next returns the next frame to send, or nil if there is nothing to say now: then Receive is next, unless Done. It
// is read until the next call of Next or Close, whatever is heard meanwhile. An error is local trouble and breaks the session; the Next after it yields the bye.
func (s *Session) Next() ([]byte, error) {
	if s.closed {
		return nil, nil
	}
	if s.report.Err != nil {
		s.letGo()
		frame := s.farewell
		s.farewell = nil
		return s.sent(frame), nil
	}
	if s.own.bye {
		return nil, nil
	}
	frame, err := s.say()
	if err != nil {
		return nil, s.failLocal(err)
	}
	s.progress()
	return s.sent(frame), nil
}

func (s *Session) sent(frame []byte) []byte {
	if frame != nil {
		s.report.Sent.Frames++
		s.report.Sent.Bytes += int64(len(frame))
	}
	return frame
}

// say chooses what to say: the order of the cases is the order of the conversation, except that an ack goes before the
// next pack.
func (s *Session) say() ([]byte, error) {
	switch {
	case !s.own.hello:
		return s.sayHello()
	case !s.peer.hello:
		return nil, nil
	case s.asks && s.peer.have:
		s.own.bye = true
		return bye{reason: ReasonAsked}.encode(), nil
	case s.asks || !s.own.met:
		return nil, nil
	case !s.own.have:
		return s.sayHave(), nil
	case s.ackDue():
		return s.sayAck()
	case s.peer.have && !s.own.end:
		return s.sayPack()
	case !s.own.end || !s.own.final:
		return nil, nil
	}
	if s.live() && len(s.presences) > 0 && !s.peer.bye {
		return s.sayPresence(), nil
	}
	if s.live() && !s.peer.bye {
		for _, say := range []func() ([]byte, error){s.sayName, s.sayNews, s.sayRest} {
			if frame, err := say(); frame != nil || err != nil {
				return frame, err
			}
		}
	}
	if s.stays() && !s.peer.bye && (!s.leaving || s.credit.packs() > 0) {
		return nil, nil
	}
	s.own.bye = true
	return bye{reason: ReasonDone}.encode(), s.release()
}

func (s *Session) sayHello() ([]byte, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	s.own.hello = true
	return hello{
		version:    Version,
		space:      s.facts.Space,
		author:     s.facts.Author,
		instance:   s.facts.Instance,
		wall:       s.facts.Wall,
		strategies: s.facts.Strategies,
		tips:       s.facts.Held.Tips,
		state:      s.facts.Held.State,
		stay:       s.own.stay,
		proof:      s.prove(),
	}.encode(), nil
}

// sayHave gives out the next part of our clock.
func (s *Session) sayHave() []byte {
	part := s.unsaid[:min(len(s.unsaid), MaxTipsPerFrame)]
	s.unsaid = s.unsaid[len(part):]
	s.own.have = len(s.unsaid) == 0
	return have{clock: part, last: s.own.have, base: s.base}.encode()
}

func (s *Session) ackDue() bool {
	due := s.peer.packs - s.own.acked
	return s.peer.end && !s.own.final || due >= ackEvery || s.owed >= ackBytes || due > 0 && s.live()
}

func (s *Session) sayAck() ([]byte, error) {
	m := ack{packs: s.peer.packs}
	if s.live() {
		m.whole = s.refused == 0 && s.waiting == 0
	} else {
		m.end = s.peer.end
		var err error
		if m.whole, err = s.holdsAll(m.end); err != nil {
			return nil, err
		}
	}
	if !m.whole || m.end {
		m.applied, m.refused, m.refusals = s.applied, s.refused, s.refusals
		if err := s.sayHeld(&m); err != nil {
			return nil, err
		}
	}
	s.applied, s.refused, s.refusals, s.waiting, s.owed = 0, 0, nil, 0, 0
	s.own.acked, s.own.final = m.packs, s.own.final || m.end
	return m.encode(), nil
}

// holdsAll reports whether the final ack can say that all is held here that the peer has named in its have. That all was applied
// which the peer sent does not show it: of an author who was copied, the peer may have taken us to hold what the copy never wrote.
func (s *Session) holdsAll(final bool) (bool, error) {
	if !final || s.report.RefusedCount > 0 || s.report.Pending > 0 {
		return false, nil
	}
	return s.local.Holds(s.peer.clock)
}

// sayHeld adds to an ack what is held now, as far as it was not told yet.
func (s *Session) sayHeld(m *ack) error {
	held, err := s.local.Held()
	if err != nil {
		return err
	}
	m.clock = without(held.Clock, s.own.clock)
	if m.whole {
		m.clock = without(m.clock, s.peer.clock)
	}
	m.clock = m.clock[:min(len(m.clock), MaxTipsPerAck)]
	if last := &s.own.last; held.Tips != last.Tips || held.State != last.State {
		m.tips, m.state = &held.Tips, &held.State
	}
	s.own.last = held
	s.compare()
	return nil
}

// sayPack gives out the next pack that the peer lacks, or the end behind the last one.
func (s *Session) sayPack() ([]byte, error) {
	if s.credit.spent() {
		return nil, nil
	}
	if err := s.openFeed(); err != nil {
		return nil, err
	}
	frame, err := s.nextPack()
	if errors.Is(err, io.EOF) {
		s.own.end = true
		return end{packs: s.own.packs}.encode(), s.release()
	}
	return frame, err
}

// sayNews gives out the next pack of what is new here, nothing where it was the last one.
func (s *Session) sayNews() ([]byte, error) {
	for !s.credit.spent() && (s.changed || s.feed != nil) {
		if s.feed == nil {
			s.changed = false
			feed, err := s.local.News()
			if err != nil || feed == nil {
				return nil, err
			}
			s.feed = feed
		}
		frame, err := s.nextPack()
		if !errors.Is(err, io.EOF) {
			return frame, err
		}
		if err := s.release(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// nextPack takes a pack from the feed.
func (s *Session) nextPack() ([]byte, error) {
	pack, err := s.feed.Next()
	if err != nil {
		return nil, err
	}
	if len(pack.Bytes) > MaxPack {
		return nil, errors.New("the feed gave a pack of " + strconv.Itoa(len(pack.Bytes)) + " bytes, the limit is " + strconv.Itoa(MaxPack))
	}
	s.own.packs++
	s.credit.take(&pack)
	s.report.Unacked = s.credit.packs()
	s.report.Sent.Packs++
	s.report.Sent.Versions += pack.Versions
	return pack.encode(), nil
}

// openFeed asks for what the peer lacks, once.
func (s *Session) openFeed() error {
	if s.feed != nil || s.own.end {
		return nil
	}
	var err error
	s.feed, err = s.local.Missing(s.peer.clock)
	return err
}

func (h Held) check() error {
	if len(h.Clock) > MaxTips {
		return errors.New("the clock has " + strconv.Itoa(len(h.Clock)) + " tips, the limit is " + strconv.Itoa(MaxTips))
	}
	return nil
}

func (f Facts) check() error {
	if err := f.Held.check(); err != nil {
		return err
	}
	if len(f.Strategies) > MaxStrategies {
		return errors.New(strconv.Itoa(len(f.Strategies)) + " strategies, the limit is " + strconv.Itoa(MaxStrategies))
	}
	for _, name := range f.Strategies {
		if !validName(name) {
			return errors.New("the strategy name " + strconv.Quote(name) + " is not 1 to " + strconv.Itoa(MaxStrategyName) + " bytes of printing text")
		}
	}
	return nil
}
