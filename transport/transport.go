package transport

import (
	"context"
	"errors"
)

// MaxFrame is the largest frame in bytes that a link carries.
const MaxFrame = 2 << 20

var (
	// ErrClosed says that a link or listener has ended: closed at either end,
	// or broken. An error of a broken link wraps its cause beside ErrClosed.
	// Dial again to go on.
	ErrClosed = errors.New("transport: closed")
	// ErrTooLarge says that a frame is above MaxFrame. Send returns it and has
	// sent nothing, the link goes on; Receive returns it when the other end
	// breaks the limit, and closes the link. Cut the data into smaller frames.
	ErrTooLarge = errors.New("transport: frame larger than 2 MiB")
)

// Conn is one end of a link.
//
// Goroutines: one Send and one Receive may run at the same time, in two
// goroutines. Two Sends at once, or two Receives, are the caller's error. Close
// may be called from anywhere, at any time, again and again.
type Conn interface {
	// Send passes one frame on, and waits while the link is full. It returns
	// nil when the link has taken the frame, which is not yet proof that the
	// other end has received it.
	//
	// The frame is the caller's again when Send returns, to change or reuse;
	// Send never changes it.
	//
	// Errors: ErrTooLarge, before anything is sent; ErrClosed, when the link
	// has ended at either end; the context's error, when ctx ended first. In
	// the last two cases the frame may or may not arrive, whole if it does.
	// If ctx was over before the call, nothing is sent and the link goes on. If
	// it ended while Send waited, the link may have had to close, because half
	// a frame was under way: the next Send then gives ErrClosed.
	Send(ctx context.Context, frame []byte) error

	// Receive waits for the next frame and returns it. The frame is the
	// caller's, to change and to append to: the link keeps no reference to it.
	// An empty frame has length 0 and may be nil.
	//
	// Errors: ErrClosed, when the link has ended and every frame that had
	// arrived was returned; ErrTooLarge, when the other end sent one above
	// MaxFrame; the context's error, when ctx ended first: no frame is lost
	// by that, the next Receive returns it.
	Receive(ctx context.Context) ([]byte, error)

	// Close ends the link for both ends. A Send or Receive that waits, here or
	// there, returns; frames that had arrived can still be received, then
	// comes ErrClosed. Close flushes (invariant 5) for a bounded time that the
	// implementation decides, and returns nil when the link had already ended.
	Close() error
}

// InProcess is an optional ability of a Conn whose other end is in the same
// process: whoever holds one end knows who holds the other.
type InProcess interface {
	InProcess()
}

// Dialer reaches out for links. All goroutines may use it at once.
type Dialer interface {
	// Dial makes a link to addr, whose form is the implementation's. ctx
	// bounds the making only: the link outlives it.
	Dial(ctx context.Context, addr string) (Conn, error)
}

// Listener makes links for those who reach out. All goroutines may use it at
// once.
type Listener interface {
	// Accept waits for the next link. ErrClosed after Close, the context's
	// error if ctx ended first: no link is lost by that.
	Accept(ctx context.Context) (Conn, error)

	// Close stops listening; a waiting Accept returns ErrClosed. Links that
	// Accept has returned live on, those it has not are closed. Closing again
	// returns nil.
	Close() error

	// Addr returns an address at which a Dialer of the same kind reaches this
	// listener.
	Addr() string
}
