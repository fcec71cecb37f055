package replicatest

import (
	"errors"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
)

// guest is the scripted peer on a link that stays: what it says there no session of a replica would say.
type guest struct {
	*evil
	news []protocol.Pack
	held clock.Vector // what it says that it holds
}

// Facts implements protocol.Local.
func (g *guest) Facts() (protocol.Facts, error) {
	f, err := g.evil.Facts()
	f.Stay, f.Held.Clock = true, g.held
	return f, err
}

// Held implements protocol.Local.
func (g *guest) Held() (protocol.Held, error) { return protocol.Held{Clock: g.held}, nil }

// Missing implements protocol.Local: what it hands out, it hands out later.
func (*guest) Missing(clock.Vector) (protocol.Feed, error) { return &evilFeed{}, nil }

// News implements protocol.Local.
func (g *guest) News() (protocol.Feed, error) {
	f := &evilFeed{packs: g.news}
	g.news = nil
	return f, nil
}

// visit is a link that stays between a replica and the scripted peer.
type visit struct {
	w    *World
	d    *device
	g    *guest
	host *protocol.Session // the replica's side
	peer *protocol.Session
}

// visit lets the scripted peer misbehave in one way on a live link, and checks that it has harmed nobody.
func (w *World) visit(d *device) {
	v := &visit{w: w, d: d, g: &guest{evil: w.evil}}
	if w.evil.tip.Seq == 0 {
		w.evil.good(w.evil.put("a/1"))
	}
	misdeed := pick(w, misdeeds)
	before, ok := v.receipts()
	if !ok {
		return
	}
	if misdeed.name == "false receipts" {
		v.g.held = v.lies()
	}
	v.host, v.peer = d.r.LiveSession(w.ctx), protocol.New(v.g)
	if !v.talk() || !v.host.Report().Live || v.host.Done() { // a fault of its store may have ended it
		v.end()
		return
	}
	w.count("hostile: " + misdeed.name)
	w.tracef("the scripted peer visits %s: %s", d.name, misdeed.name)
	misdeed.do(v)
	if v.end() {
		v.check(before)
	}
}

// misdeeds are what the scripted peer does on live links.
var misdeeds = []struct {
	name string
	do   func(*visit)
}{
	{"orphan flood", (*visit).orphans},
	{"forged seal", (*visit).forgedSeal},
	{"forged certificate", (*visit).forgedCertificate},
	{"forks", (*visit).forks},
	{"false receipts", func(v *visit) { v.talk() }},
	{"credit ignored", (*visit).beyondCredit},
	{"presence flood", (*visit).presences},
	{"garbled frame", (*visit).garbled},
	{"bomb", (*visit).bomb},
}

// talk carries frames until nobody has anything more to say, and reports whether the replica is still there.
func (v *visit) talk() bool {
	v.peer.Changed()
	for moved := true; moved; {
		moved = false
		for i, from := range []*protocol.Session{v.host, v.peer} {
			for {
				frame, err := from.Next()
				if v.died() {
					return false
				}
				if frame == nil && err == nil {
					break
				}
				moved = true
				if frame == nil {
					continue
				}
				_ = []*protocol.Session{v.peer, v.host}[i].Receive(slices.Clone(frame)) // Close says it again
				if v.died() {
					return false
				}
			}
		}
	}
	return true
}

// died reports whether a fault of the store has killed the replica.
func (v *visit) died() bool {
	if v.d.r != nil && v.d.dead() {
		v.d.crash()
	}
	return v.d.r == nil
}

// hand hands out a pack and lets both talk.
func (v *visit) hand(p protocol.Pack) {
	v.g.news = append(v.g.news, p)
	v.talk()
}

// packed packs versions for this visit alone.
func (v *visit) packed(o pack.Options, versions ...history.Version) protocol.Pack {
	b, err := pack.Encode(nil, versions, o)
	if err != nil {
		v.w.failf("evil", "%v", err)
	}
	for _, x := range versions {
		v.g.fates[x.ID] = versionBad
	}
	return protocol.Pack{Bytes: b, Versions: len(versions)}
}

