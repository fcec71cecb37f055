package noise

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// recordMessages returns what an initiator says: its first message, and its
// first record as r would see it.
func firstMessage(t testing.TB) []byte {
	t.Helper()
	var message []byte
	a, _ := pipe.New()
	i, err := initiate(&spy{Conn: a, alter: func(_ int, m []byte) [][]byte { message = m; return nil }},
		testRoom, testKey, bytes.NewReader(make([]byte, 32)))
	must(t, err)
	must(t, i.Send(t.Context(), []byte("hello")))
	return message
}

// FuzzRespond: no stranger gets further than a refusal, whatever they say
// first.
func FuzzRespond(f *testing.F) {
	genuine := firstMessage(f)
	f.Add(genuine)
	f.Add(genuine[:preambleLen])
	f.Add([]byte(magic))
	f.Add(append(preamble(Version, testRoom), make([]byte, 48)...))
	f.Add(preamble(9, testRoom))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > transport.MaxFrame {
			return
		}
		a, b := pipe.New()
		must(t, a.Send(t.Context(), message))
		c, err := Respond(t.Context(), b, testKeys)
		if bytes.Equal(message, genuine) {
			must(t, err)
			return
		}
		if c != nil || !errors.Is(err, transport.ErrClosed) {
			t.Fatalf("a message that nobody made: got a link %t and error %v", c != nil, err)
		}
		refusal, err := a.Receive(t.Context())
		switch {
		case errors.Is(err, transport.ErrClosed):
		case err != nil || len(refusal) > 2:
			t.Fatalf("the refusal: %x, error %v", refusal, err)
		}
	})
}

// FuzzRecords: whatever arrives instead of records, nothing comes out and the
// link ends with a name for it.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 17))
	f.Add(make([]byte, 65536))
	f.Fuzz(func(t *testing.T, record []byte) {
		if len(record) > transport.MaxFrame {
			return
		}
		a, b := pipe.New()
		_, r := link(t, a, b)
		must(t, a.Send(t.Context(), record))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if frame, err := r.Receive(ctx); frame != nil || !errors.Is(err, ErrTampered) {
			t.Fatalf("got %d bytes and error %v, want ErrTampered", len(frame), err)
		}
	})
}
