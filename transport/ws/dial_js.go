//go:build js && wasm

package ws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall/js"

	"github.com/kdelta/kdelta/transport"
)

// errNoWebSocket says that there is nothing to make links with.
var errNoWebSocket = errors.New("ws: this JavaScript environment has no WebSocket")

// Dialer makes links to addresses such as "wss://relay.example/room" or
// "ws://127.0.0.1:8080/sync", through the page's own WebSocket. The zero Dialer
// is ready for use. Pages served over https are kept from ws:// by the browser as well.
type Dialer struct {
	// AllowPlain lets ws:// leave this machine: for networks that are safe by
	// other means.
	AllowPlain bool
}

// Dial implements transport.Dialer. Errors: ErrAddress and ErrPlain before
// anything is sent, ErrRefused for every failure after that, since a browser
// does not say which it was, and the context's error.
func (d *Dialer) Dial(ctx context.Context, addr string) (transport.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := CheckAddress(addr, d.AllowPlain); err != nil {
		return nil, err
	}
	class := js.Global().Get("WebSocket")
	if class.IsUndefined() {
		return nil, errNoWebSocket
	}
	socket, err := construct(class, addr, Subprotocol)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	c := start(socket)
	select {
	case <-c.open:
	case <-c.in.done:
		return nil, fmt.Errorf("%w: %w", ErrRefused, c.in.reason())
	case <-ctx.Done():
		_ = c.Close() // nothing was sent that could be lost
		return nil, ctx.Err()
	}
	if socket.Get("protocol").String() != Subprotocol || socket.Get("extensions").String() != "" {
		_ = c.Close()
		return nil, fmt.Errorf("%w: it does not speak %s, or insists on websocket extensions", ErrRefused, Subprotocol)
	}
	return c, nil
}

// construct calls a JavaScript constructor and returns what it throws.
func construct(class js.Value, args ...any) (value js.Value, err error) {
	defer func() {
		thrown := recover()
		switch thrown := thrown.(type) {
		case nil:
		case js.Error:
			err = errors.New(printable(thrown.Error()))
		default:
			panic(thrown)
		}
	}()
	return class.New(args...), nil
}

// CheckAddress finds out whether a link may be dialled at addr, by the
// browser's own reading of it.
func CheckAddress(addr string, allowPlain bool) error {
	u, err := construct(js.Global().Get("URL"), addr)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	part := func(name string) string { return u.Get(name).String() }
	switch {
	case part("protocol") != "ws:" && part("protocol") != "wss:":
		return fmt.Errorf("%w; its scheme is %q", ErrAddress, part("protocol"))
	case part("username") != "" || part("password") != "":
		return fmt.Errorf("%w: a user name or password has no place in it", ErrAddress)
	case part("hash") != "":
		return fmt.Errorf("%w: a fragment has no place in it", ErrAddress)
	case part("protocol") == "ws:" && !allowPlain && !isLoopback(part("hostname")):
		return fmt.Errorf("%w; the host is %q", ErrPlain, part("hostname"))
	}
	return nil
}

// isLoopback reports whether a host, as the browser writes it, names this
// machine. The browser writes an IPv4 address in four decimal numbers, whatever
// form it came in, and nothing else ends in one.
func isLoopback(host string) bool {
	if host == "localhost" || host == "[::1]" {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	isAddress := last != "" && strings.Trim(last, "0123456789") == ""
	return isAddress && strings.HasPrefix(host, "127.")
}
