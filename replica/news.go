package replica

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/protocol"
)

// seen is what a session knows of its peer, so that a session that stays need not ask the graph what is news to it.
type seen struct {
	// since is the first dot that no feed has looked at yet, and came are those beyond it that the peer brought. Both are
	// dots of an epoch of the database: in another one they mean nothing.
	since history.LV
	came  dotRanges
	epoch uint64
	// kept is true once a feed has kept something back that the peer lacks.
	kept bool
	// granted is true while the peer was taken to hold more than its clock could show, and has not confirmed it (see snap.granted).
	granted bool
	// clock is what the peer holds, as far as it was told: its have and its receipts, and what it sent. It may be less.
	clock clock.Vector
}

// News implements protocol.Local.
func (l *local) News() (protocol.Feed, error) {
	f := &feed{l: l, have: l.seen.clock, news: true, exact: l.seen.granted}
	if err := f.find(); err != nil || len(f.ranges) == 0 {
		return nil, err
	}
	return f, nil
}

// known reports whether the dots since the last feed, less those that came from the peer, are what it lacks; else only its
// clock tells.
func (l *local) known(s *snap) bool {
	return s.tip.epoch == l.seen.epoch && !l.seen.kept && !l.seen.granted && l.corrected.IsZero()
}

// push says whether what is written here goes to the peer at once.
func (l *local) push(now bool) {
	switch {
	case now && !l.pushes:
		l.r.pulse.pushing.Add(1)
	case !now && l.pushes:
		l.r.pulse.pushing.Add(-1)
	}
	l.pushes = now
}

// Left implements protocol.Leaver.
func (l *local) Left() { l.push(false) }

// looked notes that a feed has what was news up to a snapshot.
func (l *local) looked(s *snap) {
	l.seen.since, l.seen.came, l.seen.epoch = s.tip.next, nil, s.tip.epoch
}

// brought notes what a pack from the peer says that it holds, and where its versions stand, of which a commit holds a part.
func (l *local) brought(u *unpacked, part *slice) {
	if len(part.applied.Refused) > 0 {
		return
	}
	if part.epoch == l.seen.epoch {
		l.seen.came = append(l.seen.came, part.came...)
	}
	chains := u.decoder.Header().Chains
	entries := make([]clock.Entry, len(chains))
	for i := range chains {
		tip := &chains[i].Tip
		entries[i] = clock.Entry{Author: tip.Author, Seq: tip.Seq, ID: tip.ID.Prefix()}
	}
	l.seen.learn(clock.NewVector(entries...))
	l.owing = l.owing || l.stay // the peer will know as much of us
}

// learn adds to what the peer is known to hold, up to what one clock may have: a peer can name any number of versions that
// nobody has ever seen.
func (s *seen) learn(more clock.Vector) {
	if all := s.clock.Join(more); len(all) <= protocol.MaxTips {
		s.clock = all
	}
}

// certified reports whether the peer is known to hold versions of an author, and so the certificate. Of an author that is
// forked a vector does not tell.
func (s *seen) certified(a identity.Author) bool { return s.clock.Covers(clock.Entry{Author: a}) }

// dotRanges are ranges of dots in the order in which they were added.
type dotRanges []history.Range

// add adds the dots from one to another.
func (d *dotRanges) add(from, to history.LV) {
	if n := len(*d); n > 0 && (*d)[n-1].To+1 == from {
		(*d)[n-1].To = to
		return
	}
	*d = append(*d, history.Range{From: from, To: to})
}

// outOf is what is left of the dots from one to before another.
func (d dotRanges) outOf(from, end history.LV) (left []history.Range) {
	order.Sort(d, func(a, b history.Range) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	for _, r := range d {
		if r.From > from && from < end {
			left = append(left, history.Range{From: from, To: min(r.From, end) - 1})
		}
		from = max(from, r.To+1)
	}
	if from < end {
		left = append(left, history.Range{From: from, To: end - 1})
	}
	return left
}
