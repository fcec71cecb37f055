//go:build js && wasm

package ws

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
)

func TestFramesBothWays(t *testing.T) {
	a, b := pair(t)
	ends := []*conn{a, b}
	sizes := []int{0, 1, 125, 126, 65535, 65536, 200_000, transport.MaxFrame}
	frame := func(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, sizes[i]) }
	for from := range ends {
		go func() {
			reused := make([]byte, transport.MaxFrame)
			for i := range sizes {
				sent := reused[:copy(reused, frame(i))]
				if err := ends[from].Send(t.Context(), sent); err != nil {
					t.Error(err)
				}
				clear(reused)
			}
		}()
	}
	for _, end := range ends {
		for i := range sizes {
			got, err := end.Receive(t.Context())
			if err != nil || !bytes.Equal(got, frame(i)) {
				t.Fatalf("frame %d: got %d bytes and error %v, want %d", i, len(got), err, sizes[i])
			}
		}
	}
	if err := a.Send(t.Context(), make([]byte, transport.MaxFrame+1)); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("a frame above the limit: got error %v, want ErrTooLarge", err)
	}
	must(t, a.Send(t.Context(), []byte("and on")))
	if got, err := b.Receive(t.Context()); err != nil || string(got) != "and on" {
		t.Errorf("after that: got %q and error %v", got, err)
	}
}

func TestCloseFlushes(t *testing.T) {
	a, b := pair(t)
	for i := range 50 {
		must(t, a.Send(t.Context(), []byte{byte(i)}))
	}
	must(t, a.Close())
	must(t, a.Close())
	for i := range 50 {
		if got, err := b.Receive(t.Context()); err != nil || len(got) != 1 || got[0] != byte(i) {
			t.Fatalf("frame %d: got %x and error %v", i, got, err)
		}
	}
	for _, end := range []*conn{a, b} {
		if _, err := end.Receive(t.Context()); err == nil || err.Error() != transport.ErrClosed.Error() {
			t.Errorf("Receive: got error %v, want ErrClosed alone", err)
		}
		if err := end.Send(t.Context(), nil); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("Send: got error %v, want ErrClosed", err)
		}
	}
}

// Send waits while the browser holds too much, and a Send given up sends
// nothing.
func TestSendWaits(t *testing.T) {
	a, b := pair(t)
	a.socket.Set("paused", true)
	half := make([]byte, maxUnsent/2)
	must(t, a.Send(t.Context(), half))
	must(t, a.Send(t.Context(), half))
	short, cancel := context.WithTimeout(t.Context(), 3*poll)
	defer cancel()
	if err := a.Send(short, []byte("given up")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Send on a full link: got error %v, want its context's", err)
	}
	sent := make(chan error, 1)
	go func() { sent <- a.Send(t.Context(), []byte("waited")) }()
	select {
	case err := <-sent:
		t.Fatalf("Send on a full link returned %v", err)
	case <-time.After(3 * poll):
	}
	a.socket.Set("paused", false)
	a.socket.Call("pump")
	must(t, <-sent)
	for _, want := range []int{len(half), len(half), len("waited")} {
		if got, err := b.Receive(t.Context()); err != nil || len(got) != want {
			t.Fatalf("got %d bytes and error %v, want %d", len(got), err, want)
		}
	}
}

// Close wakes who waits, at both ends.
func TestCloseWakes(t *testing.T) {
	a, b := pair(t)
	a.socket.Set("paused", true)
	must(t, a.Send(t.Context(), make([]byte, maxUnsent/2)))
	must(t, a.Send(t.Context(), make([]byte, maxUnsent/2)))
	results := make(chan error, 3)
	go func() { results <- a.Send(t.Context(), []byte("x")) }()
	for _, end := range []*conn{a, b} {
		go func() {
			for {
				if _, err := end.Receive(t.Context()); err != nil {
					results <- err
					return
				}
			}
		}()
	}
	must(t, b.Close())
	for range 3 {
		if err := <-results; !errors.Is(err, transport.ErrClosed) {
			t.Errorf("woken with error %v, want ErrClosed", err)
		}
	}
}

