package protocol

import (
	"errors"

	"github.com/kdelta/kdelta/crdt/clock"
)

// A Session is one conversation with one peer, as arithmetic: frames go in by Receive, frames come out by Next, and
// whoever drives it carries them. It has no goroutine, clock or socket, and is for one goroutine at a time.
//
//	for !s.Done() {
//		for frame, err := s.Next(); frame != nil || err != nil; frame, err = s.Next() {
//			send frame; an error breaks the session, and the Next after it yields the bye that tells the peer
//		}
//		if !s.Done() {
//			receive a frame and give it to s.Receive
//		}
//	}
//	err := s.Close()
type Session struct {
	local  Local
	link   Link // nil where nothing binds
	asks   bool // only to hear the peer's clock
	report Report
	feed   Feed
	closed bool

	facts     *Facts // ours; nil before the first use of the session
	own, peer side
	unsaid    clock.Vector // the part of our clock that no have frame has told yet
	// common is what both held once, as far as this side remembers. base is said with our clock where that is told by what
	// differs from it; based is true while the parts of the peer's clock that came are, and retold once it has to be told whole.
	common        clock.Vector
	base          *Digest
	based, retold bool

	// What the next ack has to tell beside what Local.Held says.
	applied, refused uint64
	waiting          int
	refusals         []Refusal
	// owed are the bytes of packs that came since our last ack, credit is what we sent that was not acked.
	owed   int
	credit credit

	// presences are what the peer is to be told of the moment, one of each origin.
	presences []Presence
	// now is the time that Tick told last, allowance what may still be heard of the moment in this second.
	now       int64
	allowance allowance
	// changed is true if there may be news, leaving once this side wants to end a session that stays, resting if nothing has
	// happened for a while.
	changed, leaving, resting bool

	// farewell is the bye of a session that failed, until Next has given it out.
	farewell []byte
}

// side is how far one side of the conversation has come: what it has said.
type side struct {
	hello, have, end, final, bye, stay bool
	met                                bool // Local was told whom it is with, or the hellos told equal tips; the peer's says nothing

	clock clock.Vector // its have
	packs uint64       // its packs
	acked uint64       // how many packs of the other side it has acked
	last  Held         // as told last, in its hello or an ack; the peer's has no clock
}

// New returns a session of local with a peer, which runs the same machine. It does nothing before the first Next or
// Receive.
func New(local Local) *Session { return &Session{local: local} }

// NewOver is New over a link to which both hellos are bound.
func NewOver(local Local, link Link) *Session { return &Session{local: local, link: link} }

// NewAsking returns a session that only asks what the peer holds: it hears the peer's clock (PeerClock), tells nothing but its
// hello, and ends. Of Local it calls Facts and Meet alone. link may be nil.
func NewAsking(local Local, link Link) *Session {
	return &Session{local: local, link: link, asks: true}
}

// PeerClock is what the peer has told that it holds: all of it once a session that asks has ended in Synced.
func (s *Session) PeerClock() clock.Vector { return s.peer.clock }

// State returns where the session stands.
func (s *Session) State() State { return s.report.State }

// Report says what the session did so far.
func (s *Session) Report() Report { return s.report }

// Changed says that there may be something new here: a session that stays then gives it out by Next. Before the session has
// come so far, and in one that does not stay, it does nothing that would be seen.
func (s *Session) Changed() { s.changed = true }

// Leave ends a session that stays: it gives out what is new, waits until the peer has acked it, and says bye. Done tells
// when both have. Before the final acks it makes the session one that does not stay.
func (s *Session) Leave() { s.leaving = true }

// stays reports whether the session goes on behind the final acks. With a copy of this replica it does not: one of the two
// has to get another author before more is written under the one that they share.
func (s *Session) stays() bool { return s.own.stay && s.peer.stay && !s.report.Copy }

// live reports whether the session has come behind the final acks, and goes on.
func (s *Session) live() bool { return s.own.final && s.peer.final && s.stays() }

// Done is true when Next will yield nothing more and Receive take nothing more: both byes were said, or the session
// failed and its bye was given out, or it was closed.
func (s *Session) Done() bool {
	if s.report.Err != nil {
		return s.closed || s.farewell == nil
	}
	return s.closed || s.own.bye && (s.peer.bye || s.asks)
}

// Close releases what the session holds and returns what it ended in, as Report.Err has it: nil once Synced, byes or
// not. A session that had not come so far is cut: Broken, with ErrCut. Close may be called at any time and again.
func (s *Session) Close() error {
	if s.report.State != Synced && s.report.Err == nil {
		s.stop(Broken, ErrCut)
	}
	s.letGo()
	if leaver, able := s.local.(Leaver); able && !s.closed {
		leaver.Left()
	}
	s.closed = true
	return s.report.Err
}

// start takes our facts, once.
func (s *Session) start() error {
	if s.facts != nil {
		return nil
	}
	facts, err := s.local.Facts()
	if err != nil {
		return err
	}
	if err := facts.check(); err != nil {
		return err
	}
	facts.Wall = max(facts.Wall, 0)
	s.facts, s.own.clock, s.own.last = &facts, facts.Held.Clock, facts.Held
	s.own.stay = facts.Stay
	return nil
}

// progress moves the state on after a frame was said or heard.
func (s *Session) progress() {
	switch {
	case s.report.Err != nil:
	case s.own.final && s.peer.final || s.asks && s.own.bye:
		s.report.State = Synced
		if s.live() && !s.report.Live {
			s.report.Live, s.changed = true, true // what was written while the two synced
		}
	case s.peer.hello:
		s.report.State = Syncing
	}
}

// compare looks at what both told last: equal sets must have equal states.
func (s *Session) compare() {
	s.report.Equal = s.own.last.Tips == s.peer.last.Tips
	if s.report.Equal && differ(s.own.last.State, s.peer.last.State) {
		s.report.Diverged = true
	}
}

// differ reports whether both of two states were told, and are not the same.
func differ(a, b Digest) bool { return a != b && a != (Digest{}) && b != (Digest{}) }

// fail ends the session for a reason that the peer gets to know, and returns what it ended in.
func (s *Session) fail(reason Reason, err *failure) error {
	state := Broken
	if reason.denies() {
		state = Denied
	}
	if !s.own.bye {
		text := err.detail()
		if reason == ReasonLocal {
			text = "" // it may hold paths and keys that are no peer's business
		}
		s.farewell = bye{reason: reason, text: clean(text, MaxText)}.encode()
	}
	s.stop(state, err)
	return s.report.Err
}

// stop ends the session without a word to the peer. Next or Close lets go of the feed: while one half of a driver hears what ends the
// session, the other may be sending what the feed lent.
func (s *Session) stop(state State, err error) { s.report.State, s.report.Err = state, err }

// letGo releases what a session holds that is over.
func (s *Session) letGo() {
	switch err := s.release(); {
	case err == nil:
	case s.report.Err == nil:
		s.stop(Broken, &failure{kind: ErrLocal, cause: err})
	default:
		s.report.Err = errors.Join(s.report.Err, err)
	}
}

func (s *Session) release() error {
	if s.feed == nil {
		return nil
	}
	feed := s.feed
	s.feed = nil
	return feed.Close()
}

func (s *Session) failLocal(cause error) error {
	return s.fail(ReasonLocal, &failure{kind: ErrLocal, cause: cause})
}

func (s *Session) failMalformed(what string) error {
	return s.fail(ReasonMalformed, malformed(what, nil))
}
