package noise

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	flynn "github.com/flynn/noise"

	"github.com/kdelta/kdelta/transport"
)

// partingGrace bounds how long a refusal or a farewell waits for room on the
// link.
const partingGrace = time.Second

// Conn is one end of an encrypted link, a transport.Conn. It starts no
// goroutine and owns the link under it.
type Conn struct {
	inner     transport.Conn
	room      Room
	initiator bool

	// The handshake. Who finishes it holds turn; ready says that it is done.
	shake         *handshake
	turn          chan struct{} // capacity 1, a lock that a context can give up
	spoken        chan struct{} // closed when this end's message has gone
	ready         chan struct{} // closed when records may pass
	binding, peer [32]byte
	first         []byte // the other end's first frame until it is received, not nil then

	sending   sync.Mutex // held by who writes
	out       sealer
	in        opener // the receiver's
	inEnd     error  // the receiver's: what Receive ended with
	confirmed atomic.Bool

	mu    sync.Mutex
	ended error         // why the link ended, nil while it has not
	done  chan struct{} // closed with it
	once  sync.Once     // of Close
}

func newConn(inner transport.Conn, initiator bool, room Room) *Conn {
	return &Conn{
		inner:     inner,
		room:      room,
		initiator: initiator,
		turn:      make(chan struct{}, 1),
		spoken:    make(chan struct{}),
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
	}
}

// Initiate makes the initiator's end of a link over inner, which belongs to it
// from now on. Nothing is sent before the first Send. What goes wrong in the
// handshake comes out of Send and Receive: ErrVersion, ErrDenied, ErrKey,
// ErrMalformed, ErrTruncated.
func Initiate(inner transport.Conn, room Room, key Key) (*Conn, error) {
	return initiate(inner, room, key, rand.Reader)
}

func initiate(inner transport.Conn, room Room, key Key, random io.Reader) (*Conn, error) {
	shake, err := newHandshake(true, preamble(Version, room), key, random)
	if err != nil {
		return nil, err
	}
	c := newConn(inner, true, room)
	c.shake = shake
	c.binding = shake.beforeFirst(shake.own.public())
	return c, nil
}

// Respond waits for an initiator's first message over inner and makes the
// responder's end of the link, which then has the first frame to receive. If it
// fails inner is closed. Errors: ErrRoom, ErrKey, ErrVersion, ErrMalformed,
// ErrTruncated, the context's error.
func Respond(ctx context.Context, inner transport.Conn, keys Keys) (*Conn, error) {
	return respond(ctx, inner, keys, rand.Reader)
}

func respond(ctx context.Context, inner transport.Conn, keys Keys, random io.Reader) (*Conn, error) {
	message, err := inner.Receive(ctx)
	if err != nil {
		_ = inner.Close() // the error that counts is the first
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %w", err, ErrTruncated)
	}
	c, refusal, err := answer(inner, message, keys, random)
	if err != nil {
		refuse(ctx, inner, refusal)
		return nil, broken(err)
	}
	return c, nil
}

// answer makes the responder's end of the first message, or the refusal.
func answer(inner transport.Conn, message []byte, keys Keys, random io.Reader) (c *Conn, refusal []byte, err error) {
	version, room, rest, err := parsePreamble(message)
	if err != nil {
		return nil, nil, err
	}
	if version != Version {
		return nil, []byte{refusedVersion, Version}, fmt.Errorf("%w: it is version %d, this one %d", ErrVersion, version, Version)
	}
	key, known := keys(room)
	if !known {
		// The same work as for a wrong key, so that neither the answer nor its
		// time tells a stranger which rooms are here.
		if _, err := io.ReadFull(random, key[:]); err != nil {
			return nil, nil, fmt.Errorf("noise: randomness: %w", err)
		}
	}
	shake, err := newHandshake(false, preamble(Version, room), key, random)
	if err != nil {
		return nil, nil, err
	}
	payload, _, _, err := shake.state.ReadMessage(nil, rest)
	switch {
	case err != nil && !known:
		return nil, []byte{refusedKey}, ErrRoom
	case err != nil:
		return nil, []byte{refusedKey}, ErrKey
	}
	c = newConn(inner, false, room)
	c.shake = shake
	if c.first, err = firstFrame(payload); err != nil {
		return nil, nil, err
	}
	c.peer = shake.beforeFirst(rest[:publicLen])
	c.binding = shake.beforeSecond(shake.own.public())
	return c, nil, nil
}

