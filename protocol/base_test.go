package protocol

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/clock"
)

// TestSince: a clock is what differs from another one, over that one.
func TestSince(t *testing.T) {
	tip := rapid.Custom(func(t *rapid.T) (e clock.Entry) {
		e.Author[0] = byte(rapid.IntRange(0, 5).Draw(t, "author"))
		e.Seq = rapid.Uint64Range(1, 3).Draw(t, "seq")
		e.ID[0] = byte(rapid.IntRange(0, 2).Draw(t, "id"))
		return e
	})
	vector := rapid.Map(rapid.SliceOfN(tip, 0, 8), func(tips []clock.Entry) clock.Vector { return clock.NewVector(tips...) })
	rapid.Check(t, func(t *rapid.T) {
		v, base := vector.Draw(t, "clock"), vector.Draw(t, "base")
		differs, ok := since(v, base)
		gone := slices.ContainsFunc(base, func(then clock.Entry) bool {
			return !slices.ContainsFunc(v, func(now clock.Entry) bool { return now.Author == then.Author })
		})
		if ok == gone {
			t.Fatalf("%v can be told since %v: %t", v, base, ok)
		}
		if !ok {
			return
		}
		if got := over(base, differs); len(without(got, v))+len(without(v, got)) > 0 {
			t.Fatalf("%v since %v is %v, which gives %v", v, base, differs, got)
		}
	})
}

// mindful is a crowd that remembers a clock.
type mindful struct {
	*crowd
	common clock.Vector
}

func (m *mindful) Meet(Peer, int64) (*Held, error) {
	held := m.held
	held.Common = m.common
	return &held, nil
}

// moved is a clock with one author further on.
func moved(v clock.Vector, i int) clock.Vector {
	next := append(clock.Vector(nil), v...)
	next[i].Seq++
	return next
}

// TestHaveByWhatChanged: two that remember the same clock tell what differs from it, two that do not tell all, after one of them
// has asked for it.
func TestHaveByWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name         string
		forgets      bool
		frames, most int
	}{
		{"remembered", false, 10, 1_000},
		{"rolled back", true, 12, 130_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			a, b := &mindful{crowd: newCrowd(w, "A", 1_000)}, &mindful{crowd: newCrowd(w, "B", 1_000)}
			a.common, b.common = a.held.Clock, b.held.Clock
			a.held.Clock, b.held.Clock = moved(a.held.Clock, 7), moved(b.held.Clock, 500)
			if c.forgets {
				b.common = moved(b.common, 1)
			}
			wire := newWire(t, a.fake, b.fake)
			wire.sessions = [2]*Session{New(a), New(b)}
			if err := wire.play(everything); err != nil {
				t.Fatal(err)
			}
			if a.asked.Compare(b.held.Clock) != clock.Equal || b.asked.Compare(a.held.Clock) != clock.Equal {
				t.Error("one of the two was told another clock than the other one's")
			}
			r := wire.sessions[0].Report()
			if total := r.Sent.Bytes + r.Received.Bytes; wire.delivered > c.frames || total > int64(c.most) {
				t.Errorf("%d frames of %d bytes; %d of %d are fine", wire.delivered, total, c.frames, c.most)
			}
		})
	}
}

// TestBaseOutOfPlace: a clock is told by a base once.
func TestBaseOutOfPlace(t *testing.T) {
	w := newWorld()
	based, whole := have{last: true, base: new(Digest)}.encode(), have{last: true}.encode()
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"again", [][]byte{based, based}, "by a base again"},
		{"behind the whole", [][]byte{based, whole, whole}, "after the last part"},
		{"a pack before the whole", [][]byte{based, Pack{}.encode()}, "before both clocks were told"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &mindful{crowd: newCrowd(w, "A", worthBase), common: newCrowd(w, "A", worthBase).held.Clock}
			a.held.Clock = moved(a.held.Clock, 3)
			s := New(a)
			greet(t, s, w.replica("B"))
			for i, frame := range c.frames {
				err := s.Receive(frame)
				if i < len(c.frames)-1 && err != nil {
					t.Fatal(err)
				}
				if i == len(c.frames)-1 && (!errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%v, want %q", err, c.want)
				}
				silence(t, s)
			}
		})
	}
}

// TestOneRemembers: who remembers nothing, or less than pays, is told all by whoever does, and by whom it has told all itself.
func TestOneRemembers(t *testing.T) {
	w := newWorld()
	for _, stays := range []bool{false, true} {
		a, b := &mindful{crowd: newCrowd(w, "A", 100)}, &mindful{crowd: newCrowd(w, "B", 100)}
		a.common, a.stay, b.stay = a.held.Clock, stays, stays
		a.held.Clock, b.held.Clock = moved(a.held.Clock, 7), moved(b.held.Clock, 50)
		for turn := range 2 {
			wire := newWire(t, a.fake, b.fake)
			wire.turn = turn
			wire.sessions = [2]*Session{New(a), New(b)}
			if err := wire.play(everything); err != nil {
				t.Fatal(err)
			}
			if a.asked.Compare(b.held.Clock) != clock.Equal || b.asked.Compare(a.held.Clock) != clock.Equal {
				t.Error("one of the two was told another clock than the other one's")
			}
		}
	}
}