func (v *visit) certificate(key identity.AuthorKey) identity.Certificate {
	cert, err := v.g.member.Certify(key.Author())
	if err != nil {
		v.w.failf("evil", "%v", err)
	}
	return cert
}

// orphans hands out more versions whose parents never come than may wait.
func (v *visit) orphans() {
	e := v.g.evil
	var made []history.Version
	for range maxWaiting + 20 {
		lost := e.version(e.key, &e.tip, e.tip.Time+1, nil, e.put("a/2"))
		made = append(made, e.version(e.key, &lost, lost.Time+1, nil, e.put("a/2")))
	}
	v.hand(v.packed(pack.Options{Certificates: []identity.Certificate{v.certificate(e.key)}}, made...))
}

// maxWaiting is how many rows of what waits a replica keeps.
const maxWaiting = 256

func (v *visit) forgedSeal() {
	e := v.g.evil
	x := e.version(e.key, &e.tip, e.tip.Time+1, nil, e.put("a/2"))
	seal := e.key.Seal(e.member.Space(), x.Seq, x.ID)
	seal.Sig[v.w.rng.IntN(len(seal.Sig))] ^= 1
	v.hand(v.packed(pack.Options{Seals: []identity.Seal{seal}}, x))
}

func (v *visit) forgedCertificate() {
	e := v.g.evil
	key := identity.AuthorKeyFromSeed([32]byte{byte(e.n), 'f'})
	x := e.version(key, nil, clock.Next(epoch+v.w.now, 0), nil, e.put("a/2"))
	cert := v.certificate(key)
	cert.Sig[v.w.rng.IntN(len(cert.Sig))] ^= 1
	v.hand(v.packed(pack.Options{
		Seals: []identity.Seal{key.Seal(e.member.Space(), x.Seq, x.ID)}, Certificates: []identity.Certificate{cert},
	}, x))
}

// forks says many things under one dot: enough of them that versions are looked for by their ids.
func (v *visit) forks() {
	v.g.equivocate(3 + v.w.rng.IntN(10))
	v.hand(v.g.packs[len(v.g.packs)-1])
}

// lies are a clock of all that the replica holds, and of what nobody has.
func (v *visit) lies() clock.Vector {
	var entries []clock.Entry
	for _, n := range v.d.seen.Members() {
		entries = append(entries, v.w.model.Stamp(n).Entry())
	}
	return clock.NewVector(append(entries, clock.Entry{Author: v.g.late.Author(), Seq: 1 << 40})...)
}

// beyondCredit sends packs, and hears no ack: the session must end before more are under way than may be (I20).
func (v *visit) beyondCredit() {
	v.g.news = []protocol.Pack{v.g.packs[0]}
	v.peer.Changed()
	frame, err := v.peer.Next()
	if frame == nil || err != nil {
		v.w.failf("evil", "no pack to repeat: %v", err)
	}
	for range protocol.MaxUnacked {
		if err := v.host.Receive(slices.Clone(frame)); err != nil {
			if !v.died() && !v.d.tolerates(err) {
				v.w.failf("I16", "%s within the credit: %v", v.d.name, err)
			}
			return
		}
	}
	if err := v.host.Receive(slices.Clone(frame)); !errors.Is(err, protocol.ErrUnexpected) {
		v.w.failf("I20", "%s takes a pack beyond the credit: %v", v.d.name, err)
	}
}

// presences says more of the moment than is heard (I20).
func (v *visit) presences() {
	const flood = protocol.MaxPresences + 50
	v.host.Tick(v.w.now)
	for i := range flood {
		v.peer.Present(protocol.Presence{Origin: protocol.Instance{byte(i), byte(i >> 8), 'h'}, Seq: uint64(i + 1), Body: []byte("here")})
		if !v.talk() {
			return
		}
	}
	if got := v.host.Report().PresencesDropped; got != flood-protocol.MaxPresences {
		v.w.failf("I20", "%s drops %d presences of %d", v.d.name, got, flood)
	}
}

