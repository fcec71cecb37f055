package protocol

import (
	"errors"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

// TestStayingSessionsMeet interleaves the steps of a session that stays with writes on both sides, and wants both to hold all
// of them in the end without another session, each sent once, and the session to end politely from either side.
func TestStayingSessionsMeet(t *testing.T) {
	w := newWorld()
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t, w)
		a, b := drawReplica(t, w, "A", history), drawReplica(t, w, "B", history)
		a.stay, b.stay = true, true
		union := a.clone()
		for _, dot := range b.order {
			union.add(b.versions[dot].text)
		}
		wire := newWire(t, a, b)
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			side := rapid.IntRange(0, 1).Draw(t, "side")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				union.add(wire.fakes[side].writeNext("xy"[side]))
				wire.sessions[side].Changed()
			case 1, 2:
				if frame, err := wire.sessions[side].Next(); err != nil {
					t.Fatal(err)
				} else if frame != nil {
					wire.ways[1-side] = append(wire.ways[1-side], frame)
				}
			default:
				if len(wire.ways[side]) > 0 {
					if err := wire.deliver(side); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := wire.play(everything); err != nil {
			t.Fatal(err)
		}
		if a.held() != union.held() || b.held() != union.held() {
			t.Fatalf("A holds %s\nB holds %s\n   want %s", a.held(), b.held(), union.held())
		}
		wire.sessions[0].Rest()
		wire.sessions[1].Rest()
		if err := wire.play(everything); err != nil {
			t.Fatal(err)
		}
		for i, s := range wire.sessions {
			if r := s.Report(); !r.Equal || r.Diverged {
				t.Fatalf("side %d at rest: equal %t, diverged %t", i, r.Equal, r.Diverged)
			}
		}
		leaves := rapid.IntRange(0, 1).Draw(t, "leaves")
		wire.sessions[leaves].Leave()
		if err := wire.play(everything); err != nil {
			t.Fatal(err)
		}
		wire.close()
		for i, s := range wire.sessions {
			r := s.Report()
			if !s.Done() || r.State != Synced || !r.Live || r.Unacked != 0 {
				t.Fatalf("side %d ended %s, done %t, live %t, %d packs not acked", i, r.State, s.Done(), r.Live, r.Unacked)
			}
			if r.RefusedCount != 0 || r.Pending != 0 {
				t.Fatalf("side %d: %d refused, %d pending", i, r.RefusedCount, r.Pending)
			}
		}
	})
}

// writeNext adds the next version of an author who writes nowhere else.
func (f *fake) writeNext(author byte) string {
	n := 1
	for ; f.versions[string(author)+strconv.Itoa(n)].text != ""; n++ {
	}
	text := string(author) + strconv.Itoa(n)
	f.add(text)
	return text
}

// TestLiveIsCheap is the price of one change in a session that stays, beside the pack.
func TestLiveIsCheap(t *testing.T) {
	a, b := oneVersion("A"), newWorld().replica("B")
	a.stay, b.stay = true, true
	w := newWire(t, a, b)
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	before := w.sessions[0].Report()
	a.add("a2")
	w.sessions[0].Changed()
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	after := w.sessions[0].Report()
	sent, received := after.Sent.Bytes-before.Sent.Bytes, after.Received.Bytes-before.Received.Bytes
	if frames := after.Sent.Frames + after.Received.Frames - before.Sent.Frames - before.Received.Frames; frames != 2 || sent+received-int64(len("a2")) > 20 {
		t.Errorf("%d frames, %d bytes one way and %d the other", frames, sent, received)
	}
	if last := a.receipts[len(a.receipts)-1]; !last.Live || a.world.tips(last.Clock) != "{a2}" {
		t.Errorf("the receipt is %+v", last)
	}
}

// TestLeaveEarly makes a session that was to stay one that does not.
func TestLeaveEarly(t *testing.T) {
	for n := range 12 {
		a, b := oneVersion("A"), newWorld().replica("B")
		a.stay, b.stay = true, true
		w := newWire(t, a, b)
		if err := w.play(n); err != nil {
			t.Fatal(err)
		}
		w.sessions[0].Leave()
		if err := w.play(everything); err != nil {
			t.Fatal(err)
		}
		if !w.sessions[0].Done() || !w.sessions[1].Done() || b.held() != "a1" {
			t.Errorf("left after %d frames: done %t %t, B holds %q", n, w.sessions[0].Done(), w.sessions[1].Done(), b.held())
		}
		w.close()
	}
}