// refuse says the refusal, if there is one, and closes the link.
func refuse(ctx context.Context, inner transport.Conn, refusal []byte) {
	if refusal != nil {
		ctx, cancel := context.WithTimeout(ctx, partingGrace)
		defer cancel()
		_ = inner.Send(ctx, refusal) // a courtesy
	}
	_ = inner.Close()
}

// Room returns the room of the link: what the initiator named.
func (c *Conn) Room() Room { return c.room }

// Initiator reports whether this end has reached out.
func (c *Conn) Initiator() bool { return c.initiator }

// Binding returns the handshake hash before this end's first payload: what to
// sign in the first frame, together with one's role.
func (c *Conn) Binding() [32]byte { return c.binding }

// PeerBinding returns the handshake hash before the other end's first payload:
// what the signature in its first frame must cover. A responder knows it at
// once, an initiator from its first Receive on.
func (c *Conn) PeerBinding() [32]byte { return c.peer }

// Confirmed reports whether the other end has shown that it is there now and
// holds the room's key. An initiator knows from its first Receive on, a
// responder from the first frame after the first one.
func (c *Conn) Confirmed() bool { return c.confirmed.Load() }

// Send implements transport.Conn. An end's first Send is its part of the
// handshake and takes MaxFirst bytes at most; an initiator's second waits for
// the responder's first. A Send whose context ends while it waits for room
// closes the link, because the record it made cannot be made again.
func (c *Conn) Send(ctx context.Context, frame []byte) error {
	if len(frame) > transport.MaxFrame {
		return transport.ErrTooLarge
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.reason(); err != nil {
		return err
	}
	select {
	case <-c.spoken:
	default:
		return c.speak(ctx, frame)
	}
	if err := c.complete(ctx); err != nil {
		return err
	}
	for len(frame) > maxPart {
		if err := c.sendRecord(ctx, kindPart, frame[:maxPart]); err != nil {
			return err
		}
		frame = frame[maxPart:]
	}
	return c.sendRecord(ctx, kindLast, frame)
}

func (c *Conn) sendRecord(ctx context.Context, kind byte, body []byte) error {
	record, err := c.out.seal(kind, body)
	if err != nil {
		return c.fail(fmt.Errorf("noise: %w", err))
	}
	return c.pass(ctx, record)
}

// pass hands a message to the link under this one. If that fails nobody knows
// whether it arrived, so nothing can follow it.
func (c *Conn) pass(ctx context.Context, message []byte) error {
	err := c.inner.Send(ctx, message)
	if err == nil {
		return nil
	}
	over := ctx.Err()
	reason := c.fail(err)
	if over != nil {
		return over
	}
	return reason
}

// speak sends this end's handshake message around its first frame.
func (c *Conn) speak(ctx context.Context, frame []byte) error {
	if len(frame) > MaxFirst {
		return ErrFirst
	}
	message := []byte{accepted}
	if c.initiator {
		message = append([]byte(nil), c.shake.clear...)
	}
	payload := append([]byte{kindLast}, frame...)
	message, toResponder, toInitiator, err := c.shake.state.WriteMessage(message, payload)
	if err != nil {
		return c.fail(fmt.Errorf("noise: %w", err))
	}
	if err := c.pass(ctx, message); err != nil {
		return err
	}
	if !c.initiator {
		c.out.state, c.in.state = toInitiator, toResponder
		close(c.ready)
	}
	close(c.spoken)
	return nil
}

// complete returns when records may pass. An initiator's Send and Receive both
// come here; one of them reads the responder's message.
func (c *Conn) complete(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	default:
	}
	select {
	case <-c.spoken:
	case <-c.done:
		return c.reason()
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-c.ready:
		return nil
	default:
	}
	message, err := c.inner.Receive(ctx)
	if err != nil {
		return c.inFault(ctx, err)
	}
	if err := c.finish(message); err != nil {
		return c.fail(err)
	}
	return nil
}