// What the other end does wrong ends the link with a name, and with a code
// that a page may send.
func TestHostileServers(t *testing.T) {
	array := func(size int) js.Value { return js.Global().Get("Uint8Array").New(size) }
	for _, c := range []struct {
		name  string
		do    func(other js.Value)
		want  error
		code  int
		found func(error) bool
	}{
		{"text", func(o js.Value) { o.Call("send", "hello") }, ErrProtocol, 4003, nil},
		{"one byte too many", func(o js.Value) { o.Call("send", array(transport.MaxFrame+1)) }, transport.ErrTooLarge, 4009, nil},
		{"more than a page can hold", func(o js.Value) {
			for range maxUnreceived/transport.MaxFrame + 1 {
				o.Call("send", array(transport.MaxFrame))
			}
		}, ErrStalled, 4013, nil},
		{"more frames than a page can hold", func(o js.Value) {
			for range maxUnreceivedFrames + 1 {
				o.Call("send", array(0))
			}
		}, ErrStalled, 4013, nil},
		{"a reason", func(o js.Value) { o.Call("end", 1013, "full \x1b[31m") }, transport.ErrClosed, 1013, func(err error) bool {
			var told *CloseError
			return errors.As(err, &told) && told.Code == 1013 && told.Reason == "full ?[31m"
		}},
		{"broken", func(o js.Value) { o.Get("peer").Call("fail") }, errLost, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			link, other := server(t)
			closed := make(chan int, 1)
			told := js.FuncOf(func(_ js.Value, args []js.Value) any {
				closed <- args[0].Get("code").Int()
				return nil
			})
			defer told.Release()
			other.Set("onclose", told)
			c.do(other)
			<-link.(*conn).in.done
			var err error
			for err == nil {
				_, err = link.Receive(t.Context())
			}
			if !errors.Is(err, c.want) || !errors.Is(err, transport.ErrClosed) || c.found != nil && !c.found(err) {
				t.Errorf("got error %v, want %v with ErrClosed", err, c.want)
			}
			if c.code != 0 {
				if code := <-closed; code != c.code {
					t.Errorf("the other end was told %d, want %d", code, c.code)
				}
			}
		})
	}
}

func TestDial(t *testing.T) {
	page(t)
	for _, c := range []struct {
		addr string
		want error
	}{
		{"", ErrAddress},
		{"relay.example", ErrAddress},
		{"https://relay.example/", ErrAddress},
		{"file:///etc/passwd", ErrAddress},
		{"ws://user:secret@localhost/", ErrAddress},
		{"ws://localhost/#room", ErrAddress},
		{"ws://relay.example/", ErrPlain},
		{"ws://192.0.2.1/", ErrPlain},
		{"ws://127.0.0.1.nip.io/", ErrPlain},
		{"ws://127.evil.example/", ErrPlain},
		{"ws://localhost.example/", ErrPlain},
		{"wss://relay.example/refuse", ErrRefused},
		{"wss://relay.example/plain", ErrRefused},
		{"wss://relay.example/deflate", ErrRefused},
	} {
		_, err := new(Dialer).Dial(t.Context(), c.addr)
		if !errors.Is(err, c.want) {
			t.Errorf("Dial(%q): got error %v, want %v", c.addr, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Dial(%q) shows the password: %v", c.addr, err)
		}
	}
	for _, addr := range []string{"ws://localhost:1/", "ws://127.0.0.1/", "ws://127.1/", "ws://[::1]:8080/", "wss://relay.example/"} {
		link, err := new(Dialer).Dial(t.Context(), addr)
		must(t, err)
		must(t, link.Close())
	}
	plain := Dialer{AllowPlain: true}
	link, err := plain.Dial(t.Context(), "ws://relay.example/")
	must(t, err)
	must(t, link.Close())
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := new(Dialer).Dial(short, "wss://relay.example/never"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that never answers: got error %v, want the context's", err)
	}
	js.Global().Set("WebSocket", js.Undefined())
	if _, err := new(Dialer).Dial(t.Context(), address); !errors.Is(err, errNoWebSocket) {
		t.Errorf("without WebSocket: got error %v", err)
	}
}
