package noise

import (
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/transport"
)

// Errors of encrypted links. All but ErrFirst end the link and come wrapped
// together with transport.ErrClosed.
var (
	// ErrFirst says that the first frame is too large for the handshake.
	// Nothing was sent, the link goes on: send a smaller one first.
	ErrFirst = errors.New("noise: the first frame of each end holds 65,486 bytes at most")
	// ErrVersion names the other end's version. Update the older one.
	ErrVersion = errors.New("noise: the other end encrypts by another version; update the older one")
	// ErrRoom says that an initiator named a room whose key is not here.
	ErrRoom = errors.New("noise: the other end asked for a room that is not known here")
	// ErrKey says that the handshake failed: the other end holds another key
	// for the room, or somebody changed what it said.
	ErrKey = errors.New("noise: the other end does not hold the room's key, or the handshake was altered on its way")
	// ErrDenied says that the responder knows no such room, or holds another
	// key for it. Anybody on the way could have said so.
	ErrDenied = errors.New("noise: the other end does not know this room by this key; ask for a new invite if that is not expected")
	// ErrMalformed says that the other end sent what this protocol does not
	// have.
	ErrMalformed = errors.New("noise: the other end does not speak this protocol")
	// ErrTampered says that a record does not open: it was altered, repeated,
	// dropped or moved on its way.
	ErrTampered = errors.New("noise: what arrived was altered on its way")
	// ErrTruncated says that the link ended without the other end's farewell:
	// it broke, was cut on its way, or the other end died. What arrived is
	// sound; dial again for the rest.
	ErrTruncated = errors.New("noise: the link was cut before the other end closed it")
)

// broken is the error of a link that ended for cause.
func broken(cause error) error { return fmt.Errorf("%w: %w", transport.ErrClosed, cause) }
