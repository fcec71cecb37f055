package replica

import (
	"errors"
	"io"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
)

// feed gives a peer what it lacks, row by row: where a row of Runs is not open every author in it is sealed.
type feed struct {
	l     *local
	have  clock.Vector
	news  bool // since the last feed of the session, as far as that can be told
	exact bool // by what the peer's clock shows alone: what was granted was not confirmed
	epoch uint64
	remainder
	keys   []identity.AuthorKey
	gather *gatherer
	// proved are the erasures whose proofs were handed out.
	proved map[clock.Entry]bool
}

// Close implements protocol.Feed.
func (f *feed) Close() error {
	if f.gather != nil {
		gatherers.Put(f.gather)
		f.gather = nil
	}
	return nil
}

// A pack carries about packedBytes bytes of versions, which are less when they are packed: a commit that takes some ten
// milliseconds where it arrives. The more it carries, the fewer times the row of a key is written that changes often. It carries about
// packedAuthors authors, whose signatures take as long to verify as the rest of such a pack takes: who gets many packs verifies one
// while it applies others. It never carries more than maxPackedBytes of versions, so that it fits into a frame with its seals and
// certificates whatever it holds.
const (
	packedBytes    = 1_000_000
	packedAuthors  = 192
	maxPackedBytes = protocol.MaxPack - 512<<10
)

// Next implements protocol.Feed.
func (f *feed) Next() (protocol.Pack, error) {
	if len(f.ranges) == 0 {
		return protocol.Pack{}, io.EOF
	}
	var out protocol.Pack
	err := f.l.r.view(f.l.ctx, func(s *snap) error {
		if s.tip.epoch != f.epoch {
			return errSetBack
		}
		var err error
		out, err = f.pack(s)
		return err
	})
	if errors.Is(err, errSetBack) {
		if err := f.find(); err != nil {
			return out, err
		}
		return f.Next()
	}
	return out, err
}

// pack makes a pack of the next versions, or io.EOF where there are none. It may be one of proofs alone that these rest on.
func (f *feed) pack(s *snap) (protocol.Pack, error) {
	if f.gather == nil {
		f.gather, _ = gatherers.Get().(*gatherer)
	}
	tips, proofs, err := f.nextProved(s)
	if err != nil {
		return protocol.Pack{}, err
	}
	versions := f.gather.packer.Len()
	if versions+len(proofs.Erasures) == 0 {
		return protocol.Pack{}, io.EOF
	}
	proofs.Fast = true // nobody keeps it for long
	packed, err := f.gather.encode(proofs)
	return protocol.Pack{Bytes: packed, Frame: f.gather.frame, Versions: versions, Tips: entriesOf(tips)}, err
}

// nextProved gathers the next versions, and returns the tips of their lines and what proves them. Where that includes the proofs of
// more erasures than go with them, it gives some of the proofs and no versions.
func (f *feed) nextProved(s *snap) (tips []history.Ref, proofs pack.Options, err error) {
	begin := f.remainder
	if err = f.nextVersions(s); err != nil {
		return nil, proofs, err
	}
	alone, err := f.proveErased(s, &proofs)
	if err != nil {
		return nil, proofs, err
	}
	if alone {
		f.gather.reset(nil)
		f.remainder, proofs.Seals = begin, nil
		return nil, proofs, nil
	}
	if tips, err = f.gather.tips(s); err == nil {
		err = f.vouch(s, tips, &proofs)
	}
	return tips, proofs, err
}

// errSetBack: the database was set back while a feed was open, so that what it knew is about other versions.
var errSetBack = errors.New("replica: the database was set back")

// entriesOf names versions as a clock does.
func entriesOf(versions []history.Ref) clock.Vector {
	entries := make([]clock.Entry, len(versions))
	for i, v := range versions {
		entries[i] = clock.Entry{Author: v.Author, Seq: v.Seq, ID: v.ID.Prefix()}
	}
	return clock.NewVector(entries...)
}

// vouch adds the seals over the last versions of lines, and the certificates of authors that the peer may not know.
func (f *feed) vouch(s *snap, tips []history.Ref, proofs *pack.Options) error {
	sealed := make(map[history.ID]bool, len(proofs.Seals))
	for i := range proofs.Seals {
		sealed[proofs.Seals[i].ID] = true
	}
	for _, v := range tips {
		if !sealed[v.ID] {
			seal, ok, err := f.seal(s, v)
			if err != nil {
				return err
			}
			if ok {
				proofs.Seals = append(proofs.Seals, seal)
			}
		}
		if err := f.certify(v.Author, s.lines[s.byAuthor[v.Author][0]].Certificate, proofs); err != nil {
			return err
		}
	}
	return nil
}

