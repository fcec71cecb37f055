package protocol

import (
	"bytes"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
)

// lending is a replica whose feeds lend their memory to others once they are closed.
type lending struct{ *fake }

func (l lending) Missing(have clock.Vector) (Feed, error) {
	feed, err := l.fake.Missing(have)
	return &lentFeed{Feed: feed}, err
}

type lentFeed struct {
	Feed
	frame []byte
}

func (f *lentFeed) Next() (Pack, error) {
	p, err := f.Feed.Next()
	f.frame = append(make([]byte, FrameRoom), p.Bytes...)
	p.Bytes, p.Frame = f.frame[FrameRoom:], f.frame
	return p, err
}

func (f *lentFeed) Close() error {
	for i := range f.frame {
		f.frame[i] = '!' // what another feed says to another peer
	}
	return f.Feed.Close()
}

// packUnderWay is a session of a replica with a peer, and the frame of a pack that it has said.
func packUnderWay(t *testing.T, local, other Local) (s *Session, frame []byte) {
	t.Helper()
	s, peer := New(local), New(other)
	for hears, says := peer, s; ; hears, says = says, hears {
		for {
			frame, err := says.Next()
			if err != nil {
				t.Fatal(err)
			}
			if _, isPack := PackIn(frame); isPack && says == s {
				return s, frame
			}
			if frame == nil {
				break
			}
			if err := hears.Receive(frame); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFrameUnderWay: what was said stays as it is until it is sent, also where a session ends by what it hears meanwhile.
func TestFrameUnderWay(t *testing.T) {
	for name, heard := range map[string][]byte{"no frame": {0xff}, "a bye": bye{reason: ReasonLocal}.encode()} {
		t.Run(name, func(t *testing.T) {
			world := newWorld()
			a := world.replica("A")
			a.add("a1")
			s, frame := packUnderWay(t, lending{a}, world.replica("B"))
			said := bytes.Clone(frame)
			if err := s.Receive(heard); err == nil {
				t.Fatal("the session goes on")
			}
			if !bytes.Equal(frame, said) {
				t.Errorf("%q is sent, %q was said", frame, said)
			}
			if err := s.Close(); err == nil || a.openFeeds != 0 {
				t.Errorf("%v, and %d feeds are open after Close", err, a.openFeeds)
			}
		})
	}
}
