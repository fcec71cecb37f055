package noise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
	"github.com/kdelta/kdelta/transport/transporttest"
)

// A link past its handshake keeps the contract.
func TestContract(t *testing.T) {
	transporttest.TestConn(t, func(t *testing.T) (a, b transport.Conn) { return pipeLink(t) })
}

// In sync costs one round trip: each end's first frame is in its handshake
// message, whichever of Send and Receive comes first.
func TestFirstFramesRideInTheHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New()
		spyA, spyB := &spy{Conn: a}, &spy{Conn: b}
		i, err := Initiate(spyA, testRoom, testKey)
		must(t, err)
		received := make(chan string, 1)
		go func() { // a session's receiver starts before its sender
			frame, err := i.Receive(t.Context())
			received <- fmt.Sprint(string(frame), err)
		}()
		synctest.Wait()
		if spyA.sent != 0 {
			t.Fatal("Receive sent something before the first frame was there to ride along")
		}
		must(t, i.Send(t.Context(), []byte("hello")))
		r, err := Respond(t.Context(), spyB, testKeys)
		must(t, err)
		if r.Confirmed() {
			t.Error("the first message alone confirmed the initiator")
		}
		must(t, r.Send(t.Context(), []byte("hello back")))
		if got := <-received; got != "hello back<nil>" {
			t.Errorf("the initiator received %s", got)
		}
		wantFrame(t, r, "hello")
		if spyA.sent != 1 || spyB.sent != 1 {
			t.Errorf("the hellos took %d and %d messages, want 1 and 1", spyA.sent, spyB.sent)
		}
		if r.Confirmed() || !i.Confirmed() {
			t.Errorf("after the handshake: confirmed %t and %t, want true and false", i.Confirmed(), r.Confirmed())
		}
		must(t, i.Send(t.Context(), []byte("more")))
		wantFrame(t, r, "more")
		if !r.Confirmed() {
			t.Error("the first record did not confirm the initiator")
		}
		if i.Binding() != r.PeerBinding() || r.Binding() != i.PeerBinding() || i.Binding() == r.Binding() {
			t.Error("the ends do not sign and verify the same two values")
		}
		if i.Room() != testRoom || r.Room() != testRoom {
			t.Error("an end does not know its room")
		}
	})
}

// No two links give the same value to sign, be it the same room and key.
func TestBindingsNeverRepeat(t *testing.T) {
	seen := map[[32]byte]bool{}
	for range 20 {
		i, r := pipeLink(t)
		for _, b := range [][32]byte{i.Binding(), r.Binding()} {
			if seen[b] {
				t.Fatal("a binding came twice")
			}
			seen[b] = true
		}
	}
}

// Frames of every size arrive as they were sent, in both directions.
func TestFramesArrive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		i, r := pipeLink(t)
		ends := []*Conn{i, r}
		for n := range rapid.IntRange(1, 12).Draw(rt, "frames") {
			size := rapid.OneOf(
				rapid.IntRange(0, 100),
				rapid.SampledFrom([]int{maxPart - 1, maxPart, maxPart + 1, 2 * maxPart, 2*maxPart + 1, 200_000}),
			).Draw(rt, "size")
			from := rapid.IntRange(0, 1).Draw(rt, "from")
			frame := bytes.Repeat([]byte{byte(n + 1)}, size)
			if err := ends[from].Send(rt.Context(), frame); err != nil {
				rt.Fatal(err)
			}
			got, err := ends[1-from].Receive(rt.Context())
			if err != nil || !bytes.Equal(got, frame) {
				rt.Fatalf("a frame of %d bytes: got %d and error %v", size, len(got), err)
			}
		}
	})
}

// Both directions change their keys and go on.
func TestRekey(t *testing.T) {
	i, r := pipeLink(t)
	before := i.out.state.UnsafeKey()
	for n := range rekeyEvery + 10 {
		must(t, i.Send(t.Context(), []byte{byte(n)}))
		frame, err := r.Receive(t.Context())
		if err != nil || len(frame) != 1 || frame[0] != byte(n) {
			t.Fatalf("record %d: got %x and error %v", n, frame, err)
		}
	}
	if i.out.state.UnsafeKey() == before {
		t.Error("the key never changed")
	}
	must(t, r.Send(t.Context(), []byte("the other direction keeps its own count")))
	wantFrame(t, i, "the other direction keeps its own count")
}

