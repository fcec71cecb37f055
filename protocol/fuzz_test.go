package protocol

import (
	"runtime"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
)

// FuzzReceive gives a frame to a session at every stage of a conversation.
func FuzzReceive(f *testing.F) {
	for _, replicas := range conversations() {
		for n := 0; ; n++ {
			w := newWire(f, first(replicas()), second(replicas()))
			if err := w.play(n); err != nil {
				f.Fatal(err)
			}
			side, ok := w.due()
			if !ok {
				break
			}
			for stage := range stages {
				f.Add(uint8(stage), w.ways[side][0])
			}
		}
	}
	f.Fuzz(func(t *testing.T, stage uint8, frame []byte) {
		s := stages[int(stage)%len(stages)](t)
		before := s.State()
		var from, to runtime.MemStats
		runtime.ReadMemStats(&from)
		err := s.Receive(frame)
		runtime.ReadMemStats(&to)
		if got, most := to.TotalAlloc-from.TotalAlloc, uint64(8*len(frame)+64<<10); got > most {
			t.Errorf("%d bytes of frame made Receive allocate %d bytes, at most %d are fine", len(frame), got, most)
		}
		if err != nil && sentinels(err) == "" {
			t.Errorf("an error without a name: %v", err)
		}
		if (err != nil) != (s.State() > Synced) && before != Synced {
			t.Errorf("%s with %v", s.State(), err)
		}
		for range everything {
			if frame, err := s.Next(); err != nil || frame == nil {
				break
			}
		}
		if err := s.Close(); err != nil && sentinels(err) == "" {
			t.Errorf("closed with %v", err)
		}
		reencoded(t, frame)
	})
}

// reencoded checks that a frame which is accepted is the one encoding of what it says.
func reencoded(t *testing.T, frame []byte) {
	d, err := open(frame)
	if err != nil {
		return
	}
	var again []byte
	switch d.kind {
	case kindHello:
		m, err := d.hello()
		if err != nil || m.version != Version {
			return
		}
		again = m.encode()
	case kindHave:
		m, err := d.have()
		if err != nil {
			return
		}
		again = m.encode()
	case kindPresence:
		m, err := d.presence()
		if err != nil {
			return
		}
		again = m.encode()
	case kindName:
		m, err := d.named()
		if err != nil {
			return
		}
		again = m.encode()
	case kindPack:
		pack, ok := PackIn(frame)
		if !ok {
			return
		}
		again = Pack{Bytes: pack}.encode()
	case kindEnd:
		m, err := d.endOfPacks()
		if err != nil {
			return
		}
		again = m.encode()
	default:
		return // texts are cleaned
	}
	if string(again) != string(frame) {
		t.Errorf("%x\nis also\n%x", frame, again)
	}
}

// deaf is a replica whose Apply costs nothing, so that what is measured is the session's.
type deaf struct{ *fake }

func (deaf) Apply([]byte) (Applied, error)    { return Applied{Versions: 1}, nil }
func (deaf) Acknowledge(Peer, Ack) error      { return nil }
func (deaf) Holds(clock.Vector) (bool, error) { return true, nil }
func (d deaf) Missing(clock.Vector) (Feed, error) {
	return &fakeFeed{f: d.fake, missing: d.order}, nil
}

var stages = []func(t testing.TB) *Session{
	func(testing.TB) *Session { return New(deaf{oneVersion("A")}) },
	func(t testing.TB) *Session { // its hello and have are said, and the peer's hello heard
		s := New(deaf{oneVersion("A")})
		greet(t, s, oneVersion("B"))
		return s
	},
	func(t testing.TB) *Session { // packs may come, and acks
		s := New(deaf{oneVersion("A")})
		greet(t, s, oneVersion("B"))
		if err := s.Receive(have{last: true}.encode()); err != nil {
			t.Fatal(err)
		}
		silence(t, s)
		return s
	},
	func(t testing.TB) *Session { // equal tips: an ack and a bye are due
		s := New(deaf{oneVersion("A")})
		b := oneVersion("A")
		b.instance = 'C'
		greet(t, s, b)
		return s
	},
	func(t testing.TB) *Session { // it stays, and waits for what is new on either side
		a, b := oneVersion("A"), newWorld().replica("B")
		a.stay, b.stay = true, true
		s := New(deaf{a})
		greet(t, s, b)
		for _, frame := range [][]byte{have{last: true}.encode(), end{}.encode()} {
			if err := s.Receive(frame); err != nil {
				t.Fatal(err)
			}
		}
		silence(t, s)
		if err := s.Receive(ack{packs: s.own.packs, end: true}.encode()); err != nil || !s.live() {
			t.Fatal(s.live(), err)
		}
		a.add("a2")
		s.Changed()
		silence(t, s)
		return s
	},
}

func oneVersion(name string) *fake {
	f := newWorld().replica(name)
	f.add(strings.ToLower(name) + "1")
	return f
}

func first(a, _ *fake) *fake  { return a }
func second(_, b *fake) *fake { return b }
