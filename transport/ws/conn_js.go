//go:build js && wasm

package ws

import (
	"context"
	"errors"
	"sync"
	"syscall/js"
	"time"

	"github.com/kdelta/kdelta/transport"
)

const (
	// maxUnsent is how much the browser may hold of what was sent before Send
	// waits, in bytes.
	maxUnsent = 2 * transport.MaxFrame
	// What may wait to be received before the link is given up, in bytes and in
	// frames: a page cannot make a sender wait.
	maxUnreceived       = 16 << 20
	maxUnreceivedFrames = 16 << 10
	// poll is how often a waiting Send looks again: browsers do not tell when
	// they have sent something.
	poll = 5 * time.Millisecond
	// pageCodes is added to the last three digits of a close code: pages may
	// close with 1000 and 4000 to 4999 alone.
	pageCodes = 4000 - 1000
)

// errLost says all that a browser tells of a broken connection.
var errLost = errors.New("ws: the connection was lost")

// conn is one end of a link over a page's WebSocket.
type conn struct {
	socket   js.Value
	in       *inbox
	open     chan struct{} // closed when the handshake is done
	once     sync.Once     // of closing
	handlers []js.Func     // released when the socket has closed
}

// start makes a link of a WebSocket that connects, or has.
func start(socket js.Value) *conn {
	c := &conn{socket: socket, in: newInbox(), open: make(chan struct{})}
	socket.Set("binaryType", "arraybuffer")
	c.on("open", func(js.Value) { close(c.open) })
	c.on("message", func(event js.Value) { c.message(event.Get("data")) })
	c.on("error", func(js.Value) { c.in.end(broken(errLost)) }) // a close event follows in browsers, not in every node
	c.on("close", func(event js.Value) {
		c.in.end(closeReason(event.Get("code").Int(), event.Get("reason").String()))
		for _, h := range c.handlers {
			h.Release()
		}
	})
	return c
}

// closeReason is the error for a close event.
func closeReason(code int, reason string) error {
	const abnormal = 1006 // never sent: it stands for having heard nothing
	if code == abnormal {
		return broken(errLost)
	}
	return closedBy(code, reason)
}

// on sets a handler. Handlers run on the page's event loop: they never wait.
func (c *conn) on(event string, do func(event js.Value)) {
	h := js.FuncOf(func(_ js.Value, args []js.Value) any {
		do(args[0])
		return nil
	})
	c.handlers = append(c.handlers, h)
	c.socket.Set("on"+event, h)
}

// message takes what the socket received.
func (c *conn) message(data js.Value) {
	if data.Type() == js.TypeString {
		c.giveUp(ErrProtocol, codeUnsupported)
		return
	}
	bytes := js.Global().Get("Uint8Array").New(data)
	switch size := bytes.Length(); {
	case size > transport.MaxFrame:
		c.giveUp(transport.ErrTooLarge, codeTooLarge)
	case c.in.full(size):
		c.giveUp(ErrStalled, codeTryLater)
	default:
		frame := make([]byte, size)
		js.CopyBytesToGo(frame, bytes)
		c.in.put(frame)
	}
}

// full reports whether no frame of the given size may wait beside the others.
func (b *inbox) full(size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes+size > maxUnreceived || len(b.frames) >= maxUnreceivedFrames
}

// giveUp ends the link for cause.
func (c *conn) giveUp(cause error, code int) {
	c.in.end(broken(cause))
	c.shut(code + pageCodes)
}

// Send implements transport.Conn.
func (c *conn) Send(ctx context.Context, frame []byte) error {
	if len(frame) > transport.MaxFrame {
		return transport.ErrTooLarge
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.in.reason(); err != nil {
			return err
		}
		if unsent := c.socket.Get("bufferedAmount").Int(); unsent == 0 || unsent+len(frame) <= maxUnsent {
			break
		}
		again := time.NewTimer(poll)
		select {
		case <-again.C:
		case <-c.in.done:
		case <-ctx.Done():
		}
		again.Stop()
	}
	bytes := js.Global().Get("Uint8Array").New(len(frame))
	js.CopyBytesToJS(bytes, frame)
	c.socket.Call("send", bytes)
	return nil
}

// Receive implements transport.Conn.
func (c *conn) Receive(ctx context.Context) ([]byte, error) { return c.in.take(ctx) }

// Close implements transport.Conn. The browser sends what it holds, says
// goodbye and sees the end through by itself.
func (c *conn) Close() error {
	c.in.end(transport.ErrClosed)
	c.shut(codeDone)
	return nil
}

func (c *conn) shut(code int) {
	c.once.Do(func() { c.socket.Call("close", code) })
}
