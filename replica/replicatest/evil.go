package replicatest

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/protocol"
)

// verdict is what must become of a version that the scripted peer made.
type verdict int

const (
	versionUnknown verdict = iota // not of the scripted peer
	versionGood
	versionBad     // invalid, or a descendant of what is
	versionWaiting // waits for something until it is told otherwise
)

// evil is a member that follows no rules: it makes versions by hand and hands out what it likes.
type evil struct {
	w      *World
	member identity.Member
	key    identity.AuthorKey
	late   identity.AuthorKey // an author whose certificate comes late
	tip    history.Version    // of its good chain
	lateV  *history.Version
	orphan *history.Version // sent before its parent
	waits  []pairOf
	// unsealed are versions of which the only seal is over one that nobody takes.
	unsealed []history.Version
	named    map[string]int // how many versions it made by each name
	parent   *history.Version
	heads    map[history.ID]history.Version
	packs    []protocol.Pack // what it hands out to everybody, the newest last
	once     []protocol.Pack // what it hands out in the next session only
	all      []protocol.Pack // everything that it ever packed
	packed   map[history.ID]history.Version
	fates    map[history.ID]verdict
	n        int
}

// pairOf are a version that was handed out first, and the parent that came later.
type pairOf struct{ child, parent clock.Stamp }

var _ protocol.Local = (*evil)(nil)

func newEvil(w *World) *evil {
	inv, err := identity.ParseInvite(w.invite)
	if err != nil {
		w.failf("setup", "%v", err)
	}
	seed := func() (b [32]byte) {
		for i := range b {
			b[i] = byte(w.rng.Uint32())
		}
		return b
	}
	return &evil{
		w: w, member: identity.FromInvite(inv), key: identity.AuthorKeyFromSeed(seed()), late: identity.AuthorKeyFromSeed(seed()),
		heads: make(map[history.ID]history.Version), fates: make(map[history.ID]verdict), named: make(map[string]int),
		packed: make(map[history.ID]history.Version),
	}
}

// fate says what the scripted peer knows of a version; a world without one made none.
func (e *evil) fate(id clock.ID) verdict {
	if e == nil {
		return versionUnknown
	}
	return e.fates[id]
}

// Facts implements protocol.Local.
func (e *evil) Facts() (protocol.Facts, error) {
	return protocol.Facts{Space: e.member.Space(), Author: e.key.Author(), Wall: epoch, Strategies: []string{"lww/1"}}, nil
}

// Meet implements protocol.Local.
func (e *evil) Meet(protocol.Peer, int64) (*protocol.Held, error) { return nil, nil }

// Held implements protocol.Local.
func (e *evil) Held() (protocol.Held, error) { return protocol.Held{}, nil }

// Holds implements protocol.Local.
func (e *evil) Holds(clock.Vector) (bool, error) { return true, nil }

// Acknowledge implements protocol.Local.
func (e *evil) Acknowledge(protocol.Peer, protocol.Ack) error { return nil }

// Apply implements protocol.Local: it learns the heads.
func (e *evil) Apply(b []byte) (protocol.Applied, error) {
	var d pack.Decoder
	if err := d.Reset(e.member.Space(), b); err != nil {
		return protocol.Applied{}, err
	}
	for {
		read, err := d.Next()
		if errors.Is(err, io.EOF) {
			return protocol.Applied{Versions: d.Len()}, nil
		}
		if err != nil {
			return protocol.Applied{}, err
		}
		v := read.Clone()
		delete(e.heads, v.Prev)
		for _, d := range v.Deps {
			delete(e.heads, d.ID)
		}
		if v.Author != e.key.Author() && v.Author != e.late.Author() {
			e.heads[v.ID] = v
		}
	}
}

// Missing implements protocol.Local: whatever the peer has, it gets the newest.
func (e *evil) Missing(clock.Vector) (protocol.Feed, error) {
	f := &evilFeed{packs: append(slices.Clone(e.once), e.packs[max(0, len(e.packs)-5):]...)}
	e.once = nil
	return f, nil
}

// handOutAll makes the next session the one in which it hands out everything that it ever made, good and bad.
func (e *evil) handOutAll() { e.once, e.packs = slices.Clone(e.all), nil }

// arriving are the versions that must be everywhere once all were handed out: the good ones of which all that they are
// written upon is either such a version or on the replicas already.
func (e *evil) arriving(here func(history.ID) bool) []history.Version {
	arrives := make(map[history.ID]bool)
	lacks := func(ref history.Ref) bool { return ref.Seq > 0 && !arrives[ref.ID] && !here(ref.ID) }
	var out []history.Version
	for grown := true; grown; {
		grown = false
		for id, v := range e.packed {
			if e.fates[id] != versionGood || arrives[id] || lacks(v.PrevRef()) || slices.ContainsFunc(v.Deps, lacks) {
				continue
			}
			arrives[id], grown = true, true
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b history.Version) int { return a.Stamp().Compare(b.Stamp()) })
	return out
}

