package replica_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/transport/pipe"
)

// hostile is a member of a space that follows no rules: it hands out the packs that it likes, in a session that stays.
type hostile struct {
	t      *testing.T
	member identity.Member
	key    identity.AuthorKey
	packs  []protocol.Pack
	held   clock.Vector // what it says that it holds, nil for the truth
	heard  int          // versions that came from the other side
	prefix string       // of the keys that it writes
	made   int
	wall   int64 // what its clock says, 0 for the time of the others
}

// newHostile joins the space of a replica.
func newHostile(t *testing.T, r *replica.Replica) *hostile {
	t.Helper()
	text, err := r.Invite(t.Context(), replica.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	invite, err := identity.ParseInvite(text)
	if err != nil {
		t.Fatal(err)
	}
	return &hostile{t: t, member: identity.FromInvite(invite), key: identity.AuthorKeyFromSeed([32]byte{'h'})}
}

// Facts implements protocol.Local.
func (h *hostile) Facts() (protocol.Facts, error) {
	return protocol.Facts{
		Space: h.member.Space(), Author: h.key.Author(), Wall: cmp.Or(h.wall, pairStart.UnixMilli()), Stay: true, Held: protocol.Held{Clock: h.held},
	}, nil
}

// Meet implements protocol.Local.
func (h *hostile) Meet(protocol.Peer, int64) (*protocol.Held, error) { return nil, nil }

// Held implements protocol.Local.
func (h *hostile) Held() (protocol.Held, error) { return protocol.Held{Clock: h.held}, nil }

// Holds implements protocol.Local.
func (h *hostile) Holds(clock.Vector) (bool, error) { return true, nil }

// Acknowledge implements protocol.Local.
func (h *hostile) Acknowledge(protocol.Peer, protocol.Ack) error { return nil }

// Apply implements protocol.Local. Its acks tell what it holds, as those of a replica do where something waits.
func (h *hostile) Apply(b []byte) (protocol.Applied, error) {
	header, _, err := pack.ReadHeader(b)
	h.heard += header.Count
	return protocol.Applied{Versions: header.Count, Pending: len(h.held)}, err
}

// Missing implements protocol.Local: what it hands out, it hands out later.
func (h *hostile) Missing(clock.Vector) (protocol.Feed, error) { return &hostileFeed{}, nil }

// News implements protocol.Local.
func (h *hostile) News() (protocol.Feed, error) {
	f := &hostileFeed{packs: h.packs}
	h.packs = nil
	return f, nil
}

type hostileFeed struct{ packs []protocol.Pack }

func (f *hostileFeed) Close() error { return nil }

func (f *hostileFeed) Next() (protocol.Pack, error) {
	if len(f.packs) == 0 {
		return protocol.Pack{}, io.EOF
	}
	next := f.packs[0]
	f.packs = f.packs[1:]
	return next, nil
}

// version makes a version with one value of some size, on top of what it is given.
func (h *hostile) version(prev *history.Version, size int, deps ...history.Ref) history.Version {
	h.t.Helper()
	return h.put("h/"+h.prefix+"1", `"`+fmt.Sprint(h.made+1)+strings.Repeat("x", size)+`"`, prev, deps...)
}

// put makes a version that puts a value, given as JSON, at a key.
func (h *hostile) put(key, value string, prev *history.Version, deps ...history.Ref) history.Version {
	h.t.Helper()
	v, err := canon.FromJSON([]byte(value))
	if err != nil {
		h.t.Fatal(err)
	}
	op, err := crdt.Put(key, v)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.make([]history.Op{{Op: op}}, prev, deps...)
}

// make makes a version of ops.
func (h *hostile) make(ops []history.Op, prev *history.Version, deps ...history.Ref) history.Version {
	h.t.Helper()
	h.made++
	d := history.Draft{
		Space: h.member.Space(), Author: h.key.Author(), Deps: deps, Ops: ops,
		Time: clock.Next(pairStart.UnixMilli()+int64(h.made), 0),
	}
	if prev != nil {
		d.Prev = prev.Ref()
	}
	made, err := history.New(d)
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

func (h *hostile) seal(v history.Version) identity.Seal {
	return h.key.Seal(h.member.Space(), v.Seq, v.ID)
}

func (h *hostile) certificate() identity.Certificate {
	h.t.Helper()
	cert, err := h.member.Certify(h.key.Author())
	if err != nil {
		h.t.Fatal(err)
	}
	return cert
}

// push packs versions with what is to prove them, to be handed out.
func (h *hostile) push(certs []identity.Certificate, seals []identity.Seal, versions ...history.Version) {
	h.t.Helper()
	b, err := pack.Encode(nil, versions, pack.Options{Seals: seals, Certificates: certs})
	if err != nil {
		h.t.Fatal(err)
	}
	h.packs = append(h.packs, protocol.Pack{Bytes: b, Versions: len(versions)})
}

// pushGood hands out versions as a member should.
func (h *hostile) pushGood(versions ...history.Version) {
	h.t.Helper()
	h.pushSealed(versions, versions...)
}

// pushSealed is pushGood with seals over some of the versions.
func (h *hostile) pushSealed(sealed []history.Version, versions ...history.Version) {
	h.t.Helper()
	seals := make([]identity.Seal, len(sealed))
	for i, v := range sealed {
		seals[i] = h.seal(v)
	}
	h.push([]identity.Certificate{h.certificate()}, seals, versions...)
}

// standing is a wall clock that stands at some time.
func standing(at time.Time) *handWall {
	wall := &handWall{}
	wall.ms.Store(at.UnixMilli())
	return wall
}

// talk lets two sessions say all that they have to say.
func talk(t *testing.T, a, b *protocol.Session) {
	t.Helper()
	a.Changed()
	b.Changed()
	for said := true; said; {
		said = false
		for _, way := range [][2]*protocol.Session{{a, b}, {b, a}} {
			for {
				frame, err := way[0].Next()
				if err != nil {
					t.Fatal(err)
				}
				if frame == nil {
					break
				}
				said = true
				if err := way[1].Receive(frame); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if !a.Report().Live || !b.Report().Live {
		t.Fatalf("the session does not go on: %s and %s", a.State(), b.State())
	}
}

// TestHostileMember: what a member hands out that proves nothing is set aside or refused, in a session that goes on: what is
// good still comes, and what is written here still goes.
func TestHostileMember(t *testing.T) {
	other, _ := newSpace(t, 1)
	wrote(t)(other[0].Set(t.Context(), "a/1", 1)) // another space
	for _, c := range []struct {
		name    string
		attack  func(h *hostile)
		want    string // applied, refused, forks
		pending string
	}{
		{"bytes that are no pack", func(h *hostile) {
			h.packs = append(h.packs, protocol.Pack{Bytes: []byte("no pack")})
		}, "0 1 0", ""},
		{"a forged seal", func(h *hostile) {
			v := h.version(nil, 0)
			forged := h.seal(v)
			forged.Sig[7] ^= 1
			h.push([]identity.Certificate{h.certificate()}, []identity.Seal{forged}, v)
		}, "0 0 0", "no seal"},
		{"no seal", func(h *hostile) { h.push([]identity.Certificate{h.certificate()}, nil, h.version(nil, 0)) }, "0 0 0", "no seal"},
		{"a seal by another author", func(h *hostile) {
			v := h.version(nil, 0)
			seal := identity.AuthorKeyFromSeed([32]byte{'x'}).Seal(h.member.Space(), v.Seq, v.ID)
			h.push([]identity.Certificate{h.certificate()}, []identity.Seal{seal}, v)
		}, "0 0 0", "no seal"},
		{"a seal over another version", func(h *hostile) {
			v, w := h.version(nil, 0), h.version(nil, 0)
			seal := h.seal(w)
			seal.ID = v.ID
			h.push([]identity.Certificate{h.certificate()}, []identity.Seal{seal}, v)
		}, "0 0 0", "no seal"},
		{"no certificate", func(h *hostile) {
			v := h.version(nil, 0)
			h.push(nil, []identity.Seal{h.seal(v)}, v)
		}, "0 0 0", "no certificate"},
		{"a forged certificate", func(h *hostile) {
			v, forged := h.version(nil, 0), h.certificate()
			forged.Sig[7] ^= 1
			h.push([]identity.Certificate{forged}, []identity.Seal{h.seal(v)}, v)
		}, "0 0 0", "no certificate"},
		{"a certificate of another space", func(h *hostile) {
			v, foreign := h.version(nil, 0), newHostile(h.t, other[0])
			h.push([]identity.Certificate{foreign.certificate()}, []identity.Seal{h.seal(v)}, v)
		}, "0 0 0", "no certificate"},
		{"a version whose parent never comes", func(h *hostile) {
			lost := h.version(nil, 0)
			h.pushGood(h.version(&lost, 0))
		}, "0 0 0", "missing parent"},
		{"two versions under one dot", func(h *hostile) { h.pushGood(h.version(nil, 0), h.version(nil, 0)) }, "2 0 1", ""},
		{"the same, one after the other", func(h *hostile) {
			h.pushGood(h.version(nil, 0))
			h.pushGood(h.version(nil, 0))
		}, "2 0 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t)
			p.do(p.a.Set(t.Context(), "a/1", 1))
			h := newHostile(t, p.a)
			s, peer := p.a.LiveSession(t.Context()), protocol.New(h)
			talk(t, s, peer)
			c.attack(h)
			talk(t, s, peer)
			rep := s.Report()
			if got := fmt.Sprint(rep.Received.Versions, rep.RefusedCount, rep.Forks); got != c.want {
				t.Errorf("%s versions applied, refused, forks; want %s", got, c.want)
			}
			var reasons []string
			items, err := p.a.Pending(t.Context())
			for _, item := range items {
				reasons = append(reasons, item.Reason)
			}
			if got := strings.Join(reasons, ", "); err != nil || got != c.pending {
				t.Errorf("what waits: %q, %v; want %q", got, err, c.pending)
			}
			if st := statusOf(t, p.a); len(st.Forks) != rep.Forks {
				t.Errorf("forks: %v, want %d", st.Forks, rep.Forks)
			}

			h.key, h.heard = identity.AuthorKeyFromSeed([32]byte{'g'}), 0 // and now as it should
			h.pushGood(h.version(nil, 0))
			p.do(p.a.Set(t.Context(), "a/1", 2))
			talk(t, s, peer)
			if got := s.Report().Received.Versions - rep.Received.Versions; got != 1 || h.heard != 1 {
				t.Errorf("afterwards %d versions come and %d go, want 1 each", got, h.heard)
			}
			p.ok(s.Close())
			p.sync() // what came from it harms no third
			sameState(t, p.a, p.b)
			verified(t, p.a, p.b)
		})
	}
}

// pendingScans counts how often a store is asked for all that waits.
type pendingScans struct {
	*memory.Store
	n int
}

func (s *pendingScans) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(scanningTx{tx, &s.n}) })
}

type scanningTx struct {
	store.Tx
	n *int
}

func (tx scanningTx) Scan(table store.Table, within store.Range) iter.Seq2[store.Row, error] {
	if table == store.Pending {
		*tx.n++
	}
	return tx.Tx.Scan(table, within)
}

// pendingBytes is what waits, in rows and in bytes.
func pendingBytes(t *testing.T, st store.Store) (rows, size int) {
	t.Helper()
	err := st.View(t.Context(), func(tx store.Tx) error {
		for row, err := range tx.Scan(store.Pending, store.Range{}) {
			if err != nil {
				return err
			}
			rows, size = rows+1, size+len(row.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, size
}

// TestOrphanFlood: versions whose parents never come wait within bounds, and a pack of any number of them costs a look or two
// at what waits. What can be applied is, whatever waits beside it.
func TestOrphanFlood(t *testing.T) {
	const maxRows, maxBytes, maxScans = 256, 16 << 20, 5
	st := &pendingScans{Store: memory.New()}
	r, err := replica.Open(t.Context(), st, replica.Options{Wall: standing(pairStart)})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	s, peer := r.LiveSession(t.Context()), protocol.New(h)
	talk(t, s, peer)
	var parent, child history.Version
	orphans := func(n, size int) (made []history.Version) {
		for range n {
			parent = h.version(nil, 0)
			child = h.version(&parent, size)
			made = append(made, child)
		}
		return made
	}
	for _, flood := range []struct {
		name string
		push func()
		rows int // at least
	}{
		{"many unsealed", func() { h.push([]identity.Certificate{h.certificate()}, nil, orphans(5_000, 0)...) }, maxRows},
		{"one too large to be kept", func() {
			lost := h.version(nil, 0)
			h.prefix = strings.Repeat("k", 1_000)
			chain := []history.Version{h.version(&lost, 0)}
			for range 17_000 {
				chain = append(chain, h.version(&chain[len(chain)-1], 0))
			}
			h.prefix = ""
			h.pushSealed(chain[len(chain)-1:], chain...)
		}, maxRows},
		{"large ones", func() {
			for range 10 {
				h.pushGood(orphans(2, 900_000)...)
			}
		}, 10},
		{"many small ones", func() { h.pushGood(orphans(1_000, 0)...) }, maxRows},
		{"the same again", func() { h.pushGood(child) }, maxRows},
	} {
		st.n = 0
		flood.push()
		packs := len(h.packs)
		talk(t, s, peer)
		rows, size := pendingBytes(t, st)
		if rows < flood.rows || rows > maxRows || size > maxBytes {
			t.Errorf("%s: %d rows of %d bytes wait, the limit is %d rows and %d bytes", flood.name, rows, size, maxRows, maxBytes)
		}
		if st.n > packs*maxScans {
			t.Errorf("%s: %d packs take %d looks at what waits", flood.name, packs, st.n)
		}
	}
	h.pushGood(parent)
	h.heard = 0
	wrote(t)(r.Set(t.Context(), "a/1", 2))
	talk(t, s, peer)
	if rep := s.Report(); rep.Received.Versions != 2 || h.heard != 1 {
		t.Errorf("%d versions came and %d went, want 2 and 1", rep.Received.Versions, h.heard)
	}
	if got := statusOf(t, r).Versions; got != 4 { // two of its own, the parent, and the child that waited
		t.Errorf("it holds %d versions, want 4", got)
	}
	verified(t, r)
}

// lies are versions that nobody has ever seen.
func lies(from, n int) clock.Vector {
	entries := make([]clock.Entry, n)
	for i := range entries {
		binary.BigEndian.PutUint32(entries[i].Author[:], uint32(from+i))
		entries[i].Seq = 1
	}
	return clock.NewVector(entries...)
}

// TestReceiptsForNothing: a peer that says that it holds ever more of what is not here is believed up to a bound, for itself
// alone, and only what is here counts.
func TestReceiptsForNothing(t *testing.T) {
	replicas, _ := newSpace(t, 1, replica.Options{Wall: standing(pairStart)})
	r := replicas[0]
	v := wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	h.held = lies(0, protocol.MaxTips-1_500)
	s, peer := r.LiveSession(t.Context()), protocol.New(h)
	talk(t, s, peer)
	for i := range 3 {
		h.held = lies((i+1)<<20, 1_000)
		v = wrote(t)(r.Set(t.Context(), "a/1", i))
		talk(t, s, peer)
	}
	peers, err := r.Peers(t.Context())
	if err != nil || len(peers) != 1 || peers[0].Author != h.key.Author() || peers[0].Behind != 4 {
		t.Errorf("%+v, %v; want one peer that lacks all 4 versions", peers, err)
	}
	once, stop := context.WithCancel(t.Context())
	stop()
	if err := r.WaitSynced(once, v, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("somebody holds what nobody has said that they hold: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	talk(t, r.LiveSession(t.Context()), protocol.New(newHostile(t, r)))
}

// TestSettingsOfOwnNamespaces: kdelta's own namespaces have their settings for ever, whatever a member writes of them.
func TestSettingsOfOwnNamespaces(t *testing.T) {
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{Wall: standing(pairStart)})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h, other := newHostile(t, r), newHostile(t, r)
	other.key = identity.AuthorKeyFromSeed([32]byte{'o'})
	h.pushGood(h.put(".strategy/.view", `"union/1"`, nil))
	h.handTo(r)
	h.pushGood(h.put(".view/x", `[1]`, nil))
	h.handTo(r)
	other.pushGood(other.put(".view/x", `[2]`, nil))
	other.handTo(r)
	if got := shown(t, r, ".view/x"); got != "[1]" {
		t.Errorf("the key shows %s, the later one of two writes is [1]", got)
	}
	verified(t, r)
}

// passing is a wall clock that nobody looks at twice at the same time.
type passing struct{ handWall }

func (w *passing) Now() int64 { return w.ms.Add(1) }

// TestPeerBeyondTime: a peer whose wall clock says the greatest time that a hello can say is ahead, and told to be.
func TestPeerBeyondTime(t *testing.T) {
	wall := &passing{}
	wall.ms.Store(pairStart.UnixMilli())
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{Wall: wall})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	h.wall = math.MaxInt64
	ours, theirs := pipe.New()
	reports := make(chan replica.SyncReport, 1)
	go func() {
		rep, err := r.Sync(t.Context(), ours)
		if err != nil {
			t.Errorf("the sync: %v", err)
		}
		reports <- rep
	}()
	for s := protocol.New(h); !s.Done(); {
		frame, err := s.Next()
		if err == nil && frame != nil {
			err = theirs.Send(t.Context(), frame)
		} else if err == nil && !s.Done() {
			if frame, err = theirs.Receive(t.Context()); err == nil {
				err = s.Receive(frame)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if rep := <-reports; rep.Skew < 100*365*24*time.Hour {
		t.Errorf("the peer is said to be ahead by %v", rep.Skew)
	}
	if all, err := r.Reissues(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("what was written here was written again: %v, %v", all, err)
	}
	peers, err := r.Peers(t.Context())
	if err != nil || len(peers) != 1 || peers[0].Skew < 100*365*24*time.Hour {
		t.Errorf("the peers are %+v, %v", peers, err)
	}
}
