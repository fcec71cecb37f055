//go:build !js

package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/gorilla/websocket"

	"github.com/kdelta/kdelta/transport"
)

// clientBuffer is where the dialling end masks what it writes, and so the
// largest piece that it writes at once.
const clientBuffer = 64 << 10

// Dialer makes links to addresses such as "wss://relay.example/room" or
// "ws://127.0.0.1:8080/sync". The zero Dialer is ready for use.
type Dialer struct {
	// AllowPlain lets ws:// leave this machine: for networks that are safe by
	// other means.
	AllowPlain bool
	// TLS is for wss://; nil means the system's roots.
	TLS *tls.Config
	// Deadlines of the links.
	Deadlines Deadlines
}

// Dial implements transport.Dialer. Errors: ErrAddress and ErrPlain before
// anything is sent, ErrRefused with what the other end answered, the context's
// error, and those of the network and TLS.
func (d *Dialer) Dial(ctx context.Context, addr string) (transport.Conn, error) {
	if err := CheckAddress(addr, d.AllowPlain); err != nil {
		return nil, err
	}
	deadlines := d.Deadlines.withDefaults()
	making, cancel := context.WithTimeout(ctx, deadlines.Handshake)
	defer cancel()
	var m *meter
	stop := func() bool { return true }
	dialer := websocket.Dialer{
		Subprotocols:    []string{Subprotocol},
		TLSClientConfig: d.TLS,
		WriteBufferSize: clientBuffer,
		NetDialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(making, network, address)
			if err != nil {
				return nil, err
			}
			m = newMeter(c)
			stop = context.AfterFunc(making, m.sever) // the library heeds a context while it dials only
			return m, nil
		},
	}
	w, answer, err := dialer.DialContext(making, addr, nil) //nolint:bodyclose // the library has read it into memory
	inTime := stop()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case making.Err() != nil || !inTime:
		err = fmt.Errorf("ws: no answer within %v: %w", deadlines.Handshake, context.DeadlineExceeded)
	case err != nil:
		return nil, refused(answer, err)
	default:
		err = checkAnswer(answer, w.Subprotocol())
	}
	if err == nil {
		err = m.establish(deadlines)
	}
	if err != nil {
		if w != nil {
			_ = w.Close() // nothing was sent that could be lost
		}
		return nil, err
	}
	return start(w, m, deadlines, func() {}), nil
}

// refused is the error for an answer that is no upgrade.
func refused(answer *http.Response, err error) error {
	if op, isOp := errors.AsType[*net.OpError](err); isOp && op.Op == "dial" {
		return fmt.Errorf("ws: %w", err) // it says itself that it dialled
	}
	if answer == nil {
		return fmt.Errorf("ws: dial: %w", err)
	}
	says := answer.Status
	why, _ := io.ReadAll(io.LimitReader(answer.Body, 123))                    // what cannot be read is not shown
	if text := strings.TrimSpace(string(why)); text != "" && text[0] != '<' { // a page is for a browser
		says += ": " + text
	}
	return fmt.Errorf("%w: HTTP status %s", ErrRefused, printable(says))
}

// checkAnswer looks at what the library does not: it takes up any extension
// that a server names, asked for or not.
func checkAnswer(answer *http.Response, subprotocol string) error {
	if len(answer.Header.Values("Sec-WebSocket-Extensions")) > 0 {
		return fmt.Errorf("%w: it insists on websocket extensions, and compression is one", ErrRefused)
	}
	if subprotocol != Subprotocol {
		return fmt.Errorf("%w: it does not speak %s", ErrRefused, Subprotocol)
	}
	return nil
}
