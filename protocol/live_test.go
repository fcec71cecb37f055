package protocol

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
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
