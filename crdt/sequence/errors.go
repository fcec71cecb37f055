package sequence

import "errors"

// ErrPosition is wrapped for an op that reaches beyond the end of what its author can have seen, and for an offset
// beyond the end of the text. Nothing was applied.
var ErrPosition = errors.New("position out of range")

// ErrText is wrapped for inserted text that is not UTF-8. Half of a surrogate pair is not: send the pair whole. Nothing
// was applied.
var ErrText = errors.New("text is not valid UTF-8")

// ErrSurrogate is wrapped for a UTF-16 offset between the halves of a surrogate pair. Move it to either side.
var ErrSurrogate = errors.New("offset inside a surrogate pair")

// ErrEvent is wrapped for an event that cannot follow what is known: it names a parent that is not here, or an author's
// dots do not rise. Nothing was applied.
var ErrEvent = errors.New("event does not fit the history")

// ErrHistory is wrapped when an answer needs events that were not loaded: give them to Load and ask again. Nothing was
// applied.
var ErrHistory = errors.New("history is not loaded")

// ErrLimit is wrapped for what would make a document larger than MaxEvents or MaxContent.
var ErrLimit = errors.New("document too large")

// ErrEncoding is wrapped for bytes that no encoder here writes. What was stored is damaged: make it again from the
// versions.
var ErrEncoding = errors.New("damaged encoding")

type faultError struct {
	kind error
	what string
}

func (e *faultError) Error() string { return "sequence: " + e.kind.Error() + ": " + e.what }

func (e *faultError) Unwrap() error { return e.kind }

// fault is an error of the given kind; its text says what is wrong and what to do.
func fault(kind error, what string) error { return &faultError{kind: kind, what: what} }
