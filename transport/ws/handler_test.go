//go:build !js

package ws_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/transporttest"
	"github.com/kdelta/kdelta/transport/ws"
)

// transporttestMax is what a link may hold, in frames of 1 MiB.
const transporttestMax = transporttest.MaxUnreceived >> 20

func timeout(t testing.TB, after time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	t.Cleanup(cancel)
	return ctx
}

func dialRaw(t testing.TB, l *ws.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(l.Addr(), "ws://"))
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// Who may make a link: the names, origins and handshakes that the server knows
// (the web page that attacks a node on its own machine is in these rows).
func TestWhoMayConnect(t *testing.T) {
	l := listen(t, ws.ListenOptions{Options: ws.Options{
		Hosts:   []string{"relay.example"},
		Origins: []string{"https://app.example", "http://localhost:5173"},
	}})
	address := strings.TrimPrefix(l.Addr(), "ws://")
	const ok = http.StatusSwitchingProtocols
	for _, c := range []struct {
		name   string
		lines  []string
		status int
	}{
		{"a program, no origin", nil, ok},
		{"called by IP address", []string{"Host: 127.0.0.1:1234"}, ok},
		{"called by IPv6 address", []string{"Host: [::1]:1234"}, ok},
		{"called by IPv6 address, no port", []string{"Host: [2001:db8::1]"}, ok},
		{"called by a listed name", []string{"Host: relay.example"}, ok},
		{"called by a listed name, a port", []string{"Host: RELAY.example:8443"}, ok},
		{"called by another name", []string{"Host: evil.example"}, 403},
		{"a name that begins well", []string{"Host: localhost.evil.example"}, 403},
		{"a name that ends well", []string{"Host: notrelay.example"}, 403},
		{"a name made of an address", []string{"Host: 127.0.0.1.nip.io"}, 403},
		{"an empty name", []string{"Host:  "}, 403},
		{"no name", []string{"Host: "}, 400},
		{"two names", []string{"Host: localhost\r\nHost: evil.example"}, 400},
		{"own origin", []string{"Host: " + address, "Origin: http://" + address}, ok},
		{"listed origin", []string{"Origin: https://app.example"}, ok},
		{"listed origin with a port", []string{"Origin: http://localhost:5173"}, ok},
		{"other origin", []string{"Origin: https://evil.example"}, 403},
		{"origin of another port", []string{"Host: " + address, "Origin: http://127.0.0.1:1"}, 403},
		{"origin of another scheme", []string{"Host: " + address, "Origin: https://" + address}, 403},
		{"listed origin by another scheme", []string{"Origin: http://app.example"}, 403},
		{"listed origin as a prefix", []string{"Origin: https://app.example.evil.example"}, 403},
		{"listed origin with a user", []string{"Origin: https://app.example@evil.example"}, 403},
		{"a file's origin", []string{"Origin: null"}, 403},
		{"an empty origin", []string{"Origin:  "}, 403},
		{"two origins", []string{"Origin: https://app.example", "Origin: https://evil.example"}, 403},
		{"other name and its own origin", []string{"Host: evil.example", "Origin: http://evil.example"}, 403},
		{"no subprotocol", []string{"Sec-WebSocket-Protocol: "}, 400},
		{"other subprotocol", []string{"Sec-WebSocket-Protocol: graphql-ws"}, 400},
		{"ours among others", []string{"Sec-WebSocket-Protocol: graphql-ws, " + ws.Subprotocol}, ok},
		{"compression offered is not taken", []string{"Sec-WebSocket-Extensions: permessage-deflate"}, ok},
		{"old websocket version", []string{"Sec-WebSocket-Version: 8"}, 400},
		{"no key", []string{"Sec-WebSocket-Key: "}, 400},
		{"short key", []string{"Sec-WebSocket-Key: c2hvcnQ="}, 400},
		{"no upgrade", []string{"Upgrade: "}, 400},
		{"other method", []string{"Method: POST"}, 405},
		{"headers without end", []string{"X-Long: " + strings.Repeat("x", 64<<10)}, 431},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, answer := ask(t, l, upgradeRequest("localhost", c.lines...)) //nolint:bodyclose // it goes with its connection
			if answer.StatusCode != c.status {
				t.Fatalf("status %d, want %d", answer.StatusCode, c.status)
			}
			if c.status != ok {
				return
			}
			if extensions := answer.Header.Get("Sec-WebSocket-Extensions"); extensions != "" {
				t.Errorf("it took up %q", extensions)
			}
			link, err := l.Accept(t.Context())
			must(t, err)
			must(t, link.Close())
		})
	}
}

