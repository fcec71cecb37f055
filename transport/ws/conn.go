//go:build !js

package ws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kdelta/kdelta/transport"
)

// closeGrace bounds each step of the end: writing the close message, and
// waiting for the other end's.
const closeGrace = 5 * time.Second

// A link's read buffer grows with the frames that arrive. Between two frames it
// is kept up to keepScratch bytes.
const (
	firstScratch = 4 << 10
	keepScratch  = 512 << 10
)

// conn is one end of a link.
type conn struct {
	ws        *websocket.Conn
	meter     *meter
	deadlines Deadlines
	in        *inbox
	scratch   []byte // the reader's: a frame grows here

	sending sync.Mutex    // held by whoever writes a frame, or the close message
	pongs   chan string   // capacity 1: the newest ping to be answered
	unread  chan struct{} // closed when the reader has ended
	closing chan struct{} // closed when Close has said what it could
	once    sync.Once     // of closing
	word    closeWord     // the reader's last word to the other end, set before unread closes
	onEnd   func()        // called once when nothing is left of the link
}

// closeWord is what a close message says; code 0 says nothing.
type closeWord struct {
	code   int
	reason string
}

// start makes a link of an upgraded websocket.
func start(w *websocket.Conn, m *meter, d Deadlines, onEnd func()) *conn {
	c := &conn{
		ws:        w,
		meter:     m,
		deadlines: d,
		in:        newInbox(),
		pongs:     make(chan string, 1),
		unread:    make(chan struct{}),
		closing:   make(chan struct{}),
		onEnd:     onEnd,
	}
	w.SetReadLimit(transport.MaxFrame)
	w.SetPongHandler(func(string) error { return nil })
	w.SetPingHandler(func(payload string) error {
		select {
		case <-c.pongs: // RFC 6455, section 5.5.3: the newest ping is enough
		default:
		}
		c.pongs <- payload
		return nil
	})
	w.SetCloseHandler(func(code int, _ string) error {
		c.word = closeWord{code: code} // the keeper echoes it
		return nil
	})
	go c.read()
	go c.keep()
	return c
}

// Send implements transport.Conn.
func (c *conn) Send(ctx context.Context, frame []byte) error {
	if len(frame) > transport.MaxFrame {
		return transport.ErrTooLarge
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.in.reason(); err != nil {
		return err
	}
	severed, err := c.write(ctx, frame)
	switch {
	case severed:
		c.in.end(broken(context.Cause(ctx)))
		c.finish(closeWord{code: codeDone})
		return ctx.Err()
	case err == nil:
		return nil
	}
	c.in.end(broken(writeFault(err)))
	c.finish(closeWord{code: codeDone})
	return c.in.reason()
}

// write writes one message. If ctx ends meanwhile it severs the link, because
// half a message may be under way, and says so.
func (c *conn) write(ctx context.Context, frame []byte) (severed bool, err error) {
	var mu sync.Mutex
	over := false
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			severed = true
			c.meter.sever()
		}
	})
	err = c.ws.WriteMessage(websocket.BinaryMessage, frame)
	stop()
	mu.Lock()
	defer mu.Unlock()
	over = true
	return severed, err
}

func writeFault(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ErrStalled
	}
	return err
}

// Receive implements transport.Conn.
func (c *conn) Receive(ctx context.Context) ([]byte, error) { return c.in.take(ctx) }

// Close implements transport.Conn.
func (c *conn) Close() error {
	c.shut(closeWord{code: codeDone})
	return nil
}

// shut closes the link with a word to the other end. What was sent before is
// in the kernel already and goes out before it.
func (c *conn) shut(w closeWord) {
	c.in.end(transport.ErrClosed)
	if !c.sending.TryLock() {
		c.meter.sever() // a Send is stuck, or nearly done: it has promised nothing yet
		c.sending.Lock()
	}
	defer c.sending.Unlock()
	c.finish(w)
}

// finish says the word, once, and leaves the rest to the keeper. The caller
// holds sending.
func (c *conn) finish(w closeWord) {
	c.once.Do(func() {
		c.say(w)
		close(c.closing)
	})
}

