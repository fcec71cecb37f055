package protocol

import (
	"errors"
	"strings"
	"testing"
)

// outOfPlace has what comes, and what the session says to the last of it. "say" stands for letting the session say all
// that it has to say.
var outOfPlace = []struct{ script, want string }{
	{"have", "have while connecting: before its hello"},
	{"pack", "pack while connecting: before its hello"},
	{"end", "end while connecting: before its hello"},
	{"ack", "ack while connecting: before its hello"},
	{"bye", "bye while connecting: before its end"},
	{"say, hello, hello", "hello while syncing: a second one"},
	{"hello, have", "have while syncing: before ours"},
	{"equal hello, ack", "ack while syncing: before ours"},
	{"say, hello, pack", "pack while syncing: before both clocks were told"},
	{"say, hello, have, end", "end while syncing: before both clocks were told"},
	{"say, hello, say, part, pack", "pack while syncing: before both clocks were told"},
	{"say, hello, have, have", "have while syncing: after the last part of its clock"},
	{"say, hello, part, have, part", "have while syncing: after the last part of its clock"},
	{"say, hello, have, say, pack, end", "end while syncing: behind 0 packs, of which 1 came"},
	{"say, hello, have, say, end, pack", "pack while syncing: after its end"},
	{"say, hello, have, say, end, end", "end while syncing: after its end"},
	{"say, hello, ack", "ack while syncing: of an end that was not said"},
	{"say, hello, early ack", "ack while syncing: of packs that were not sent"},
	{"say, hello, have, say, early ack, early ack", "ack while syncing: for nothing"},
	{"say, hello, have, say, ack", "ack while syncing: of an end that was not said"},
	{"say, hello, have, say, ack of 1, ack of 1", "ack while syncing: for nothing"},
	{"say, presence", "presence while connecting: before its hello"},
	{"say, hello, have, say, presence", "presence while syncing: before the session is live"},
	{"say, hello, have, say, short ack", "ack while syncing: the short one before its last"},
	{"say, hello, have, say, ack of 1, bye", "bye while syncing: before its end and its last ack"},
	{"say, hello, have, say, end, bye", "bye while syncing: before its end and its last ack"},
	{"say, equal hello, have", "have while syncing: after the last part of its clock"},
	{"say, equal hello, pack", "pack while syncing: after its end"},
	{"say, equal hello, bye", "bye while syncing: before its end and its last ack"},
	{"say, equal hello, ack, ack", "ack while syncing: for nothing"},
	{"say, equal hello, ack, bye, bye", "bye while syncing: after its bye"},
	{"say, equal hello, say, ack, ack", "ack while synced: for nothing"},
	{"say, equal hello, say, ack, bye, bye", "a frame after the end of the session"},
}

// TestFramesOutOfPlace gives frames that are well formed to sessions that cannot expect them.
func TestFramesOutOfPlace(t *testing.T) {
	w := newWorld()
	peer := w.replica("B")
	peer.add("b1")
	helloFrame, err := New(peer).Next()
	if err != nil {
		t.Fatal(err)
	}
	same := w.replica("C") // holds what A holds
	same.add("a1")
	equalFrame, err := New(same).Next()
	if err != nil {
		t.Fatal(err)
	}
	frames := map[string][]byte{
		"hello":       helloFrame,
		"equal hello": equalFrame,
		"part":        have{clock: peer.snapshot().Clock}.encode(),
		"have":        have{last: true}.encode(),
		"pack":        Pack{}.encode(),
		"end":         end{}.encode(),
		"end of 1":    end{packs: 1}.encode(),
		"ack":         ack{end: true}.encode(),
		"ack of 1":    ack{packs: 1, end: true}.encode(),
		"short ack":   ack{packs: 1, whole: true}.encode(),
		"early ack":   ack{packs: 1}.encode(),
		"presence":    Presence{}.encode(),
		"bye":         bye{}.encode(),
	}
	for _, c := range outOfPlace {
		t.Run(c.script, func(t *testing.T) {
			a := w.replica("A")
			a.add("a1")
			s := New(a)
			steps := strings.Split(c.script, ", ")
			for i, step := range steps {
				if step == "say" {
					silence(t, s)
					continue
				}
				err := s.Receive(frames[step])
				if i < len(steps)-1 {
					if err != nil {
						t.Fatalf("%s: %v", step, err)
					}
				} else if !errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("%s: %v, want ErrUnexpected: %s", step, err, c.want)
				}
			}
			if a.held() != "a1" {
				t.Errorf("A holds %s", a.held())
			}
		})
	}
}

// TestDivergenceIsKnownFromTheHellos is there even if the link breaks before any ack.
func TestDivergenceIsKnownFromTheHellos(t *testing.T) {
	w := newWorld()
	a, b := w.replica("A"), w.replica("B")
	a.add("a1")
	b.add("a1")
	b.bug = "fold"
	s := New(a)
	greet(t, s, b)
	if err := s.Close(); !errors.Is(err, ErrCut) {
		t.Fatal(err)
	}
	if !s.Report().Diverged {
		t.Error("A does not report that the states differ")
	}
}

// TestWallBefore1970 is a device whose clock was never set: it is told as 0 and shows in the skew.
func TestWallBefore1970(t *testing.T) {
	w := newWorld()
	a, b := w.replica("A"), w.replica("B")
	a.wall = -5_000
	ra, rb := syncOnce(t, a, b)
	if ra.Skew != 1_000 || rb.Skew != -1_000 {
		t.Errorf("skew %d and %d ms, want 1000 and -1000", ra.Skew, rb.Skew)
	}
}
