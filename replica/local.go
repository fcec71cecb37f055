package replica

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// local is the replica as a session sees it.
type local struct {
	ctx context.Context
	r   *Replica
	// peer is who the session is with, instance what tells this database from its copies there; both are zero before
	// Meet.
	peer     protocol.Peer
	instance protocol.Instance
	// corrected is the newest own version that has good times, where our clock is wrong: those that come while the session lasts wait
	// for the next one. It is zero where no times were corrected, or the clock has been set right.
	corrected clock.Stamp
	// seen is what is known of the peer, stay that the session is to go on with what is written later.
	seen seen
	stay bool
	// pushes is true while what is written here goes to the peer at once.
	pushes bool
	// link is what the link is to say of the moment; nil where the session does not stay.
	link *outbox
	// eager makes receipts durable one by one.
	eager bool
	// trusts is true where the link itself says who is at its other end.
	trusts bool
	// came are the frames that are being heard and will be; nil where they come one by one.
	came *backlog
	// owing is true while receipts are not durable yet.
	owing bool
}

var (
	_ protocol.Local  = (*local)(nil)
	_ protocol.Namer  = (*local)(nil)
	_ protocol.Leaver = (*local)(nil)
)

// Facts implements protocol.Local.
func (l *local) Facts() (protocol.Facts, error) {
	if err := l.r.finishBegun(l.ctx); err != nil {
		return protocol.Facts{}, err
	}
	if err := l.r.write(l.ctx, (*commit).prove); err != nil {
		return protocol.Facts{}, err
	}
	return l.facts()
}

// facts are the facts of a database that does not say whether it is a copy.
func (l *local) facts() (protocol.Facts, error) {
	var f protocol.Facts
	err := l.r.view(l.ctx, func(s *snap) error {
		if s.space == (identity.Space{}) {
			return ErrNoSpace
		}
		author, err := s.author()
		if err != nil {
			return err
		}
		if !author.key.IsZero() {
			f.Author, f.Sign = author.key.Author(), author.key.Sign
		}
		inst, err := readInstance(s.tx)
		if err != nil {
			return err
		}
		f.Instance = l.r.instance
		if inst != nil {
			f.Instance = inst.Nonce
		}
		f.Space, f.Wall, f.Strategies = s.space, l.r.wall.Now(), l.r.strategies
		if f.Held, err = s.told(); err != nil {
			return err
		}
		f.Stay = l.stay
		l.instance = f.Instance
		l.looked(s)
		l.seen.clock = f.Held.Clock // right if the hellos tell equal tips; else the peer's have says it
		return nil
	})
	return f, err
}

// Name implements protocol.Namer.
func (l *local) Name() (who identity.Author, sign func(identity.Domain, []byte) identity.Signature, err error) {
	err = l.r.view(l.ctx, func(s *snap) error {
		m, err := l.r.snapshot(s.tx)
		if err == nil && !m.author.key.IsZero() {
			who, sign = m.author.key.Author(), m.author.key.Sign
		}
		return err
	})
	return who, sign, err
}

