package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// local is the replica as a session sees it.
type local struct {
	ctx context.Context
	r   *Replica
}

var _ protocol.Local = local{}

// Facts implements protocol.Local.
func (l local) Facts() (protocol.Facts, error) {
	var f protocol.Facts
	if err := l.r.write(l.ctx, (*commit).prove); err != nil {
		return f, err
	}
	err := l.r.view(l.ctx, func(s *snap) error {
		if s.space == (identity.Space{}) {
			return ErrNoSpace
		}
		b, err := metaRow(s.tx, metaAuthor)
		if err != nil {
			return err
		}
		if b != nil {
			row, err := decodeAuthorRow(b)
			if err != nil {
				return err
			}
			f.Author = row.key.Author()
		}
		inst, err := readInstance(s.tx)
		if err != nil {
			return err
		}
		f.Instance = l.r.instance
		if inst != nil {
			f.Instance = inst.Nonce
		}
		f.Space, f.Wall, f.Strategies = s.space, l.r.wall.Now(), l.r.registry.Names()
		f.Held = s.heldNow()
		return nil
	})
	return f, err
}

// Held implements protocol.Local.
func (l local) Held() (protocol.Held, error) {
	var h protocol.Held
	err := l.r.view(l.ctx, func(s *snap) error { h = s.heldNow(); return nil })
	return h, err
}

// heldNow says what the snapshot holds: the tips of all lines.
func (s *snap) heldNow() protocol.Held {
	tips := make([]clock.Stamp, 0, len(s.lines))
	for _, line := range s.lines {
		if line.Seq > 0 {
			tips = append(tips, clock.Stamp{Author: line.Author, Seq: line.Seq, ID: line.ID})
		}
	}
	entries := make([]clock.Entry, len(tips))
	for i := range tips {
		entries[i] = tips[i].Entry()
	}
	order.Sort(tips, func(a, b clock.Stamp) int { return a.Entry().Compare(b.Entry()) })
	sum := sha256.New()
	for i := range tips {
		sum.Write(tips[i].ID[:])
	}
	h := protocol.Held{Clock: clock.NewVector(entries...), State: s.tip.digest.bytes()}
	sum.Sum(h.Tips[:0])
	return h
}