// attack is what somebody between the ends does to the records of one end.
type attack struct {
	name string
	do   func(record int, message []byte) [][]byte
	want error
}

// attacks strike the third record; the spy counts the handshake as message 0.
var attacks = []attack{
	{"flips a bit", func(_ int, m []byte) [][]byte { m[len(m)/2] ^= 1; return [][]byte{m} }, ErrTampered},
	{"flips a bit of the tag", func(_ int, m []byte) [][]byte { m[len(m)-1] ^= 0x80; return [][]byte{m} }, ErrTampered},
	{"repeats it", func(_ int, m []byte) [][]byte { return [][]byte{m, m} }, ErrTampered},
	{"drops it", func(_ int, _ []byte) [][]byte { return nil }, ErrTampered},
	{"cuts its end", func(_ int, m []byte) [][]byte { return [][]byte{m[:len(m)-1]} }, ErrTampered},
	{"cuts it to less than a record", func(_ int, m []byte) [][]byte { return [][]byte{m[:tagLen]} }, ErrTampered},
	{"empties it", func(_ int, _ []byte) [][]byte { return [][]byte{{}} }, ErrTampered},
	{"adds to it", func(_ int, m []byte) [][]byte { return [][]byte{append(m, 0)} }, ErrTampered},
	{"puts one before it", func(_ int, m []byte) [][]byte { return [][]byte{make([]byte, 40), m} }, ErrTampered},
	{"makes it huge", func(_ int, _ []byte) [][]byte { return [][]byte{make([]byte, 1<<20)} }, ErrTampered},
}

// Whatever is done to a record, what came before it arrives, nothing after it
// does, and the link is closed with a name for it.
func TestTampering(t *testing.T) {
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			a, b := pipe.New()
			spyA := &spy{Conn: a}
			i, r := link(t, spyA, b)
			spyA.alter = func(n int, m []byte) [][]byte {
				if n != 3 {
					return [][]byte{m}
				}
				return attack.do(n, m)
			}
			var got []string
			for n := range 5 {
				must(t, i.Send(t.Context(), fmt.Appendf(nil, "frame %d", n)))
			}
			frame, err := r.Receive(t.Context())
			for err == nil {
				got = append(got, string(frame))
				frame, err = r.Receive(t.Context())
			}
			if !errors.Is(err, attack.want) || !errors.Is(err, transport.ErrClosed) {
				t.Errorf("Receive ended with %v, want %v and ErrClosed", err, attack.want)
			}
			if text := strings.Join(got, ", "); text != "frame 0, frame 1" && text != "frame 0, frame 1, frame 2" {
				t.Errorf("before that arrived: %s", text)
			}
			if _, err := r.Receive(t.Context()); !errors.Is(err, attack.want) {
				t.Errorf("the next Receive: got error %v", err)
			}
			if err := r.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
				t.Errorf("Send on the broken link: got error %v, want ErrClosed", err)
			}
			if err := i.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
				t.Errorf("Send at the other end: got error %v, want ErrClosed", err)
			}
		})
	}
}

