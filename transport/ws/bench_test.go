//go:build !js

package ws_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/ws"
)

// raw is the library alone in the shape of a link: no reader of its own, no
// deadlines, no limits.
type raw struct{ *websocket.Conn }

func (r raw) Send(_ context.Context, frame []byte) error {
	return r.WriteMessage(websocket.BinaryMessage, frame)
}

func (r raw) Receive(context.Context) ([]byte, error) {
	_, frame, err := r.ReadMessage()
	return frame, err
}

func rawPair(b *testing.B) (dialled, accepted transport.Conn) {
	b.Helper()
	links := make(chan *websocket.Conn, 1)
	up := websocket.Upgrader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			b.Error(err)
		}
		links <- c
	}))
	b.Cleanup(server.Close)
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil) //nolint:bodyclose // an upgrade has no body
	must(b, err)
	return raw{c}, raw{<-links}
}

// kinds are what is measured beside each other.
func kinds(b *testing.B, run func(b *testing.B, dialled, accepted transport.Conn)) {
	b.Helper()
	for _, kind := range []string{"gorilla", "ws"} {
		b.Run(kind, func(b *testing.B) {
			var dialled, accepted transport.Conn
			if kind == "ws" {
				dialled, accepted = pair(b, listen(b, ws.ListenOptions{}), &ws.Dialer{})
			} else {
				dialled, accepted = rawPair(b)
			}
			run(b, dialled, accepted)
			_ = dialled.Close() // whichever end is first, the other has gone by then
			_ = accepted.Close()
		})
	}
}

// BenchmarkThroughput sends frames one way: up from who dialled, down to it.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 256 << 10, transport.MaxFrame} {
		for _, way := range []string{"up", "down"} {
			b.Run(fmt.Sprintf("%d/%s", size, way), func(b *testing.B) {
				kinds(b, func(b *testing.B, from, to transport.Conn) {
					if way == "down" {
						from, to = to, from
					}
					stopped := make(chan struct{})
					go func() {
						defer close(stopped)
						frame := make([]byte, size)
						for from.Send(b.Context(), frame) == nil {
						}
					}()
					b.SetBytes(int64(size))
					for b.Loop() {
						if _, err := to.Receive(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
					_ = to.Close()
					<-stopped
				})
			})
		}
	}
}

// BenchmarkRoundTrip sends a small frame there and back.
func BenchmarkRoundTrip(b *testing.B) {
	kinds(b, func(b *testing.B, here, there transport.Conn) {
		go func() {
			for {
				frame, err := there.Receive(b.Context())
				if err != nil || there.Send(b.Context(), frame) != nil {
					return
				}
			}
		}()
		frame := make([]byte, 200)
		for b.Loop() {
			must(b, here.Send(b.Context(), frame))
			if _, err := here.Receive(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDial makes links and closes them.
func BenchmarkDial(b *testing.B) {
	l := listen(b, ws.ListenOptions{})
	for b.Loop() {
		here, there := pair(b, l, &ws.Dialer{})
		must(b, here.Close())
		must(b, there.Close())
	}
}
