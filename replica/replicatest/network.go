package replicatest

import (
	"errors"
	"slices"

	"github.com/kdelta/kdelta/protocol"
)

// session is a conversation between two replicas over a link that may misbehave.
type session struct {
	w     *World
	ends  [2]*device
	sides [2]*protocol.Session
	over  bool
	// faults is how often in 100 frames something happens to one.
	faults int
	// raw is true where the session goes on whatever happened. Any other link keeps the contract of transport.Conn, since what wraps
	// it numbers and seals the frames: they come whole and in order until one did not, and there it ends.
	raw bool
	// sent and heard count the frames of each direction on a link that is not raw.
	sent, heard [2]int
	// live is true where both stay.
	live bool
	// gone are the ends that have died: what they had sent before still comes.
	gone [2]bool
	// last is when the newest frame of each direction arrives: an honest link keeps their order.
	last [2]int64
}

// startSession lets two replicas talk.
func (w *World) startSession(a, b *device) {
	if a == b || a.r == nil || b.r == nil {
		return
	}
	s := &session{w: w, ends: [2]*device{a, b}}
	s.sides = [2]*protocol.Session{a.r.Session(w.ctx), b.r.Session(w.ctx)}
	lasts := int64(500)
	switch w.rng.IntN(5) {
	case 0:
		side := w.rng.IntN(2) // the other one does not stay
		s.sides[side] = s.ends[side].r.LiveSession(w.ctx)
	case 1, 2:
		s.sides = [2]*protocol.Session{a.r.LiveSession(w.ctx), b.r.LiveSession(w.ctx)}
		s.live, lasts = true, 3000
		if w.chance(50) {
			w.after(int64(200+w.rng.IntN(1500)), func() { s.leave(w.rng.IntN(2)) })
		}
	}
	if w.chance(40) {
		s.faults, s.raw = 1+w.rng.IntN(30), w.chance(50)
	}
	w.count("session")
	w.tracef("%s and %s begin to sync", a.name, b.name)
	w.sessions = append(w.sessions, s)
	w.after(lasts, s.drop)
	s.pump(0)
	s.pump(1)
}

// leave lets one side end a session that stays.
func (s *session) leave(side int) {
	if !s.over && !s.gone[side] {
		s.sides[side].Leave()
		s.pump(side)
	}
}

// stir tells the sessions of a replica that stay that it may have something new.
func (w *World) stir(d *device) {
	for _, s := range slices.Clone(w.sessions) {
		for side := range s.ends {
			if !s.over && !s.gone[side] && s.live && s.ends[side] == d && d.r != nil {
				s.sides[side].Changed()
				s.pump(side)
			}
		}
	}
}

// drop gives a session up.
func (s *session) drop() {
	if s.over {
		return
	}
	s.over = true
	for i := range s.sides {
		err := s.sides[i].Close()
		if s.ends[i].r != nil && !s.gone[i] {
			s.judge(i, err)
		}
	}
	s.w.sessions = slices.DeleteFunc(s.w.sessions, func(x *session) bool { return x == s })
}

// dropSessions gives up all sessions of a replica that stops.
func (d *device) dropSessions() {
	for _, s := range slices.Clone(d.w.sessions) {
		if s.ends[0] == d || s.ends[1] == d {
			s.over = true
			for i := range s.sides {
				s.sides[i].Close() //nolint:errcheck // it is cut
			}
			d.w.sessions = slices.DeleteFunc(d.w.sessions, func(x *session) bool { return x == s })
		}
	}
}

// leaveSessions ends the sessions of a replica that dies, at its own end. At the other one they end when nothing more comes.
func (d *device) leaveSessions() {
	for _, s := range d.w.sessions {
		for side := range s.ends {
			if s.ends[side] == d && !s.gone[side] {
				s.gone[side] = true
				s.sides[side].Close() //nolint:errcheck // it is cut
				d.w.after(int64(20+d.w.rng.IntN(40)), s.drop)
			}
		}
	}
}

// judge looks at how one side's session ended.
func (s *session) judge(side int, err error) {
	w := s.w
	rep := s.sides[side].Report()
	if rep.Diverged && !s.raw { // a digest with a flipped bit looks like that too
		w.failf("I1", "%s and %s hold the same and show another state", s.ends[0].name, s.ends[1].name)
	}
	switch {
	case err == nil:
		w.count("session: synced")
		if rep.Live && s.sides[side].Done() {
			w.count("session: left politely")
		}
	case errors.Is(err, protocol.ErrCut), errors.Is(err, protocol.ErrUnexpected), errors.Is(err, protocol.ErrMalformed),
		errors.Is(err, protocol.ErrPeer):
		w.count("session: broken")
	case errors.Is(err, protocol.ErrSelf):
		w.count("session: with itself")
	case errors.Is(err, protocol.ErrForeignSpace), errors.Is(err, protocol.ErrVersion):
		if !s.raw {
			w.failf("sync", "%s: %v", s.ends[side].name, err)
		}
	case isInjected(err):
		w.count("session: local fault")
	default:
		w.failf("sync", "%s with %s: %v", s.ends[side].name, s.ends[1-side].name, err)
	}
}