// Missing implements protocol.Local.
func (l local) Missing(have clock.Vector) (protocol.Feed, error) {
	f := &feed{l: l}
	var author identity.Author
	own := uint64(0)
	err := l.r.view(l.ctx, func(s *snap) error {
		known, err := s.clockOf(have)
		if err != nil {
			return err
		}
		err = s.graph(func(g *history.Graph) error { f.ranges = below(g.Missing(known), s.tip.next); return nil })
		if err != nil {
			return err
		}
		if keys, err := s.ownKeys(); err != nil {
			return err
		} else if n := len(keys); n > 0 {
			f.keys, author = keys, keys[n-1].Author()
			own = s.ownTipWithin(author, f.ranges)
		}
		for _, e := range have {
			if f.known == nil {
				f.known = make(map[identity.Author]bool)
			}
			f.known[e.Author] = true
		}
		return nil
	})
	if err != nil || own == 0 {
		return f, err
	}
	return f, l.r.write(l.ctx, func(c *commit) error { return c.handOut(author, own) })
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

// clockOf is the part of a peer's clock that can be told here: the versions that are known, with all that they cover.
// A peer that is ahead of an author's only line holds that line.
func (s *snap) clockOf(have clock.Vector) (history.Clock, error) {
	var known history.Clock
	err := s.graph(func(g *history.Graph) error {
		var lvs []history.LV
		for _, e := range have {
			lines := s.byAuthor[e.Author]
			if len(lines) == 1 && s.lines[lines[0]].Seq < e.Seq && s.lines[lines[0]].Seq > 0 {
				lvs = append(lvs, history.LV(s.lines[lines[0]].LV))
				continue
			}
			for _, line := range lines {
				if e.Seq > s.lines[line].Seq || e.Seq <= s.lines[line].ForkSeq {
					continue
				}
				lv, ok := g.Find(line, e.Seq)
				if !ok {
					continue
				}
				id, last, err := s.ID(lv)
				if err != nil {
					return err
				}
				if last == lv && id.Prefix() == e.ID {
					lvs = append(lvs, lv)
				}
			}
		}
		known = g.ClockOf(lvs...)
		return nil
	})
	return known, err
}

// Acknowledge implements protocol.Local.
func (l local) Acknowledge(peer protocol.Peer, ack protocol.Ack) error {
	if peer.Author == (identity.Author{}) {
		return nil // a replica that has never written has no name to keep its receipt under
	}
	return l.r.write(l.ctx, func(c *commit) error {
		s := c.snap()
		known, err := s.clockOf(ack.Clock)
		if err != nil {
			return err
		}
		p, err := readPeer(c.tx, peer.Author)
		if err != nil {
			return err
		}
		p.Behind = 0
		err = s.graph(func(g *history.Graph) error {
			for _, r := range g.Missing(known) {
				p.Behind += uint64(r.To-r.From) + 1
			}
			return nil
		})
		if err != nil {
			return err
		}
		p.Met = uint64(max(c.r.wall.Now(), 0))
		p.Clock = ack.Clock.Append(nil)
		return c.fail(c.tx.Put(store.Peers, peer.Author[:], p.Append(nil)))
	})
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

// Apply implements protocol.Local.
func (l local) Apply(b []byte) (protocol.Applied, error) {
	var applied protocol.Applied
	err := l.r.write(l.ctx, func(c *commit) error {
		var err error
		applied, err = c.applyPack(b)
		c.applied = append(c.applied, &applied)
		return err
	})
	return applied, err
}

// feed gives a peer what it lacks, row by row: a row of Runs ends where every author in it is sealed.
type feed struct {
	l      local
	ranges []history.Range
	keys   []identity.AuthorKey
	known  map[identity.Author]bool
	next   history.LV
	packer pack.Encoder
	packed []byte
}

// Close implements protocol.Feed.
func (f *feed) Close() error { return nil }

// A pack carries about packedBytes bytes of versions, which are less when they are packed: a commit that takes some ten
// milliseconds where it arrives. It never carries more than maxPackedBytes of them or more than maxPackedAuthors
// authors, so that it fits into a frame with its seals and certificates whatever it holds.
const (
	packedBytes      = 512 << 10
	maxPackedBytes   = protocol.MaxPack - 512<<10
	maxPackedAuthors = 2048
)

// Next implements protocol.Feed.
func (f *feed) Next() (protocol.Pack, error) {
	if len(f.ranges) == 0 {
		return protocol.Pack{}, io.EOF
	}
	var out protocol.Pack
	err := f.l.r.view(f.l.ctx, func(s *snap) error {
		versions, err := f.gather(s)
		if err != nil {
			return err
		}
		if len(versions) == 0 {
			return io.EOF
		}
		proofs, err := f.vouch(s, versions)
		if err != nil {
			return err
		}
		f.packed, err = f.packer.Append(f.packed[:0], versions, proofs)
		out = protocol.Pack{Bytes: f.packed, Versions: len(versions)}
		return err
	})
	return out, err
}

// gather takes the missing versions of the next rows.
func (f *feed) gather(s *snap) ([]history.Version, error) {
	var versions []history.Version
	size := 0
	authors := make(map[identity.Author]bool)
	for len(f.ranges) > 0 {
		from := max(f.ranges[0].From, f.next)
		row, err := s.runAt(from)
		if err != nil {
			return nil, err
		}
		last := row[len(row)-1].lv
		taken, bytes := missingOf(row, f.ranges)
		if size > 0 && (size+bytes > maxPackedBytes || size >= packedBytes || len(authors) > maxPackedAuthors/2) {
			return versions, nil
		}
		for i := range taken {
			authors[taken[i].Author] = true
		}
		versions = append(versions, taken...)
		size += bytes
		f.next = last + 1
		for len(f.ranges) > 0 && f.ranges[0].To <= last {
			f.ranges = f.ranges[1:]
		}
	}
	return versions, nil
}

// missingOf are the versions of a row that lie in ascending ranges, and about how many bytes they take.
func missingOf(row []stored, ranges []history.Range) ([]history.Version, int) {
	var versions []history.Version
	size := 0
	for i := range row {
		for len(ranges) > 0 && ranges[0].To < row[i].lv {
			ranges = ranges[1:]
		}
		if len(ranges) == 0 {
			break
		}
		if ranges[0].From <= row[i].lv {
			versions = append(versions, row[i].Version)
			size += len(row[i].Payload) + 96
			for _, c := range row[i].Contents {
				size += len(c.Body) + 24
			}
		}
	}
	return versions, size
}

// vouch finds the seals over the last version of each line among versions, and the certificates of authors that the peer may
// not know.
func (f *feed) vouch(s *snap, versions []history.Version) (proofs pack.Options, err error) {
	proofs.Plain = len(versions) < fewVersions
	succeeded := make(map[history.ID]bool, len(versions))
	certified := make(map[identity.Author]bool)
	for i := len(versions) - 1; i >= 0; i-- {
		v := &versions[i]
		last := !succeeded[v.ID]
		succeeded[v.Prev] = true
		if !last {
			continue
		}
		seal, ok, err := f.seal(s, v)
		if err != nil {
			return proofs, err
		}
		if ok {
			proofs.Seals = append(proofs.Seals, seal)
		}
		if f.known[v.Author] || certified[v.Author] {
			continue
		}
		certified[v.Author] = true
		cert, err := identity.DecodeCertificate(s.lines[s.byAuthor[v.Author][0]].Certificate)
		if err != nil {
			return proofs, err
		}
		proofs.Certificates = append(proofs.Certificates, cert)
	}
	return proofs, nil
}

// fewVersions are so few that to compress them takes longer than to send them.
const fewVersions = 4

// seal signs a version of this database's own authors, or finds the seal that came with it.
func (f *feed) seal(s *snap, v *history.Version) (identity.Seal, bool, error) {
	for _, key := range f.keys {
		if key.Author() == v.Author {
			return key.Seal(s.space, v.Seq, v.ID), true, nil
		}
	}
	for _, line := range s.byAuthor[v.Author] {
		key := sealKey(line, v.Seq)
		b, err := s.tx.Get(store.Seals, key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return identity.Seal{}, false, err
		}
		if seal, ok := sealIn(v.Author, store.Row{Key: key, Value: b}); ok && seal.ID == v.ID {
			return seal, true, nil
		}
	}
	return identity.Seal{}, false, nil
}