// certify adds the certificate of an author whom the peer may not know.
func (f *feed) certify(author identity.Author, certificate []byte, proofs *pack.Options) error {
	known := func(c identity.Certificate) bool { return c.Author == author }
	if f.l.seen.certified(author) || slices.ContainsFunc(proofs.Certificates, known) {
		return nil
	}
	cert, err := identity.DecodeCertificate(certificate)
	if err == nil {
		proofs.Certificates = append(proofs.Certificates, cert)
	}
	return err
}

// seal signs a version of this database's own authors, or finds the seal that came with it.
func (f *feed) seal(s *snap, v history.Ref) (identity.Seal, bool, error) {
	for _, key := range f.keys {
		if key.Author() == v.Author {
			return key.Seal(s.space, v.Seq, v.ID), true, nil
		}
	}
	return s.keptSeal(v.Author, v.Seq, v.ID)
}

// Missing implements protocol.Local.
func (l *local) Missing(have clock.Vector) (protocol.Feed, error) {
	l.seen.clock = have
	f := &feed{l: l, have: have}
	if err := f.find(); err != nil {
		return nil, err
	}
	return f, nil
}

// find works out what the peer lacks, and makes durable that it leaves.
func (f *feed) find() error {
	var author identity.Author
	var leaves, handed uint64
	f.next = 0
	err := f.l.r.view(f.l.ctx, func(s *snap) error {
		f.epoch = s.tip.epoch
		defer f.l.looked(s)
		var err error
		if f.keys, err = s.ownKeys(); err != nil {
			return err
		}
		if len(f.keys) > 0 {
			author = f.keys[len(f.keys)-1].Author()
		}
		known := f.news && f.l.known(s)
		if f.l.push(known); known {
			f.ranges = f.l.seen.came.outOf(f.l.seen.since, s.tip.next)
			leaves = s.ownTipWithin(author, f.ranges)
		} else if leaves, err = f.beyondClock(s, author); err != nil {
			return err
		}
		handed, err = readHanded(s.tx)
		return err
	})
	if err == nil && leaves > handed {
		err = f.l.r.write(f.l.ctx, func(c *commit) error { return c.handOut(author, leaves) })
	}
	if err != nil || leaves == 0 {
		return err
	}
	return f.l.r.tellBeside(f.l.ctx)
}

// beyondClock finds what the peer's clock does not cover, and the newest dot of the current author that leaves with it.
func (f *feed) beyondClock(s *snap, author identity.Author) (leaves uint64, err error) {
	f.l.seen.kept = false
	copied := false
	if len(f.keys) > 0 {
		if copied, err = s.copied(f.have, author); err != nil {
			return 0, err
		}
	}
	begins := copied && f.l.begins(author)
	var granted []history.LV
	if !begins && !f.exact {
		granted = s.granted(f.have)
	}
	f.l.seen.granted = len(granted) > 0
	known, err := s.clockOf(f.have, granted...)
	if err != nil {
		return 0, err
	}
	err = s.graph(func(g *history.Graph) error { f.ranges = below(g.Missing(known), s.tip.next); return nil })
	if err != nil || len(f.keys) == 0 {
		return 0, err
	}
	return f.leaving(s, author, copied && !begins)
}

// leaving is the newest dot of the current author that the peer has or is about to get, 0 for none. With waits, what never
// left is kept back: the peer's clock names versions of this author that this database did not write. Somebody has a
// copy; once those versions are here the tail is written again, see leaveAuthor. What was written with a wrong clock since
// times were corrected is kept back as well.
func (f *feed) leaving(s *snap, author identity.Author, waits bool) (uint64, error) {
	lines := s.byAuthor[author]
	if len(lines) == 0 {
		return 0, nil
	}
	known, err := s.clockOf(f.have)
	if err != nil {
		return 0, err
	}
	holds := seqIn(known, lines[0])
	if good := f.l.corrected; !waits && good.Author == author && good.Seq < s.lines[lines[0]].Seq {
		return max(good.Seq, holds), f.keepBack(s, lines[0], good.Seq)
	}
	if !waits {
		return max(s.ownTipWithin(author, f.ranges), holds), nil
	}
	handed, err := readHanded(s.tx)
	if err != nil {
		return 0, err
	}
	return holds, f.keepBack(s, lines[0], max(handed, holds))
}

