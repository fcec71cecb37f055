package noise

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

var (
	testRoom = Room{1, 2, 3}
	testKey  = Key{4, 5, 6}
)

func testKeys(room Room) (Key, bool) { return testKey, room == testRoom }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// spy is an end of a link whose messages go through alter on their way out:
// what it returns is sent instead.
type spy struct {
	transport.Conn
	name  string
	log   *bytes.Buffer
	sent  int
	alter func(n int, message []byte) [][]byte
}

func (s *spy) Send(ctx context.Context, message []byte) error {
	if s.log != nil {
		fmt.Fprintf(s.log, "%s %x\n", s.name, message)
	}
	messages := [][]byte{message}
	if s.alter != nil {
		messages = s.alter(s.sent, bytes.Clone(message))
	}
	s.sent++
	for _, m := range messages {
		if err := s.Conn.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// link makes a link over a and b that is through its handshake.
func link(t testing.TB, a, b transport.Conn) (i, r *Conn) {
	t.Helper()
	i, err := Initiate(a, testRoom, testKey)
	must(t, err)
	must(t, i.Send(t.Context(), []byte("first of i")))
	r, err = Respond(t.Context(), b, testKeys)
	must(t, err)
	must(t, r.Send(t.Context(), []byte("first of r")))
	wantFrame(t, i, "first of r")
	wantFrame(t, r, "first of i")
	return i, r
}

func pipeLink(t testing.TB) (i, r *Conn) {
	t.Helper()
	a, b := pipe.New()
	return link(t, a, b)
}

func wantFrame(t testing.TB, c transport.Conn, want string) {
	t.Helper()
	frame, err := c.Receive(t.Context())
	if err != nil || string(frame) != want {
		t.Fatalf("Receive: got %q and error %v, want %q", frame, err, want)
	}
}