// garbled sends a frame that was cut or changed on its way.
func (v *visit) garbled() {
	v.g.news = []protocol.Pack{pick(v.w, v.g.all)}
	v.peer.Changed()
	frame, err := v.peer.Next()
	if frame == nil || err != nil {
		v.w.failf("evil", "no pack to garble: %v", err)
	}
	frame = slices.Clone(frame)
	if v.w.chance(50) {
		frame = frame[:v.w.rng.IntN(len(frame))]
	} else {
		bit := v.w.rng.IntN(len(frame) * 8)
		frame[bit/8] ^= 1 << (bit % 8)
	}
	_ = v.host.Receive(frame) // whatever it is taken for
}

// bomb sends a few bytes that claim to be very many.
func (v *visit) bomb() {
	frames := [][]byte{
		{0xdd, 0xff, 0xff, 0xff, 0xff},                   // an array of 2^32−1
		{0x92, 0x03, 0xc6, 0xff, 0xff, 0xff, 0xff},       // a pack of 4 GiB
		{0x94, 0x02, 0xdd, 0xff, 0xff, 0xff, 0xff, 0xc3}, // a clock of 2^32−1 tips
	}
	if err := v.host.Receive(pick(v.w, frames)); err == nil {
		v.w.failf("I16", "%s takes a bomb", v.d.name)
	}
}

// end cuts the link, and reports whether the replica lives and what came could be looked at.
func (v *visit) end() bool {
	err := v.host.Close()
	v.peer.Close() //nolint:errcheck // nobody asks how it is
	if v.died() {
		return false
	}
	broken := errors.Is(err, protocol.ErrCut) || errors.Is(err, protocol.ErrUnexpected) || errors.Is(err, protocol.ErrMalformed) ||
		errors.Is(err, protocol.ErrPeer)
	if err != nil && !broken && !v.d.tolerates(err) {
		v.w.failf("I16", "%s with the scripted peer on a live link: %v", v.d.name, err)
	}
	return v.d.r != nil && v.d.ingest()
}

// receipts are what each peer is believed to lack; false: they cannot be read now.
func (v *visit) receipts() (map[identity.Author]uint64, bool) {
	peers, err := v.d.r.Peers(v.w.ctx)
	if err != nil {
		if !v.d.tolerates(err) {
			v.w.failf("I19", "%s: %v", v.d.name, err)
		}
		return nil, false
	}
	behind := make(map[identity.Author]uint64)
	for _, p := range peers {
		behind[p.Author] = p.Behind
	}
	return behind, true
}

// check: nobody is believed to hold more than before by the word of somebody else (I19), what waits is bounded (I20), and who
// wants to write can (I21).
func (v *visit) check(before map[identity.Author]uint64) {
	w, d := v.w, v.d
	after, ok := v.receipts()
	if !ok {
		return
	}
	for author, behind := range before {
		if author != w.evil.key.Author() && after[author] < behind {
			w.failf("I19", "%s believes that %s lacks %d dots, and %d before the scripted peer spoke", d.name, author, after[author], behind)
		}
	}
	items, err := d.r.Pending(w.ctx)
	if err != nil && !d.tolerates(err) || len(items) > maxWaiting {
		w.failf("I20", "%s lets %d rows wait: %v", d.name, len(items), err)
	}
	if d.r == nil || d.unsure || d.readOnly {
		return
	}
	w.attempt(d, &attempt{
		what: "set beside a hostile peer", may: func(error) bool { return false },
		run: func() (replica.Version, error) { return d.r.Set(w.ctx, "z/"+d.name, "all the same") },
	})
	w.count("check: harmed by nobody")
}
