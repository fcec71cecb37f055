package canon

import (
	"errors"
	"strconv"
)

// ErrMalformed is wrapped by every error of a Reader and of Check: the bytes are not canonical. The error's text has the
// offset in bytes and what is wrong there. Bytes that are refused once are refused always: do not retry, drop them.
var ErrMalformed = errors.New("not canonical")

// ErrJSON is wrapped when a text is not JSON at all. The error's text has the path (RFC 6901) and the offset in bytes.
var ErrJSON = errors.New("invalid JSON")

// ErrValue is wrapped when something is understood but no Value can hold it without loss: a number out of range, a
// duplicate key, a lone surrogate, too deep a nesting. The error's text has the path where there is one.
var ErrValue = errors.New("not storable")

// malformed is the error of the reading side; it is built only when reading has failed.
type malformed struct {
	offset int
	what   string
}

func (e *malformed) Error() string {
	return "canon: at byte " + strconv.Itoa(e.offset) + ": " + e.what + ": " + ErrMalformed.Error()
}

func (e *malformed) Unwrap() error { return ErrMalformed }

// unstorable is the error of the constructors.
type unstorable struct{ what string }

func (e *unstorable) Error() string { return "canon: " + e.what + ": " + ErrValue.Error() }

func (e *unstorable) Unwrap() error { return ErrValue }
