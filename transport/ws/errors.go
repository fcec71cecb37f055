package ws

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/kdelta/kdelta/transport"
)

// Subprotocol is what both ends of a link name in the websocket handshake. It
// changes when a frame is no longer a message.
const Subprotocol = "kdelta.v0"

// Errors of making a link.
var (
	// ErrAddress says that an address is none of a websocket: ws:// or wss://,
	// a host, no user, no password, no fragment.
	ErrAddress = errors.New("ws: not a websocket address; give ws://HOST:PORT/PATH or wss://HOST/PATH")
	// ErrPlain says that a link would leave this machine in the clear.
	ErrPlain = errors.New("ws: refused to send in the clear to another machine; use wss:// and TLS, or allow plain links")
	// ErrRefused says that whoever answered did not make it a link: no
	// websocket, no kdelta, an origin or host name it does not know, or no room.
	// The HTTP status follows.
	ErrRefused = errors.New("ws: the other end refused the link")
)

// Errors that end a link. They come wrapped together with transport.ErrClosed.
var (
	// ErrIdle says that nothing came from the other end for Deadlines.Idle, not
	// even an answer to a ping. Dial again.
	ErrIdle = errors.New("ws: no sign of life from the other end")
	// ErrStalled says that the other end took nothing for Deadlines.Stall, or,
	// in a browser, that the page left too much unreceived. Dial again, and
	// receive faster.
	ErrStalled = errors.New("ws: the link stalled: frames came faster than they were taken")
	// ErrFlood says that the other end sent too much that is no frame.
	ErrFlood = errors.New("ws: the other end sent pings or empty fragments without measure")
	// ErrProtocol says that the other end sent what is no binary websocket
	// message. The details follow.
	ErrProtocol = errors.New("ws: the other end broke the websocket protocol")
)

// Close codes (RFC 6455, section 7.4.1) that this package sends.
const (
	codeDone        = 1000
	codeGoingAway   = 1001
	codeProtocol    = 1002
	codeUnsupported = 1003
	codePolicy      = 1008
	codeTooLarge    = 1009
	codeTryLater    = 1013
)

// CloseError is the reason that the other end gave for closing the link, if it
// was another one than being done. It comes wrapped together with
// transport.ErrClosed.
type CloseError struct {
	// Code is one of RFC 6455, 1005 if the other end gave none.
	Code int
	// Reason is the other end's text: at most 123 bytes, printable ASCII.
	Reason string
}

// Error shows code and reason.
func (e *CloseError) Error() string {
	text := "ws: the other end closed the link with code " + strconv.Itoa(e.Code)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	return text
}

// closedBy is the error of a link that the other end closed.
func closedBy(code int, reason string) error {
	if code == codeDone || code == codeGoingAway {
		return transport.ErrClosed
	}
	return broken(&CloseError{Code: code, Reason: printable(reason)})
}

// broken is the error of a link that ended for cause.
func broken(cause error) error { return fmt.Errorf("%w: %w", transport.ErrClosed, cause) }

// printable makes a stranger's text fit to be shown on a terminal.
func printable(text string) string {
	const most = 123 // RFC 6455: a control message holds 125 bytes, two are the code
	shown := []byte(text[:min(len(text), most)])
	for i, b := range shown {
		if b < ' ' || b > '~' {
			shown[i] = '?'
		}
	}
	return string(shown)
}
