package protocol

import "errors"

// tb is what testing.T and rapid.T share.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// wire joins two sessions and delivers one frame at a time, by turns, always in the same order: the nth frame of two
// replicas is the same frame in every run.
type wire struct {
	t         tb
	fakes     [2]*fake
	sessions  [2]*Session
	ways      [2][][]byte // frames under way to a side
	turn      int
	delivered int
}

func newWire(t tb, a, b *fake) *wire {
	return &wire{t: t, fakes: [2]*fake{a, b}, sessions: [2]*Session{New(a), New(b)}}
}

// say lets both sides say all that they have to say now.
func (w *wire) say() {
	for i, s := range w.sessions {
		for {
			frame, err := s.Next()
			if err == nil && frame == nil {
				break
			}
			if len(frame) > MaxFrame {
				w.t.Fatalf("a frame of %d bytes", len(frame))
			}
			if frame != nil {
				w.ways[1-i] = append(w.ways[1-i], frame)
			}
		}
	}
}

// due says to which side the next frame goes; false when none is under way.
func (w *wire) due() (side int, ok bool) {
	w.say()
	for range 2 {
		if len(w.ways[w.turn]) > 0 {
			return w.turn, true
		}
		w.turn = 1 - w.turn
	}
	return 0, false
}

// deliver hands over the frame that is due.
func (w *wire) deliver(side int) error {
	frame := w.ways[side][0]
	w.ways[side] = w.ways[side][1:]
	w.turn = 1 - side
	w.delivered++
	return w.sessions[side].Receive(frame)
}

// play delivers up to limit frames and returns the first error.
func (w *wire) play(limit int) error {
	for n := 0; n < limit; n++ {
		side, ok := w.due()
		if !ok {
			return nil
		}
		if err := w.deliver(side); err != nil {
			return err
		}
	}
	return nil
}

// close ends both sessions and checks what must hold of any two that end.
func (w *wire) close() {
	w.t.Helper()
	for i, s := range w.sessions {
		state, err := s.State(), s.Close()
		if state == Synced && err != nil || state < Synced && !errors.Is(err, ErrCut) || state > Synced && err == nil {
			w.t.Errorf("side %d was %s: Close = %v", i, state, err)
		}
		if again := s.Close(); again != err {
			w.t.Errorf("side %d: Close = %v, then %v", i, err, again)
		}
		if frame, err := s.Next(); frame != nil || err != nil {
			w.t.Errorf("side %d says %x, %v after Close", i, frame, err)
		}
		if w.fakes[i].openFeeds != 0 {
			w.t.Errorf("side %d: %d feeds are open after Close", i, w.fakes[i].openFeeds)
		}
		for _, ack := range w.fakes[i].receipts {
			if !w.fakes[1-i].holds(ack) {
				w.t.Errorf("side %d has a receipt for %s, the peer holds %s", i, w.fakes[i].world.tips(ack.Clock), w.fakes[1-i].held())
			}
		}
	}
}

// everything is more frames than any conversation of these tests has.
const everything = 10_000

// syncOnce plays a whole session and wants it to succeed.
func syncOnce(t tb, a, b *fake) (Report, Report) {
	t.Helper()
	w := newWire(t, a, b)
	if err := w.play(everything); err != nil {
		t.Fatal(err)
	}
	w.close()
	for i, s := range w.sessions {
		if s.State() != Synced || !s.Done() {
			t.Fatalf("side %d ended %s, done %t", i, s.State(), s.Done())
		}
	}
	return w.sessions[0].Report(), w.sessions[1].Report()
}