// pump puts on the link what one side has to say. A replica whose newest writes could not be looked at, by a fault of its store,
// says nothing before they were: others must not show what nobody is known to have written.
func (s *session) pump(side int) {
	if d := s.ends[side]; s.gone[side] || d.unsure && d.r != nil && !d.ingest() {
		return
	}
	begins := s.sent[side] == 0
	for !s.over && !s.gone[side] {
		frame, err := s.sides[side].Next()
		if s.ends[side].dead() && s.ends[side].r != nil {
			s.ends[side].crash()
			return
		}
		if frame == nil && err == nil {
			break
		}
		if frame != nil {
			s.ends[side].left.note(frame)
			s.send(side, frame)
		}
	}
	if begins && s.ends[side].r != nil {
		s.ends[side].ingest() // what an earlier session had begun to apply is finished first
	}
	if !s.over && s.sides[0].Done() && s.sides[1].Done() {
		s.drop()
	}
}

// send carries a frame, or does not.
func (s *session) send(side int, frame []byte) {
	w := s.w
	frame = slices.Clone(frame)
	s.sent[side]++
	if w.blocked[[2]int{s.ends[side].id, s.ends[1-side].id}] {
		w.count("frame: into a partition")
		return
	}
	at := max(w.now+1+int64(w.rng.IntN(20)), s.last[side]+1)
	if w.rng.IntN(100) >= s.faults {
		s.last[side] = at
		s.deliver(at, side, frame)
		return
	}
	switch w.rng.IntN(6) {
	case 0:
		w.count("frame: dropped")
	case 1:
		w.count("frame: repeated")
		s.deliver(at, side, frame)
		s.deliver(at+int64(w.rng.IntN(30)), side, frame)
	case 2:
		w.count("frame: reordered")
		s.deliver(w.now+int64(w.rng.IntN(60)), side, frame)
	case 3:
		w.count("frame: delayed")
		s.last[side] = at + 200
		s.deliver(at+200, side, frame)
	case 4:
		w.count("frame: truncated")
		s.spoil(at, side, frame[:w.rng.IntN(len(frame))])
	default:
		w.count("frame: bit flipped")
		bit := w.rng.IntN(len(frame) * 8)
		frame[bit/8] ^= 1 << (bit % 8)
		s.spoil(at, side, frame)
	}
}

// spoil delivers a frame that was changed on its way: whoever opens what seals it will not find it whole.
func (s *session) spoil(at int64, side int, frame []byte) {
	if !s.raw {
		s.w.after(at-s.w.now, s.cut)
		return
	}
	s.deliver(at, side, frame)
}

// cut ends a link.
func (s *session) cut() {
	if !s.over {
		s.w.count("link: cut")
		s.drop()
	}
}

// deliver lets the frame that was sent last arrive. On a link that is not raw it does so only behind all that were sent before it.
func (s *session) deliver(at int64, side int, frame []byte) {
	number := s.sent[side]
	s.w.after(at-s.w.now, func() {
		switch s.heard[side]++; {
		case s.over || s.gone[1-side]:
		case s.raw || number == s.heard[side]:
			s.receive(1-side, frame)
		default:
			s.cut()
		}
	})
}

// receive gives a frame to one side.
func (s *session) receive(side int, frame []byte) {
	w, to := s.w, s.ends[side]
	before := s.sides[side].Report()
	_ = s.sides[side].Receive(frame) // Close says it again
	after := s.sides[side].Report()
	if before.Live && after.Received.Versions > before.Received.Versions {
		w.count("session: pushed")
	}
	if to.dead() && to.r != nil {
		to.crash()
		return
	}
	if !to.ingest() || s.over {
		return
	}
	if to.hears(s.sides[side], s.ends[1-side], s.raw); s.over {
		return
	}
	if after.Received.Packs > before.Received.Packs && w.chance(4) {
		s.failBehindPack(side)
		return
	}
	s.pump(side)
	w.stir(to)
}

// failBehindPack lets something go wrong between a pack that is durable at one side and what the other one hears of it.
func (s *session) failBehindPack(side int) {
	w, d := s.w, s.ends[side]
	switch w.rng.IntN(3) {
	case 0:
		w.count("behind a pack: cut")
		s.cut()
	case 1:
		w.count("behind a pack: death")
		d.crash()
	default:
		if s.pump(side); d.r != nil {
			w.count("behind a pack: death after the ack")
			d.crash()
		}
	}
}

// talk lets two sessions speak over a perfect link until they are through, and returns what they ended in.
func (w *World) talk(a, b *protocol.Session) (errA, errB error) {
	for moved := true; moved; {
		moved = false
		for i, from := range []*protocol.Session{a, b} {
			to := []*protocol.Session{b, a}[i]
			for {
				frame, err := from.Next()
				if frame == nil && err == nil {
					break
				}
				moved = true
				if frame != nil {
					_ = to.Receive(slices.Clone(frame)) // Close says it again
				}
			}
		}
	}
	return a.Close(), b.Close()
}
