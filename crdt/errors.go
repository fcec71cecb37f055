package crdt

import "errors"

// ErrOp is wrapped for an op that no replica accepts: a body that is not what its code demands, a wrong width, an
// argument out of range. The same bytes get the same verdict everywhere.
var ErrOp = errors.New("invalid op")

// ErrState is wrapped by DecodeState for bytes that no state encodes to. The stored state is damaged: fold it again from
// the versions.
var ErrState = errors.New("damaged state")

// ErrLookup is wrapped by State.Apply when the history that it had to ask for could not be read. The state is as it
// was before; apply again once the cause is removed.
var ErrLookup = errors.New("history not readable")

// ErrStrategy is wrapped by NewRegistry for a strategy that cannot be registered.
var ErrStrategy = errors.New("invalid strategy")

type faultError struct {
	kind  error
	what  string
	cause error
}

func (e *faultError) Error() string {
	text := "crdt: " + e.kind.Error() + ": " + e.what
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *faultError) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// fault is an error of the given kind; its text says what is wrong and what to do.
func fault(kind error, what string) error { return &faultError{kind: kind, what: what} }

// faultOf is fault with the error that caused it.
func faultOf(kind error, what string, cause error) error {
	return &faultError{kind: kind, what: what, cause: cause}
}