// More links than MaxLinks wait outside; who leaves makes room.
func TestMaxLinks(t *testing.T) {
	l := listen(t, ws.ListenOptions{Options: ws.Options{MaxLinks: 2}})
	a1, b1 := pair(t, l, &ws.Dialer{})
	a2, b2 := pair(t, l, &ws.Dialer{})
	_, err := new(ws.Dialer).Dial(t.Context(), l.Addr())
	if !errors.Is(err, ws.ErrRefused) || !strings.Contains(err.Error(), "503") {
		t.Fatalf("the third link: got error %v, want ErrRefused with status 503", err)
	}
	must(t, a1.Close())
	must(t, b1.Close())
	for {
		a3, err := new(ws.Dialer).Dial(t.Context(), l.Addr())
		if err == nil {
			must(t, a3.Close())
			break
		}
		if !errors.Is(err, ws.ErrRefused) { // the link that was closed is not gone yet
			t.Fatal(err)
		}
	}
	must(t, a2.Close())
	must(t, b2.Close())
}

// A Handler serves inside somebody else's mux and lets the rest be.
func TestHandlerInAMux(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("GET /sync", ws.NewHandler(func(link transport.Conn, r *http.Request) {
		frame, err := link.Receive(r.Context())
		if err == nil {
			err = link.Send(context.WithoutCancel(r.Context()), append(frame, r.URL.Query().Get("room")...))
		}
		if err := errors.Join(err, link.Close()); err != nil {
			t.Error(err)
		}
	}, ws.Options{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })
	server := httptest.NewServer(mux)
	defer server.Close()
	link, err := new(ws.Dialer).Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/sync?room=a")
	must(t, err)
	must(t, link.Send(t.Context(), []byte("hello ")))
	wantFrame(t, link, "hello a")
	if _, err := link.Receive(t.Context()); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("got error %v, want ErrClosed", err)
	}
	must(t, link.Close())
	if _, err := new(ws.Dialer).Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/healthz"); !errors.Is(err, ws.ErrRefused) {
		t.Errorf("dialling a page: got error %v, want ErrRefused", err)
	}
}

// A plain listener stays on this machine unless told otherwise.
func TestPlainListener(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		if l, err := ws.Listen(addr, ws.ListenOptions{}); !errors.Is(err, ws.ErrPlain) {
			t.Errorf("Listen(%q): got %v and error %v, want ErrPlain", addr, l, err)
		}
	}
	if _, err := ws.Listen("no address", ws.ListenOptions{}); err == nil || errors.Is(err, ws.ErrPlain) {
		t.Errorf("Listen of nonsense: got error %v", err)
	}
}

// Links that nobody accepts are turned away, with a reason.
func TestBacklog(t *testing.T) {
	l := listen(t, ws.ListenOptions{})
	const backlog = 64
	ends := make(chan error, backlog+1)
	for range backlog + 1 {
		link, err := new(ws.Dialer).Dial(t.Context(), l.Addr())
		must(t, err)
		go func() {
			_, err := link.Receive(t.Context())
			ends <- errors.Join(err, link.Close())
		}()
	}
	var told *ws.CloseError
	if err := <-ends; !errors.As(err, &told) || told.Code != 1013 {
		t.Errorf("one link too many: got error %v, want code 1013", err)
	}
	must(t, l.Close())
	for range backlog {
		if err := <-ends; !errors.Is(err, transport.ErrClosed) {
			t.Errorf("a link in the backlog of a listener that was closed: got error %v, want ErrClosed", err)
		}
	}
}
