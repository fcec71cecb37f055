package noise

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// What the two ends learn when the handshake fails.
func TestRefusals(t *testing.T) {
	other := Room{9}
	first := func(change func(m []byte) []byte) func(int, []byte) [][]byte {
		return func(n int, m []byte) [][]byte {
			if n == 0 {
				m = change(m)
			}
			return [][]byte{m}
		}
	}
	for _, c := range []struct {
		name                 string
		room                 Room
		key                  Key
		alter                func(int, []byte) [][]byte
		responder, initiator error
	}{
		{"wrong key", testRoom, Key{7}, nil, ErrKey, ErrDenied},
		{"unknown room", other, testKey, nil, ErrRoom, ErrDenied},
		{"newer version", testRoom, testKey, first(func(m []byte) []byte { m[len(magic)]++; return m }), ErrVersion, ErrVersion},
		{"room changed on the way", testRoom, testKey, first(func(m []byte) []byte { m[len(magic)+1]++; return m }), ErrRoom, ErrDenied},
		{"fresh key changed on the way", testRoom, testKey, first(func(m []byte) []byte { m[preambleLen] ^= 1; return m }), ErrKey, ErrDenied},
		{"payload changed on the way", testRoom, testKey, first(func(m []byte) []byte { m[len(m)-1] ^= 1; return m }), ErrKey, ErrDenied},
		{"no fresh key at all", testRoom, testKey, first(func(m []byte) []byte { clear(m[preambleLen:][:publicLen]); return m }), ErrKey, ErrDenied},
		{"other protocol", testRoom, testKey, first(func([]byte) []byte { return []byte("GET / HTTP/1.1\r\n\r\n") }), ErrMalformed, ErrTruncated},
		{"cut", testRoom, testKey, first(func(m []byte) []byte { return m[:preambleLen+publicLen] }), ErrMalformed, ErrTruncated},
		{"empty", testRoom, testKey, first(func([]byte) []byte { return nil }), ErrMalformed, ErrTruncated},
		{"huge", testRoom, testKey, first(func(m []byte) []byte { return append(m, make([]byte, 1<<20)...) }), ErrMalformed, ErrTruncated},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := pipe.New()
			i, err := Initiate(&spy{Conn: a, alter: c.alter}, c.room, c.key)
			must(t, err)
			must(t, i.Send(t.Context(), []byte("hello")))
			if _, err := Respond(t.Context(), b, testKeys); !errors.Is(err, c.responder) || !errors.Is(err, transport.ErrClosed) {
				t.Errorf("Respond: got error %v, want %v with ErrClosed", err, c.responder)
			}
			for range 2 {
				if _, err := i.Receive(t.Context()); !errors.Is(err, c.initiator) || !errors.Is(err, transport.ErrClosed) {
					t.Errorf("Receive: got error %v, want %v with ErrClosed", err, c.initiator)
				}
				if err := i.Send(t.Context(), nil); !errors.Is(err, c.initiator) {
					t.Errorf("Send: got error %v, want %v", err, c.initiator)
				}
			}
		})
	}
}

// An answer that was changed, or is none, ends the initiator's link.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(m []byte) []byte
		want   error
	}{
		{"altered", func(m []byte) []byte { m[len(m)-1] ^= 1; return m }, ErrKey},
		{"other fresh key", func(m []byte) []byte { m[5] ^= 1; return m }, ErrKey},
		{"of another version", func([]byte) []byte { return []byte{refusedVersion, 7} }, ErrVersion},
		{"unknown refusal", func([]byte) []byte { return []byte{3} }, ErrMalformed},
		{"empty", func([]byte) []byte { return nil }, ErrMalformed},
		{"cut", func(m []byte) []byte { return m[:20] }, ErrMalformed},
		{"huge", func(m []byte) []byte { return append(m, make([]byte, 1<<20)...) }, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := pipe.New()
			i, err := Initiate(a, testRoom, testKey)
			must(t, err)
			must(t, i.Send(t.Context(), nil))
			r, err := Respond(t.Context(), &spy{Conn: b, alter: func(_ int, m []byte) [][]byte {
				return [][]byte{c.change(m)}
			}}, testKeys)
			must(t, err)
			must(t, r.Send(t.Context(), nil))
			if _, err := i.Receive(t.Context()); !errors.Is(err, c.want) || !errors.Is(err, transport.ErrClosed) {
				t.Errorf("got error %v, want %v with ErrClosed", err, c.want)
			}
		})
	}
}

