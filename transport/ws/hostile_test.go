//go:build !js

package ws_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/ws"
)

// Whatever a client sends, the link ends with a name for it and the client is
// told by a close code; what came whole before is received.
func TestHostileClients(t *testing.T) {
	const limit = transport.MaxFrame
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name string
		send []byte
		want error // beside ErrClosed; nil for ErrClosed alone
		code int   // -1: the connection may end without one
	}{
		{"text", whole(fin|opText, []byte("hello")), ws.ErrProtocol, 1003},
		{"one byte too many", frame(fin|opBinary, limit+1, nil), transport.ErrTooLarge, 1009},
		{"one byte too many, and all the others", whole(fin|opBinary, make([]byte, limit+1)), transport.ErrTooLarge, 1009},
		{"2^63-1 bytes claimed", frame(fin|opBinary, math.MaxInt64, nil), transport.ErrTooLarge, 1009},
		{"2^64-1 bytes claimed", frame(fin|opBinary, math.MaxUint64, nil), transport.ErrTooLarge, 1009},
		{
			"too many bytes in fragments",
			join(whole(opBinary, make([]byte, limit)), whole(fin|opContinue, make([]byte, 1))), transport.ErrTooLarge, 1009,
		},
		{"fragments that overflow a sum", join(whole(opBinary, []byte("x")), frame(opContinue, math.MaxInt64, nil)), transport.ErrTooLarge, 1009},
		{"no mask", []byte{fin | opBinary, 1, 'x'}, ws.ErrProtocol, 1002},
		{"compressed", whole(fin|rsv1|opBinary, []byte("x")), ws.ErrProtocol, 1002},
		{"reserved bits", whole(fin|0x30|opBinary, []byte("x")), ws.ErrProtocol, 1002},
		{"unknown opcode", whole(fin|3, []byte("x")), ws.ErrProtocol, 1002},
		{"unknown control opcode", whole(fin|0xb, []byte("x")), ws.ErrProtocol, 1002},
		{"continuation of nothing", whole(fin|opContinue, []byte("x")), ws.ErrProtocol, 1002},
		{"a message within a message", join(whole(opBinary, []byte("x")), whole(fin|opBinary, []byte("y"))), ws.ErrProtocol, 1002},
		{"large ping", whole(fin|opPing, make([]byte, 126)), ws.ErrProtocol, 1002},
		{"ping in fragments", whole(opPing, []byte("x")), ws.ErrProtocol, 1002},
		{"close code that is none", closing(999, ""), ws.ErrProtocol, 1002},
		{"close code that must not be sent", closing(1006, ""), ws.ErrProtocol, 1002},
		{"close reason that is not UTF-8", closing(1000, "\xff\xfe"), ws.ErrProtocol, 1002},
		{"flood of pings", repeated(whole(fin|opPing, nil), 2_000_000), ws.ErrFlood, -1},
		{"flood of pongs", repeated(whole(fin|opPong, make([]byte, 125)), 60_000), ws.ErrFlood, -1},
		{"flood of empty fragments", join(whole(opBinary, nil), repeated(whole(opContinue, nil), 2_000_000)), ws.ErrFlood, -1},
		{"flood of tiny fragments", join(whole(opBinary, nil), repeated(whole(opContinue, []byte("x")), 1_000_000)), ws.ErrFlood, -1},
		{"done", closing(1000, ""), nil, 1000},
		{"going away", closing(1001, "bye"), nil, 1001},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, link := rawLink(t, ws.ListenOptions{})
			code := make(chan int, 1)
			go func() {
				got, err := p.closeCode()
				if err != nil && c.code >= 0 {
					t.Errorf("no close message: %v", err)
				}
				code <- got
			}()
			if _, err := p.Write(append(whole(fin|opBinary, []byte("before")), c.send...)); err != nil && c.code >= 0 {
				t.Fatal(err)
			}
			wantFrame(t, link, "before")
			for range 2 {
				_, err := link.Receive(t.Context())
				if !errors.Is(err, transport.ErrClosed) || c.want != nil && !errors.Is(err, c.want) {
					t.Fatalf("Receive: got error %v, want %v with ErrClosed", err, c.want)
				}
				var told *ws.CloseError
				if c.want == nil && (errors.As(err, &told) || err.Error() != transport.ErrClosed.Error()) {
					t.Errorf("Receive: got error %v, want ErrClosed alone", err)
				}
			}
			if err := link.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
				t.Errorf("Send: got error %v, want ErrClosed", err)
			}
			if got := <-code; c.code >= 0 && got != c.code {
				t.Errorf("the client was told %d, want %d", got, c.code)
			}
		})
	}
}

// A stranger's close reason is shown, and cannot write to a terminal.
func TestCloseReason(t *testing.T) {
	p, link := rawLink(t, ws.ListenOptions{})
	_, err := p.Write(closing(4001, "no \x1b[31mroom\nleft"))
	must(t, err)
	_, err = link.Receive(t.Context())
	var told *ws.CloseError
	if !errors.As(err, &told) || !errors.Is(err, transport.ErrClosed) {
		t.Fatalf("got error %v, want CloseError with ErrClosed", err)
	}
	if told.Code != 4001 || told.Reason != "no ?[31mroom?left" {
		t.Errorf("got code %d and reason %q", told.Code, told.Reason)
	}
	if code, err := p.closeCode(); err != nil || code != 4001 {
		t.Errorf("the close was answered with %d, %v", code, err)
	}
}