// say writes a close message, or half-closes the connection where none can be
// written any more, so that the other end reads what it was sent and then the
// end.
func (c *conn) say(w closeWord) {
	if w.code == 0 {
		return
	}
	message := websocket.FormatCloseMessage(w.code, w.reason)
	err := c.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(closeGrace))
	if err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		_ = c.meter.halfClose() // the connection is being given up either way
	}
}

// read moves messages into the inbox until the link ends.
func (c *conn) read() {
	defer close(c.unread)
	for {
		c.in.waitRoom()
		frame, err := c.next()
		if err != nil {
			c.in.end(c.judge(err))
			if !c.sending.TryLock() {
				c.meter.sever() // a Send that waits for the other end waits in vain
				return
			}
			c.sending.Unlock()
			return
		}
		c.in.put(frame)
	}
}

// errText says that a message was text.
var errText = errors.New("a text message")

// next reads one message.
func (c *conn) next() ([]byte, error) {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return nil, err
	}
	if kind != websocket.BinaryMessage {
		return nil, errText
	}
	switch {
	case cap(c.scratch) == 0:
		c.scratch = make([]byte, 0, firstScratch)
	case cap(c.scratch) > keepScratch:
		c.scratch = make([]byte, 0, keepScratch)
	}
	into := c.scratch[:0]
	for err == nil {
		if len(into) == cap(into) {
			into = slices.Grow(into, len(into)) // doubles: memory follows what arrived
		}
		var n int
		n, err = r.Read(into[len(into):cap(into)])
		into = into[:len(into)+n]
	}
	c.scratch = into
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	c.meter.renew()
	return bytes.Clone(into), nil
}

// judge finds the error that a link ends with when reading failed, and the
// last word to the other end.
func (c *conn) judge(err error) error {
	var closed *websocket.CloseError
	fault := c.meter.failure()
	var timeout net.Error
	switch {
	case errors.Is(fault, ErrFlood):
		c.word = closeWord{codePolicy, "flood"}
		return broken(ErrFlood)
	case errors.As(fault, &timeout) && timeout.Timeout():
		return broken(ErrIdle)
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return closedBy(closed.Code, closed.Text)
	case fault != nil:
		return broken(fault)
	case errors.Is(err, websocket.ErrReadLimit):
		c.word = closeWord{codeTooLarge, ""}
		return broken(transport.ErrTooLarge)
	case errors.Is(err, errText):
		c.word = closeWord{codeUnsupported, "binary messages only"}
	default:
		c.word = closeWord{codeProtocol, ""} // the library has said why
	}
	return broken(fmt.Errorf("%w: %w", ErrProtocol, err))
}

// keep pings, answers pings, and takes the connection down at the end.
func (c *conn) keep() {
	defer c.onEnd()
	defer c.ws.Close() //nolint:errcheck // nothing is left to be lost
	tick := time.NewTicker(c.deadlines.Idle / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.meter.renew()
			c.control(websocket.PingMessage, "")
		case payload := <-c.pongs:
			c.control(websocket.PongMessage, payload)
		case <-c.unread:
			c.say(c.word)
			c.drain()
			return
		case <-c.closing:
			if c.await() {
				c.drain() // the reader may have met a fault before
			}
			return
		}
	}
}

// await waits for the reader to end, as a rule with the other end's close
// message, or for the end of patience.
func (c *conn) await() bool {
	grace := time.NewTimer(closeGrace)
	defer grace.Stop()
	select {
	case <-c.unread:
		return true
	case <-grace.C:
		return false
	}
}

// control writes a ping or pong. Its failure is the link's, and whoever reads
// or sends learns of that.
func (c *conn) control(kind int, payload string) {
	_ = c.ws.WriteControl(kind, []byte(payload), time.Now().Add(c.deadlines.Stall))
}

// drain lets the other end see why the link ended: a connection closed over
// bytes that nobody read is reset, and takes the last word with it.
func (c *conn) drain() {
	fault := c.meter.failure()
	if c.word.code == 0 || fault != nil && !errors.Is(fault, ErrFlood) || c.meter.halfClose() != nil {
		return
	}
	under := c.meter.Conn
	if under.SetReadDeadline(time.Now().Add(closeGrace/5)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, under, frameBudget) // whatever ends it, the connection goes now
}