// A recorded first message opens again at any responder, and never confirms.
func TestReplay(t *testing.T) {
	var recorded []byte
	a, b := pipe.New()
	i, err := Initiate(&spy{Conn: a, alter: func(n int, m []byte) [][]byte {
		if n == 0 {
			recorded = m
		}
		return [][]byte{m}
	}}, testRoom, testKey)
	must(t, err)
	must(t, i.Send(t.Context(), []byte("hello")))
	r, err := Respond(t.Context(), b, testKeys)
	must(t, err)
	must(t, r.Send(t.Context(), nil))
	if _, err := i.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	record := func() []byte {
		var out []byte
		i.inner.(*spy).alter = func(_ int, m []byte) [][]byte { out = m; return nil }
		must(t, i.Send(t.Context(), []byte("act")))
		return out
	}()

	thief, victim := pipe.New()
	must(t, thief.Send(t.Context(), recorded))
	again, err := Respond(t.Context(), victim, testKeys)
	must(t, err)
	wantFrame(t, again, "hello")
	must(t, again.Send(t.Context(), nil))
	if again.PeerBinding() != r.PeerBinding() || again.Binding() == r.Binding() {
		t.Error("a replayed message has the binding of its first use, and an answer of its own")
	}
	must(t, thief.Send(t.Context(), record))
	if _, err := again.Receive(t.Context()); !errors.Is(err, ErrTampered) {
		t.Errorf("a replayed record: got error %v, want ErrTampered", err)
	}
	if again.Confirmed() {
		t.Error("a replay confirmed the initiator")
	}
}

func TestFirstFrameBounds(t *testing.T) {
	a, b := pipe.New()
	i, err := Initiate(a, testRoom, testKey)
	must(t, err)
	if err := i.Send(t.Context(), make([]byte, MaxFirst+1)); !errors.Is(err, ErrFirst) {
		t.Fatalf("a first frame that is too large: got error %v, want ErrFirst", err)
	}
	must(t, i.Send(t.Context(), make([]byte, MaxFirst)))
	r, err := Respond(t.Context(), b, testKeys)
	must(t, err)
	if err := r.Send(t.Context(), make([]byte, MaxFirst+1)); !errors.Is(err, ErrFirst) {
		t.Fatalf("a first frame that is too large: got error %v, want ErrFirst", err)
	}
	must(t, r.Send(t.Context(), make([]byte, MaxFirst)))
	for _, end := range []*Conn{i, r} {
		if frame, err := end.Receive(t.Context()); err != nil || len(frame) != MaxFirst {
			t.Errorf("got %d bytes and error %v", len(frame), err)
		}
	}
}

// Whoever waits for the other end's part of the handshake is woken: by its
// context, which leaves the link as it was, and by Close.
func TestWaitingForTheHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New()
		if _, err := Respond(timeout(t), b, testKeys); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Respond to silence: got error %v", err)
		}
		if err := a.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("a failed Respond left its link open: %v", err)
		}
		a, b = pipe.New()
		i, err := Initiate(a, testRoom, testKey)
		must(t, err)
		if _, err := i.Receive(timeout(t)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Receive before Send: got error %v", err)
		}
		must(t, i.Send(t.Context(), []byte("hello")))
		if err := i.Send(timeout(t), []byte("second")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second Send without an answer: got error %v", err)
		}
		r, err := Respond(t.Context(), b, testKeys)
		must(t, err)
		wantFrame(t, r, "hello")
		if _, err := r.Receive(timeout(t)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a responder's second Receive before its Send: got error %v", err)
		}
		must(t, r.Send(t.Context(), []byte("hello back")))
		must(t, i.Send(t.Context(), []byte("second")))
		wantFrame(t, r, "second")
		wantFrame(t, i, "hello back")

		for _, late := range []bool{false, true} {
			a, _ := pipe.New()
			i, err := Initiate(a, testRoom, testKey)
			must(t, err)
			if late {
				must(t, i.Send(t.Context(), nil))
			}
			results := make(chan error, 2)
			go func() {
				_, err := i.Receive(t.Context())
				results <- err
			}()
			go func() {
				if late {
					results <- i.Send(t.Context(), nil)
				} else {
					_, err := i.Receive(timeout(t))
					results <- err
				}
			}()
			synctest.Wait()
			must(t, i.Close())
			for range 2 {
				if err := <-results; !errors.Is(err, transport.ErrClosed) {
					t.Errorf("woken by Close (late %t) with error %v, want ErrClosed", late, err)
				}
			}
		}
	})
}

func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}