// TestCutWhileLive closes a session in the middle of a push: the feed is released, and the next session carries the rest.
func TestCutWhileLive(t *testing.T) {
	a, b := oneVersion("A"), newWorld().replica("B")
	a.stay, b.stay, a.perPack = true, true, 1
	w := newWire(t, a, b)
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	a.add("a2", "a3", "a4")
	w.sessions[0].Changed()
	frame, err := w.sessions[0].Next()
	if err != nil || a.openFeeds != 1 {
		t.Fatal(a.openFeeds, err)
	}
	if err := w.sessions[1].Receive(frame); err != nil {
		t.Fatal(err)
	}
	w.close()
	if b.held() != "a1 a2" {
		t.Errorf("B holds %s", b.held())
	}
	a.stay = false
	if syncOnce(t, a, b); b.held() != a.held() {
		t.Errorf("B holds %s", b.held())
	}
}

// TestDivergenceAtRest: a state that goes wrong while two stay is seen by both once nothing has happened for a while.
func TestDivergenceAtRest(t *testing.T) {
	a, b := oneVersion("A"), newWorld().replica("B")
	a.stay, b.stay = true, true
	w := newWire(t, a, b)
	play := func() {
		if err := w.play(everything); err != nil {
			t.Fatal(err)
		}
	}
	play()
	b.bug = "fold"
	a.add("a2")
	w.sessions[0].Changed()
	play()
	for i, s := range w.sessions {
		if s.Report().Diverged {
			t.Fatalf("side %d knows of it too early to prove anything", i)
		}
		s.Rest()
	}
	play()
	for i, s := range w.sessions {
		if r := s.Report(); !r.Diverged || !r.Equal || r.State != Synced {
			t.Errorf("side %d: diverged %t, equal %t, %s", i, r.Diverged, r.Equal, r.State)
		}
	}
}

// late is a replica that is named by what it writes first.
type late struct {
	signing
	written *bool
}

func (l late) Facts() (Facts, error) {
	facts, err := l.signing.Facts()
	facts.Author, facts.Sign, facts.Stay = identity.Author{}, nil, true
	return facts, err
}

func (l late) Name() (identity.Author, func(identity.Domain, []byte) identity.Signature, error) {
	if !*l.written {
		return identity.Author{}, nil, nil
	}
	return l.key.Author(), l.key.Sign, nil
}

// staying is a replica that signs and stays.
type staying struct{ signing }

func (s staying) Facts() (Facts, error) {
	facts, err := s.signing.Facts()
	facts.Stay = true
	return facts, err
}

// TestNameOfWhoHadNone: who writes for the first time while linked proves who that makes it, once.
func TestNameOfWhoHadNone(t *testing.T) {
	w := newWorld()
	written := false
	a, b := late{newSigning(w, "A"), &written}, staying{newSigning(w, "B")}
	x, y := NewOver(a, bound{initiator: true, own: 1, peer: 2}), NewOver(b, bound{own: 2, peer: 1})
	talk(t, x, y)
	x.Changed()
	if frames := talk(t, x, y); len(frames) > 0 || !x.live() || y.Report().Peer.Author != (identity.Author{}) {
		t.Fatalf("%d frames from nobody, live %t", len(frames), x.live())
	}
	written = true
	x.Changed()
	frames := talk(t, x, y)
	if p := y.Report().Peer; len(frames) != 1 || p.Author != a.key.Author() || !p.Proven {
		t.Fatalf("%d frames; the peer is %s, proven %t", len(frames), p.Author, p.Proven)
	}
	x.Changed()
	if more := talk(t, x, y); len(more) > 0 {
		t.Errorf("it is told again, in %d frames", len(more))
	}
	if err := y.Receive(frames[0]); !errors.Is(err, ErrUnexpected) {
		t.Errorf("another name: %v", err)
	}
}

// TestNameThatIsNone refuses who takes a name that is not proven by its key, or ours.
func TestNameThatIsNone(t *testing.T) {
	sign := authorKey('c').Sign(DomainHello, vow(true, [32]byte{1}))
	for _, c := range []struct {
		named name
		want  error
	}{
		{name{author: authorKey('a').Author(), proof: sign[:]}, ErrProof},
		{name{author: authorKey('b').Author()}, ErrUnexpected},
		{name{}, ErrMalformed},
		{name{author: authorKey('a').Author(), proof: sign[1:]}, ErrMalformed},
	} {
		w := newWorld()
		written := false
		a, b := late{newSigning(w, "A"), &written}, staying{newSigning(w, "B")}
		x, y := NewOver(a, bound{initiator: true, own: 1, peer: 2}), NewOver(b, bound{own: 2, peer: 1})
		talk(t, x, y)
		if err := y.Receive(c.named.encode()); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

// talk carries frames until neither side has more to say.
func talk(t *testing.T, x, y *Session) (frames [][]byte) {
	t.Helper()
	for moved := true; moved; {
		moved = false
		for _, way := range [][2]*Session{{x, y}, {y, x}} {
			for {
				frame, err := way[0].Next()
				if err != nil {
					t.Fatal(err)
				}
				if frame == nil {
					break
				}
				moved = true
				frames = append(frames, frame)
				if err := way[1].Receive(frame); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return frames
}
