package protocol

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// listening is a replica that hears what is said of the moment.
type listening struct {
	*fake
	heard []string
}

func (l *listening) Hear(p Presence) {
	l.heard = append(l.heard, string(p.Body)+" "+strconv.FormatUint(p.Seq, 10)+" "+strconv.FormatUint(p.Hops, 10))
}

// newLive plays two sessions until they are live.
func newLive(t *testing.T) (w *wire, a, b *listening) {
	t.Helper()
	world := newWorld()
	a, b = &listening{fake: world.replica("A")}, &listening{fake: world.replica("B")}
	a.stay, b.stay = true, true
	w = newWire(t, a.fake, b.fake)
	w.sessions = [2]*Session{New(a), New(b)}
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	return w, a, b
}

// TestPresence: what is said of the moment is heard, the newest of each origin, and bounded by dropping the oldest.
func TestPresence(t *testing.T) {
	w, a, b := newLive(t)
	s := w.sessions[0]
	for i := range maxQueued + 2 {
		s.Present(Presence{Origin: Instance{byte(i + 1)}, Seq: 1, Body: []byte("old")})
	}
	for i := range maxQueued {
		s.Present(Presence{Origin: Instance{byte(i + 3)}, Seq: 2, Hops: 3, Body: []byte("new")})
	}
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	if len(b.heard) != maxQueued || b.heard[0] != "new 2 3" || len(a.heard) != 0 {
		t.Errorf("B heard %q, A %q", b.heard, a.heard)
	}
	s.Present(Presence{Seq: 3, Body: []byte("while leaving")})
	s.Leave()
	if err := w.play(everything); err != nil || !s.Done() || len(b.heard) != maxQueued+1 {
		t.Errorf("done %t, %v, B heard %d", s.Done(), err, len(b.heard))
	}
	if held := b.held(); held != "" {
		t.Errorf("B holds %s", held)
	}
}

// TestPresenceLimits refuses what is too large or goes too far.
func TestPresenceLimits(t *testing.T) {
	for _, c := range []struct {
		p    Presence
		want string
	}{
		{Presence{Body: make([]byte, MaxPresence)}, ""},
		{Presence{Body: make([]byte, MaxPresence+1)}, "4097 bytes, the limit is 4096"},
		{Presence{Hops: MaxHops}, "8 hops, the limit is 7"},
	} {
		w, _, _ := newLive(t)
		err := w.sessions[0].Receive(c.p.encode())
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestPresenceRate: of what comes in one second only so much is heard, whoever says it; the session goes on, and so does the next second.
func TestPresenceRate(t *testing.T) {
	w, _, b := newLive(t)
	a, s := w.sessions[0], w.sessions[1]
	seq := uint64(0)
	say := func(n int) (heard int) {
		before := len(b.heard)
		for range n {
			seq++
			a.Present(Presence{Origin: Instance{byte(seq)}, Seq: seq, Body: []byte("here")})
			if err := w.play(everything); err != nil {
				t.Fatal(err)
			}
		}
		return len(b.heard) - before
	}
	for _, c := range []struct {
		at         int64
		said, want int
	}{
		{5_000, MaxPresences + 10, MaxPresences},
		{5_999, 10, 0},
		{6_000, 10, 10},
		{6_500, MaxPresences, MaxPresences - 10},
		{1_000, 10, 10}, // the clock was set back
		{1_001, MaxPresences, MaxPresences - 10},
	} {
		s.Tick(c.at)
		if got := say(c.said); got != c.want {
			t.Errorf("at %d ms %d of %d are heard, want %d", c.at, got, c.said, c.want)
		}
	}
	if got := s.Report().PresencesDropped; got != 10+10+10+10 {
		t.Errorf("%d were dropped", got)
	}
}