// Meet implements protocol.Local. If what never left lies in the future of the peer's clock, since ours is ahead or was, it is
// written again with times that others can live with, before the peer hears of it.
func (l *local) Meet(peer protocol.Peer, skew int64) (*protocol.Held, error) {
	l.peer = peer
	peerWall := l.r.wall.Now() + min(skew, clock.MaxTime.Millis()) // the peer may say anything
	ahead := false
	err := l.r.view(l.ctx, func(s *snap) error {
		ahead = s.tip.own.ahead(peerWall)
		return nil
	})
	if ahead {
		err = l.r.write(l.ctx, func(c *commit) error {
			epoch := c.tip.epoch
			err := c.correctTimes(peerWall)
			if c.tip.epoch != epoch && -skew > maxSkew.Milliseconds() {
				l.corrected = c.stampOf(c.tip.own)
			}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	var held protocol.Held
	err = l.r.view(l.ctx, func(s *snap) error {
		var err error
		if held, err = s.told(); err != nil {
			return err
		}
		if held.Common, err = s.common(peer.Author); err != nil {
			return err
		}
		m, err := l.r.snapshot(s.tx)
		if err != nil || m.author.key.IsZero() || l.begins(m.author.key.Author()) {
			return err
		}
		held.Clock, err = s.withoutUnsent(held.Clock, m.author)
		return err
	})
	if err == nil {
		err = l.r.tellBeside(l.ctx) // what the clock names counts as handed out
	}
	return &held, err
}

// begins reports whether the peer is a copy of this database that still writes as its author, and this database is the one
// of the two that hands out what it wrote since; the other one waits for that.
func (l *local) begins(author identity.Author) bool {
	return l.peer.Author == author && bytes.Compare(l.instance[:], l.peer.Instance[:]) > 0
}

// withoutUnsent is a clock of all that is here less what never left. Whether that leaves, as it is, depends on what the
// peer's clock says (feed.leaving): the peer may know versions that go under the same names.
func (s *snap) withoutUnsent(held clock.Vector, own authorRow) (clock.Vector, error) {
	handed, err := readHanded(s.tx)
	if err != nil || s.tip.own.seq <= handed {
		return held, err
	}
	told := make([]clock.Entry, 0, len(held))
	tip := clock.Stamp{Author: own.key.Author(), Seq: s.tip.own.seq, ID: s.tip.own.id}.Entry()
	for _, e := range held {
		if e != tip {
			told = append(told, e)
		}
	}
	if handed > 0 && len(told) < len(held) {
		e, err := s.entryOf(history.Mark{Line: own.line, Seq: handed})
		if err != nil {
			return nil, err
		}
		told = append(told, e)
	}
	return clock.NewVector(told...), nil
}

// Held implements protocol.Local.
func (l *local) Held() (protocol.Held, error) {
	var h protocol.Held
	err := l.r.view(l.ctx, func(s *snap) (err error) {
		h, err = s.told()
		return err
	})
	return h, err
}

// Holds implements protocol.Local.
func (l *local) Holds(have clock.Vector) (holds bool, err error) {
	err = l.r.view(l.ctx, func(s *snap) error {
		holds, err = s.holdsAll(have)
		return err
	})
	return holds, err
}

// holdsAll reports whether each version that a clock names is here.
func (s *snap) holdsAll(have clock.Vector) (bool, error) {
	older := s.notTips(have)
	if len(older) == 0 {
		return true, nil
	}
	missing := false
	err := s.graph(func(g *history.Graph) error {
		for _, e := range older {
			_, found, err := g.LookupEntry(e, s)
			if missing = !found; missing || err != nil {
				return err
			}
		}
		return nil
	})
	return !missing, err
}

// notTips are the entries of a clock that are no tips here.
func (s *snap) notTips(have clock.Vector) clock.Vector {
	tips := make(map[clock.Entry]bool, len(s.lines))
	for _, line := range s.lines {
		tips[clock.Stamp{Author: line.Author, Seq: line.Seq, ID: line.ID}.Entry()] = true
	}
	var others clock.Vector
	for _, e := range have {
		if !tips[e] {
			others = append(others, e)
		}
	}
	return others
}

// told is what a peer is told of what the snapshot holds. While an erasure is known before its version there is no state to
// be compared.
func (s *snap) told() (protocol.Held, error) {
	h := s.heldNow()
	ahead, err := s.ahead()
	if ahead {
		h.State = protocol.Digest{}
	}
	return h, err
}

// heldNow says what the snapshot holds: the tips of all lines, as far as a clock can tell them.
func (s *snap) heldNow() protocol.Held {
	tips := make([]*store.Author, 0, len(s.lines))
	for _, line := range s.lines {
		if line.Seq > 0 {
			tips = append(tips, line)
		}
	}
	order.Sort(tips, func(a, b *store.Author) int {
		return cmp.Or(bytes.Compare(a.Author[:], b.Author[:]), cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.ID[:], b.ID[:]))
	})
	sum := sha256.New()
	for _, tip := range tips {
		sum.Write(tip.ID[:])
	}
	h := protocol.Held{Clock: clock.NewVector(s.tipsUpTo(s.r.maxTips)...), State: s.tip.digest.bytes()}
	sum.Sum(h.Tips[:0])
	return h
}

// Acknowledge implements protocol.Local. In a session that stays, receipts wait for a moment, so that not every push makes
// a commit here as well.
func (l *local) Acknowledge(peer protocol.Peer, ack protocol.Ack) error {
	l.peer, l.owing = peer, true
	if ack.Equal {
		l.seen.clock = ack.Clock // to the entry, so that both remember the same
	} else {
		l.seen.learn(ack.Clock)
	}
	if ack.Final {
		l.seen.granted = l.seen.granted && !ack.Whole && !ack.Equal
	}
	if ack.Live && !l.eager {
		return nil
	}
	return l.saveReceipts(l.ctx)
}

// saveReceipts makes durable what the peer is known to hold.
func (l *local) saveReceipts(ctx context.Context) error {
	owing := l.owing
	l.owing = false
	if !owing || l.peer.Author == (identity.Author{}) {
		return nil // a replica that has never written has no name to keep its receipt under
	}
	err := l.r.write(ctx, func(c *commit) error {
		s := c.snap()
		held, err := s.clockOf(l.seen.clock)
		if err != nil {
			return err
		}
		if !l.peer.Proven && !l.trusts {
			return l.fromCopy(c, held)
		}
		p, err := readPeer(c.tx, l.peer.Author)
		if err != nil {
			return err
		}
		if p.Behind, err = s.dotsBeyond(held); err != nil {
			return err
		}
		p.Met = uint64(max(c.r.wall.Now(), 0))
		p.Clock = l.seen.clock.Append(nil)
		if err := c.fail(c.tx.Put(store.Peers, l.peer.Author[:], p.Append(nil))); err != nil {
			return err
		}
		return l.fromCopy(c, held)
	})
	if err != nil {
		return err
	}
	return l.r.tellBeside(ctx)
}

// fromCopy notes what of this database's versions the peer holds: it may have got them from a copy.
func (l *local) fromCopy(c *commit, held history.Clock) error {
	if c.author.key.IsZero() {
		return nil
	}
	return c.handOut(c.author.key.Author(), seqIn(held, c.author.line))
}

// dotsBeyond counts the dots that a clock does not cover.
func (s *snap) dotsBeyond(known history.Clock) (n uint64, err error) {
	err = s.graph(func(g *history.Graph) error {
		for _, r := range g.Missing(known) {
			n += uint64(r.To-r.From) + 1
		}
		return nil
	})
	return n, err
}

// common is what this database and a peer held when they last held the same, or what else the peer was then known to hold.
func (s *snap) common(peer identity.Author) (clock.Vector, error) {
	p, err := readPeer(s.tx, peer)
	if err != nil {
		return nil, err
	}
	return heldBy(&p)
}

// heldBy is what a peer has said that it holds.
func heldBy(p *store.Peer) (clock.Vector, error) {
	if len(p.Clock) == 0 {
		return nil, nil
	}
	r := canon.NewReader(p.Clock)
	held, err := clock.ReadVector(&r)
	if err != nil {
		return nil, fmt.Errorf("%w: the receipt of a peer: %w", store.ErrCorrupt, err)
	}
	return held, nil
}

func readPeer(tx store.Tx, a identity.Author) (store.Peer, error) {
	b, err := tx.Get(store.Peers, a[:])
	if errors.Is(err, store.ErrNotFound) {
		return store.Peer{}, nil
	}
	if err != nil {
		return store.Peer{}, err
	}
	p, err := store.DecodePeer(b)
	p.Clock = bytes.Clone(p.Clock)
	return p, err
}

// Apply implements protocol.Local. The packs behind it are applied with this one as far as they fit: what is written on the same
// keys goes into one commit.
func (l *local) Apply(b []byte) (protocol.Applied, error) {
	heard := l.heard()
	if heard.unpacked == nil {
		u, err := l.r.unpack(l.ctx, b)
		if err != nil {
			return protocol.Applied{}, err
		}
		heard.unpacked = u
	}
	u := heard.unpacked
	var err error
	if !u.through() {
		err = l.r.applyPacks(l.ctx, u, l.behind, l.brought)
	}
	applied, through := u.sofar.applied, u.through()
	u.release()
	if through {
		err = nil // what it is of packs behind it these will say
	}
	return applied, err
}

// heard is the pack that is being heard.
func (l *local) heard() *incoming {
	if l.came == nil {
		return new(incoming)
	}
	p := l.came.pack(0)
	<-p.done
	return p
}

// behind is the i-th pack behind the one that is being heard, nil if it did not come, or is not unpacked before the wait is over.
func (l *local) behind(i int, w wait) *unpacked {
	if l.came == nil {
		return nil
	}
	p := l.came.pack(i + 1)
	if p == nil {
		return nil
	}
	return p.wait(w)
}

// unpackAhead unpacks a pack while another one is applied. Trouble will be met again by Apply, which may say so.
func (l *local) unpackAhead(b []byte) *unpacked {
	u, err := l.r.unpack(l.ctx, b)
	if err != nil {
		return nil
	}
	return u
}