// finish reads the responder's message.
func (c *Conn) finish(message []byte) error {
	switch {
	case len(message) == 2 && message[0] == refusedVersion:
		return fmt.Errorf("%w: it is version %d, this one %d", ErrVersion, message[1], Version)
	case len(message) == 1 && message[0] == refusedKey:
		return ErrDenied
	case len(message) < 1+publicLen+tagLen || len(message) > 1+flynn.MaxMsgLen || message[0] != accepted:
		return fmt.Errorf("%w: an answer of %d bytes", ErrMalformed, len(message))
	}
	message = message[1:]
	peer := c.shake.beforeSecond(message[:publicLen])
	payload, toResponder, toInitiator, err := c.shake.state.ReadMessage(nil, message)
	if err != nil {
		return ErrKey
	}
	if c.first, err = firstFrame(payload); err != nil {
		return err
	}
	c.peer = peer
	c.out.state, c.in.state = toResponder, toInitiator
	c.confirmed.Store(true)
	close(c.ready)
	return nil
}

// Receive implements transport.Conn. A responder's first Receive returns at
// once; everything else waits for the handshake.
func (c *Conn) Receive(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.inEnd != nil {
		return nil, c.inEnd
	}
	if c.initiator || c.first == nil {
		if err := c.complete(ctx); err != nil {
			return nil, err
		}
	}
	if frame := c.first; frame != nil {
		c.first = nil
		return frame, nil
	}
	for {
		record, err := c.inner.Receive(ctx)
		if err != nil {
			return nil, c.inFault(ctx, err)
		}
		frame, done, bye, err := c.in.open(record)
		switch {
		case err != nil:
			c.inEnd = c.fail(err)
			return nil, c.inEnd
		case bye:
			c.inEnd = c.end(transport.ErrClosed)
			_ = c.inner.Close() // the other end has closed it already
			return nil, c.inEnd
		}
		c.confirmed.Store(true)
		if done {
			return frame, nil
		}
	}
}

// inFault finds what a failed Receive of the link under this one means.
func (c *Conn) inFault(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil && !errors.Is(err, transport.ErrClosed) {
		return over
	}
	return c.fail(fmt.Errorf("%w: %w", err, ErrTruncated))
}

// Close implements transport.Conn. It says farewell where the link has room for
// that within a second.
func (c *Conn) Close() error {
	var err error
	c.once.Do(func() {
		first := c.reason() == nil
		_ = c.end(transport.ErrClosed) // or what had ended it before
		if first && c.sending.TryLock() {
			c.farewell()
			c.sending.Unlock()
		}
		err = c.inner.Close()
	})
	return err
}

func (c *Conn) farewell() {
	select {
	case <-c.ready:
	default:
		return // there is no key yet to say it under
	}
	record, err := c.out.seal(kindFarewell, nil)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), partingGrace)
	defer cancel()
	_ = c.inner.Send(ctx, record) // without it the other end sees a cut, as it should
}

// fail ends the link for cause, and closes the one under it.
func (c *Conn) fail(cause error) error {
	if !errors.Is(cause, transport.ErrClosed) {
		cause = broken(cause)
	}
	reason := c.end(cause)
	_ = c.inner.Close() // the cause is what counts
	return reason
}

// end notes why the link ended; the first reason stands and is returned.
func (c *Conn) end(reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = reason
		close(c.done)
	}
	return c.ended
}

// reason returns why the link ended, nil while it has not.
func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}