type evilFeed struct{ packs []protocol.Pack }

func (f *evilFeed) Close() error { return nil }

func (f *evilFeed) Next() (protocol.Pack, error) {
	if len(f.packs) == 0 {
		return protocol.Pack{}, io.EOF
	}
	p := f.packs[0]
	f.packs = f.packs[1:]
	return p, nil
}

// version makes a version on top of a previous one.
func (e *evil) version(key identity.AuthorKey, prev *history.Version, at clock.Time, deps []history.Ref, ops ...history.Op) history.Version {
	d := history.Draft{Space: e.member.Space(), Author: key.Author(), Time: at, Deps: deps, Ops: ops}
	if prev != nil && prev.Seq > 0 {
		d.Prev = prev.Ref()
	}
	v, err := history.New(d)
	if err != nil {
		e.w.failf("evil", "%v", err)
	}
	e.n++
	e.named[v.Stamp().Name()]++
	return v
}

func (e *evil) put(key string) history.Op {
	v, _ := canon.Int(int64(1000 + e.n))
	op, err := crdt.Put(key, v)
	if err != nil {
		e.w.failf("evil", "%v", err)
	}
	return history.Op{Op: op}
}

// splice types somewhere, and mostly not within the text that it knows: then it has no effect.
func (e *evil) splice() history.Op {
	op, err := crdt.TextSplice("t/1", e.w.rng.IntN(6), e.w.rng.IntN(2), pick(e.w, typed[1:]))
	if err != nil {
		e.w.failf("evil", "%v", err)
	}
	return history.Op{Op: op}
}

// pack packs versions with the seals over some of them.
func (e *evil) pack(certified bool, sealed []history.Version, versions ...history.Version) protocol.Pack {
	var o pack.Options
	for _, v := range sealed {
		key := e.key
		if v.Author == e.late.Author() {
			key = e.late
		}
		o.Seals = append(o.Seals, key.Seal(e.member.Space(), v.Seq, v.ID))
	}
	met := make(map[identity.Author]bool)
	for _, v := range versions {
		if certified && !met[v.Author] {
			met[v.Author] = true
			cert, err := e.member.Certify(v.Author)
			if err != nil {
				e.w.failf("evil", "%v", err)
			}
			o.Certificates = append(o.Certificates, cert)
		}
	}
	b, err := pack.Encode(nil, versions, o)
	if err != nil {
		e.w.failf("evil", "%v", err)
	}
	p := protocol.Pack{Bytes: b, Versions: len(versions)}
	e.all = append(e.all, p)
	for _, v := range versions {
		e.packed[v.ID] = v
	}
	return p
}

// newest are the refs of known heads, and the greatest time among them and the good chain.
func (e *evil) newest() (deps []history.Ref, after clock.Time) {
	after = e.tip.Time
	ids := make([]history.ID, 0, len(e.heads))
	for id := range e.heads {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, history.ID.Compare)
	for _, id := range ids {
		if v := e.heads[id]; len(deps) < 3 {
			deps, after = append(deps, v.Ref()), max(after, v.Time)
		}
	}
	return deps, after
}

// good extends the good chain, and hands the version out for ever.
func (e *evil) good(ops ...history.Op) history.Version {
	deps, after := e.newest()
	v := e.version(e.key, &e.tip, clock.Next(epoch+e.w.now, after), deps, ops...)
	clear(e.heads) // they are covered now
	e.tip = v
	e.fates[v.ID] = versionGood
	e.packs = append(e.packs, e.pack(true, []history.Version{v}, v))
	return v
}

// unheard is the id of nothing.
func (e *evil) unheard() history.ID { return sha256.Sum256([]byte{byte(e.n), 'x'}) }

// evilStep lets the scripted peer make something and hand it to a replica.
func (w *World) evilStep(d *device) {
	if w.evil == nil || d.readOnly && w.chance(70) {
		return
	}
	if w.chance(50) {
		w.visit(d)
		return
	}
	w.evil.scheme()
	w.meetEvil(d)
}

// News implements protocol.Local: the scripted peer does not stay.
func (*evil) News() (protocol.Feed, error) { return nil, nil }

// meetEvil lets a replica sync with the scripted peer.
func (w *World) meetEvil(d *device) {
	s := d.r.Session(w.ctx)
	_, err := w.talk(protocol.New(w.evil), s)
	rep := s.Report()
	w.tracef("%s meets the scripted peer: %d came, %d refused, %d wait: %v", d.name, rep.Received.Versions, rep.RefusedCount, rep.Pending, err)
	if rep.RefusedCount > 0 {
		w.count("version refused")
	}
	if err != nil && !d.tolerates(err) {
		w.failf("I16", "%s with the scripted peer: %v", d.name, err)
	}
	if d.dead() && d.r != nil {
		d.crash()
	}
	if d.r != nil && err == nil {
		d.ingest()
	}
}
