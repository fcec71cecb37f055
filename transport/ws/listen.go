//go:build !js

package ws

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/kdelta/kdelta/transport"
)

// backlog is how many links wait for Accept before more are turned away.
const backlog = 64

// maxHeader bounds what a request for a link says before it is one, in bytes.
const maxHeader = 16 << 10

// ListenOptions are Options and what a server of one's own needs.
type ListenOptions struct {
	Options
	// TLS makes it a wss:// listener; it needs a certificate.
	TLS *tls.Config
	// AllowPlain lets a listener without TLS be reached from other machines:
	// for networks that are safe by other means.
	AllowPlain bool
}

// Listener is a server that does nothing but make links, on any path.
type Listener struct {
	server *http.Server
	addr   string
	served chan struct{} // closed when the server has stopped
	links  chan *conn

	mu     sync.Mutex
	closed bool
	done   chan struct{} // closed by Close
}

// Listen opens a TCP address such as "127.0.0.1:0" or "[::]:8443". Errors:
// ErrPlain for an address off loopback without TLS, and those of the network.
func Listen(addr string, o ListenOptions) (*Listener, error) {
	bound, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("ws: listen: %w", err)
	}
	if o.TLS == nil && !o.AllowPlain && !bound.IP.IsLoopback() {
		return nil, fmt.Errorf("%w; listening on %q", ErrPlain, addr)
	}
	tcp, err := net.ListenTCP("tcp", bound)
	if err != nil {
		return nil, fmt.Errorf("ws: listen: %w", err)
	}
	socket, scheme := net.Listener(tcp), "ws"
	if o.TLS != nil {
		config := o.TLS.Clone()
		config.NextProtos = []string{"http/1.1"} // HTTP/2 has no connection to take over
		socket, scheme = tls.NewListener(tcp, config), "wss"
	}
	l := &Listener{
		addr:   scheme + "://" + socket.Addr().String(),
		served: make(chan struct{}),
		links:  make(chan *conn, backlog),
		done:   make(chan struct{}),
	}
	handler := newHandler(l.offer, o.Options)
	l.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: handler.options.Deadlines.Handshake,
		IdleTimeout:       handler.options.Deadlines.Handshake,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, 0), // strangers' mistakes are no news
	}
	go func() {
		defer close(l.served)
		_ = l.server.Serve(socket) // it ends by Close
	}()
	return l, nil
}

// offer queues a link for Accept.
func (l *Listener) offer(c *conn, _ *http.Request) {
	l.mu.Lock()
	word := closeWord{codeGoingAway, "the listener was closed"}
	if !l.closed {
		select {
		case l.links <- c:
			l.mu.Unlock()
			return
		default:
			word = closeWord{codeTryLater, "nobody accepts links"}
		}
	}
	l.mu.Unlock()
	c.shut(word)
}

// Accept implements transport.Listener.
func (l *Listener) Accept(ctx context.Context) (transport.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-l.done:
		return nil, transport.ErrClosed
	default:
	}
	select {
	case c := <-l.links:
		return c, nil
	case <-l.done:
		return nil, transport.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements transport.Listener.
func (l *Listener) Close() error {
	l.mu.Lock()
	first := !l.closed
	if first {
		l.closed = true
		close(l.done)
	}
	l.mu.Unlock()
	if !first {
		return nil
	}
	err := l.server.Close()
	<-l.served
	for {
		select {
		case c := <-l.links:
			c.shut(closeWord{codeGoingAway, "the listener was closed"})
		default:
			return err
		}
	}
}

// Addr implements transport.Listener: a ws:// or wss:// address.
func (l *Listener) Addr() string { return l.addr }