// Only a farewell is a clean end.
func TestEnds(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		i, r := pipeLink(t)
		must(t, i.Send(t.Context(), []byte("last word")))
		must(t, i.Close())
		wantFrame(t, r, "last word")
		if _, err := r.Receive(t.Context()); !errors.Is(err, transport.ErrClosed) || errors.Is(err, ErrTruncated) {
			t.Errorf("after the farewell: got error %v, want ErrClosed alone", err)
		}
	})
	t.Run("cut", func(t *testing.T) {
		a, b := pipe.New()
		i, r := link(t, a, b)
		must(t, i.Send(t.Context(), []byte("last word")))
		must(t, a.Close())
		wantFrame(t, r, "last word")
		if _, err := r.Receive(t.Context()); !errors.Is(err, transport.ErrClosed) || !errors.Is(err, ErrTruncated) {
			t.Errorf("after a cut: got error %v, want ErrClosed with ErrTruncated", err)
		}
	})
	t.Run("cut within a frame", func(t *testing.T) {
		a, b := pipe.New()
		spyA := &spy{Conn: a}
		i, r := link(t, spyA, b)
		spyA.alter = func(n int, m []byte) [][]byte {
			if n == 3 {
				return nil // the last of three parts
			}
			return [][]byte{m}
		}
		must(t, i.Send(t.Context(), make([]byte, 2*maxPart+1)))
		must(t, a.Close())
		if _, err := r.Receive(t.Context()); !errors.Is(err, ErrTruncated) {
			t.Errorf("after two parts of three: got error %v, want ErrTruncated", err)
		}
	})
	t.Run("farewell forged by closing after a repeat", func(t *testing.T) {
		a, b := pipe.New()
		spyA := &spy{Conn: a}
		i, r := link(t, spyA, b)
		spyA.alter = func(_ int, m []byte) [][]byte { return [][]byte{m, m} }
		must(t, i.Send(t.Context(), []byte("once")))
		wantFrame(t, r, "once")
		if _, err := r.Receive(t.Context()); !errors.Is(err, ErrTampered) {
			t.Errorf("got error %v, want ErrTampered", err)
		}
	})
}

// A member that breaks the bounds from inside is cut off as well.
func TestHostileMember(t *testing.T) {
	send := func(t *testing.T, i *Conn, kind byte, body []byte) {
		t.Helper()
		record, err := i.out.seal(kind, body)
		must(t, err)
		must(t, i.inner.Send(t.Context(), record))
	}
	for _, c := range []struct {
		name string
		do   func(t *testing.T, i *Conn)
		want error
	}{
		{"a frame above the limit", func(t *testing.T, i *Conn) {
			for range transport.MaxFrame/maxPart + 1 {
				send(t, i, kindPart, make([]byte, maxPart))
			}
		}, transport.ErrTooLarge},
		{"an empty part", func(t *testing.T, i *Conn) { send(t, i, kindPart, nil) }, ErrMalformed},
		{"an unknown kind", func(t *testing.T, i *Conn) { send(t, i, 3, []byte("x")) }, ErrMalformed},
		{"a farewell that says more", func(t *testing.T, i *Conn) { send(t, i, kindFarewell, []byte("x")) }, ErrMalformed},
		{"a farewell within a frame", func(t *testing.T, i *Conn) {
			send(t, i, kindPart, []byte("x"))
			send(t, i, kindFarewell, nil)
		}, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, r := pipeLink(t)
			c.do(t, i)
			if _, err := r.Receive(t.Context()); !errors.Is(err, c.want) || !errors.Is(err, transport.ErrClosed) {
				t.Errorf("got error %v, want %v with ErrClosed", err, c.want)
			}
		})
	}
}

// Half a frame under way when its Send is given up ends the link; nothing of it
// is received.
func TestSendGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r := pipeLink(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			var err error
			for err == nil { // until the pipe is full
				err = i.Send(ctx, make([]byte, 100_000))
			}
			result <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Fatalf("Send given up: got error %v", err)
		}
		if err := i.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("Send after one given up: got error %v, want ErrClosed", err)
		}
		for {
			frame, err := r.Receive(t.Context())
			if err != nil {
				if !errors.Is(err, ErrTruncated) {
					t.Errorf("the other end: got error %v, want ErrTruncated", err)
				}
				return
			}
			if len(frame) != 100_000 {
				t.Fatalf("a frame of %d bytes arrived", len(frame))
			}
		}
	})
}

func TestKeysDoNotPrint(t *testing.T) {
	key := Key(bytes.Repeat([]byte("s"), 32))
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x"} {
		if text := fmt.Sprintf(verb, key); strings.Contains(text, "ss") || strings.Contains(text, "7373") {
			t.Errorf("%s shows the key: %s", verb, text)
		}
	}
}