// seqIn is how far a clock goes on a line.
func seqIn(known history.Clock, line history.Line) uint64 {
	for m := range known.Marks() {
		if m.Line == line {
			return m.Seq
		}
	}
	return 0
}

// copied reports whether a clock names versions of this database's author that are not here: its only line has all that
// this database wrote as that author.
func (s *snap) copied(have clock.Vector, author identity.Author) (bool, error) {
	copied := false
	lines := s.byAuthor[author]
	if len(lines) != 1 {
		return false, nil
	}
	line := lines[0]
	err := s.graph(func(g *history.Graph) error {
		for _, e := range have {
			if e.Author != author || copied {
				continue
			}
			lv, ok := g.Find(line, e.Seq)
			if !ok || lv >= s.tip.next {
				copied = true
				continue
			}
			id, last, err := s.ID(lv)
			if err != nil {
				return err
			}
			copied = last != lv || id.Prefix() != e.ID
		}
		return nil
	})
	return copied, err
}

// keepBack takes the dots of a line beyond one of them out of what the peer gets.
func (f *feed) keepBack(s *snap, line history.Line, after uint64) error {
	return s.graph(func(g *history.Graph) error {
		var ranges []history.Range
		for _, r := range f.ranges {
			for from := r.From; from <= r.To; {
				to := min(g.SpanEnd(from), r.To)
				if at, seq := g.At(from); at != line {
					ranges = append(ranges, history.Range{From: from, To: to})
				} else {
					f.l.seen.kept = true // some or all of it
					if seq <= after {
						ranges = append(ranges, history.Range{From: from, To: min(to, from+history.LV(after-seq))})
					}
				}
				from = to + 1
			}
		}
		f.ranges = ranges
		return nil
	})
}

// below cuts ascending ranges off before a dot. The graph may be ahead of the snapshot: versions of a commit that is not
// durable yet, or never will be.
func below(ranges []history.Range, end history.LV) []history.Range {
	for n := len(ranges); n > 0; n-- {
		if last := &ranges[n-1]; last.From < end {
			last.To = min(last.To, end-1)
			return ranges[:n]
		}
	}
	return nil
}

// ownTipWithin is the newest dot of the current author where some of it is about to leave, else 0.
func (s *snap) ownTipWithin(a identity.Author, ranges []history.Range) uint64 {
	var seq uint64
	for _, line := range s.byAuthor[a] {
		tip := s.lines[line]
		for _, r := range ranges {
			if r.From <= history.LV(tip.LV) && history.LV(tip.LV) <= r.To {
				seq = max(seq, tip.Seq)
			}
		}
	}
	return seq
}

// writesOn reports whether this database writes on a line now.
func (s *snap) writesOn(line history.Line) bool { return s.tip.own.seq > 0 && s.tip.own.line == line }

// granted are the tips that a peer is taken to hold, since its clock names a later version of their author: otherwise all of the
// author's line would go to whoever is ahead on it. It is wrong where the author was copied, and the peer has what the copy wrote
// and we do not know of it yet: then its final ack says that it does not hold all that our have named, see Acknowledge. Of
// the author as whom this database writes it is known to be wrong: a copy that is ahead does not hold what was written here.
func (s *snap) granted(have clock.Vector) (tips []history.LV) {
	for _, e := range have {
		lines := s.byAuthor[e.Author]
		if len(lines) != 1 || s.writesOn(lines[0]) {
			continue
		}
		if tip := s.lines[lines[0]]; 0 < tip.Seq && tip.Seq < e.Seq {
			tips = append(tips, history.LV(tip.LV))
		}
	}
	return tips
}

// clockOf is the part of a peer's clock that can be told here: the versions that are known, and others that it is to cover, with
// all that they cover.
func (s *snap) clockOf(have clock.Vector, others ...history.LV) (history.Clock, error) {
	var known history.Clock
	err := s.graph(func(g *history.Graph) error {
		lvs := slices.Clone(others)
		for _, e := range have {
			lv, found, err := g.LookupEntry(e, s)
			if err != nil {
				return err
			}
			if found {
				lvs = append(lvs, lv)
			}
		}
		known = g.ClockOf(lvs...)
		return nil
	})
	return known, err
}