// Fragments and pings in between are what they are: one message.
func TestFragments(t *testing.T) {
	p, link := rawLink(t, ws.ListenOptions{})
	_, err := p.Write(whole(opBinary, []byte("one ")))
	must(t, err)
	for _, b := range [][]byte{whole(fin|opPing, []byte("?")), whole(opContinue, nil), whole(fin|opContinue, []byte("message"))} {
		_, err := p.Write(b)
		must(t, err)
	}
	wantFrame(t, link, "one message")
	first, payload, err := p.next()
	if err != nil || first != fin|opPong || string(payload) != "?" {
		t.Errorf("the ping was answered with %#x %q, %v", first, payload, err)
	}
}

// A connection cut within a message gives what came whole, then ErrClosed.
func TestCutWithinAMessage(t *testing.T) {
	message := append(whole(fin|opBinary, []byte("whole")), whole(fin|opBinary, []byte("half"))...)
	for cut := range len(message) {
		p, link := rawLink(t, ws.ListenOptions{})
		_, err := p.Write(message[:cut])
		must(t, err)
		must(t, p.Close())
		if cut >= len(whole(fin|opBinary, []byte("whole"))) {
			wantFrame(t, link, "whole")
		}
		if got, err := link.Receive(t.Context()); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("cut at %d: got %q and %s, want ErrClosed", cut, got, describe(err))
		}
	}
}

// Who says nothing at all is gone: a peer that died, a half-open connection.
func TestSilence(t *testing.T) {
	quick := ws.Deadlines{Idle: 150 * time.Millisecond}
	t.Run("a client that never answers a ping", func(t *testing.T) {
		_, link := rawLink(t, ws.ListenOptions{Options: ws.Options{Deadlines: quick}})
		if _, err := link.Receive(t.Context()); !errors.Is(err, ws.ErrIdle) || !errors.Is(err, transport.ErrClosed) {
			t.Errorf("got error %v, want ErrIdle with ErrClosed", err)
		}
	})
	t.Run("a client that falls silent within a message", func(t *testing.T) {
		p, link := rawLink(t, ws.ListenOptions{Options: ws.Options{Deadlines: quick}})
		_, err := p.Write(frame(fin|opBinary, 1000, []byte("the beginning")))
		must(t, err)
		if _, err := link.Receive(t.Context()); !errors.Is(err, ws.ErrIdle) {
			t.Errorf("got error %v, want ErrIdle", err)
		}
	})
	t.Run("a client that answers pings has all the time in the world", func(t *testing.T) {
		p, link := rawLink(t, ws.ListenOptions{Options: ws.Options{Deadlines: quick}})
		for range 9 { // three times Idle
			first, payload, err := p.next()
			if err != nil || first != fin|opPing {
				t.Fatalf("waiting for a ping: got %#x, %v", first, err)
			}
			_, err = p.Write(whole(fin|opPong, payload))
			must(t, err)
		}
		_, err := p.Write(whole(fin|opBinary, []byte("still here")))
		must(t, err)
		wantFrame(t, link, "still here")
	})
	t.Run("pongs without a frame may go on for ever, in measure", func(t *testing.T) {
		p, link := rawLink(t, ws.ListenOptions{Options: ws.Options{Deadlines: quick}})
		await := func(first byte, payload string) {
			for {
				f, said, err := p.next()
				must(t, err)
				if f == first && string(said) == payload {
					return
				}
			}
		}
		for range 3 { // together more than anybody may say at once
			_, err := p.Write(repeated(whole(fin|opPong, make([]byte, 125)), 16_000))
			must(t, err)
			_, err = p.Write(whole(fin|opPing, []byte("all read?")))
			must(t, err)
			await(fin|opPong, "all read?")
			await(fin|opPing, "")
		}
		_, err := p.Write(whole(fin|opBinary, []byte("still here")))
		must(t, err)
		wantFrame(t, link, "still here")
	})
	t.Run("two of our ends keep each other alive", func(t *testing.T) {
		l := listen(t, ws.ListenOptions{Options: ws.Options{Deadlines: quick}})
		a, b := pair(t, l, &ws.Dialer{Deadlines: quick})
		long := timeout(t, 3*quick.Idle)
		_, errA := a.Receive(long)
		_, errB := b.Receive(long)
		if errors.Is(errA, transport.ErrClosed) || errors.Is(errB, transport.ErrClosed) {
			t.Errorf("a silent link of two living ends ended: %v, %v", errA, errB)
		}
		must(t, a.Close())
		must(t, b.Close())
	})
}

// Who takes nothing is cut off, and does not keep a sender for ever.
func TestSlowReader(t *testing.T) {
	p, link := rawLink(t, ws.ListenOptions{Options: ws.Options{Deadlines: ws.Deadlines{Stall: 200 * time.Millisecond}}})
	go func() { // alive, and deaf
		for {
			if _, err := p.Write(whole(fin|opPong, nil)); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	var err error
	for sent := 0; err == nil; sent++ {
		if sent > transporttestMax {
			t.Fatal("a client that never reads was sent more than a link may hold")
		}
		err = link.Send(t.Context(), make([]byte, 1<<20))
	}
	if !errors.Is(err, ws.ErrStalled) || !errors.Is(err, transport.ErrClosed) {
		t.Errorf("got error %v, want ErrStalled with ErrClosed", err)
	}
}

// A request that drips is given up.
func TestSlowRequest(t *testing.T) {
	l := listen(t, ws.ListenOptions{Options: ws.Options{Deadlines: ws.Deadlines{Handshake: 100 * time.Millisecond}}})
	p := dialRaw(t, l)
	_, err := p.Write([]byte("GET / HTTP/1.1\r\nHost: local"))
	must(t, err)
	answer := make([]byte, 1)
	if _, err := p.Read(answer); err == nil {
		t.Error("half a request was answered")
	} else if strings.Contains(err.Error(), "timeout") {
		t.Error("the connection of half a request stays open")
	}
}
