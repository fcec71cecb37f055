package pack

import (
	"errors"

	"github.com/kdelta/kdelta/history"
)

// ErrPack is wrapped when bytes are not a pack. It is a verdict on the bytes and on who sent them, not on any version. Where
// versions were to be encoded it says what they lack; it wraps history.ErrTooLarge too where they are too much for one pack:
// make several.
var ErrPack = errors.New("history/pack: not a pack")

// packError is ErrPack with what was found and, where there is one, the error beneath.
type packError struct {
	what  string
	cause error
}

func (e *packError) Error() string {
	s := ErrPack.Error() + ": " + e.what
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *packError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrPack}
	}
	return []error{ErrPack, e.cause}
}

func notPack(what string, cause error) error { return &packError{what: what, cause: cause} }

// Limits of one pack, checked by who writes it and, before anything is allocated, by who reads it.
const (
	// MaxVersions is the number of versions.
	MaxVersions = 1 << 17
	// MaxBody is the size of the body in bytes before compression.
	MaxBody = 16 << 20
	// MaxRatio bounds what compression may claim: a body is MaxRatio times its stored size at most, and slack.
	MaxRatio = 100
	// MaxPayloads is the size of all payloads together, as the columns unfold to them. Columns say once what payloads
	// repeat, such as keys, so a small body could stand for any number of bytes to hash.
	MaxPayloads = 64 << 20
)

// slack is what a body may have beyond MaxRatio: what is regular and small may be any number of times smaller.
const slack = 1 << 20

func tooLarge(what string) error { return notPack(what+"; make several packs", history.ErrTooLarge) }
